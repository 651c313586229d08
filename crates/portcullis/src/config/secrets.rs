//! `${file:/path}` and `${env:NAME}`: the only ways to put a secret into the configuration.
//!
//! A literal password is accepted as well, because a test that starts from one file needs it;
//! [`literals`] says so loudly.

use std::path::Path;

use model::{Secret, config::Config};

use super::{ConfigError, Notice};

/// Every secret of the file, with where it stands.
fn all(config: &mut Config) -> impl Iterator<Item = (String, &mut Secret)> {
    let people = config.people.iter_mut().flat_map(|(name, person)| {
        [("password", &mut person.password), ("password_hash", &mut person.password_hash)]
            .into_iter()
            .filter_map(move |(key, secret)| Some((format!("people.{name}.{key}"), secret.as_mut()?)))
    });
    let servers = config.servers.iter_mut().flat_map(|(name, server)| {
        server.headers.iter_mut().map(move |(header, secret)| (format!("servers.{name}.headers.{header}"), secret))
    });
    let clients = config
        .clients
        .registered
        .iter_mut()
        .filter_map(|(id, client)| Some((format!("clients.registered.{id}.secret"), client.secret.as_mut()?)));
    people.chain(servers).chain(clients)
}

/// Says which secrets are written out in the file instead of referred to. A hash is no secret of that kind.
pub fn literals(config: &Config) -> Vec<Notice> {
    all(&mut config.clone())
        .filter(|(path, secret)| !is_reference(secret) && !path.ends_with(".password_hash"))
        .map(|(path, _)| Notice {
            path,
            what: "is written out in the file; fine for a test, otherwise use ${file:/path} or ${env:NAME}".into(),
        })
        .collect()
}

/// Replaces every reference by what it points to. Relative files are relative to `base`.
pub fn resolve(config: &mut Config, base: &Path) -> Result<(), ConfigError> {
    for (path, secret) in all(config) {
        replace(secret, base, &path)?;
    }
    let mut store = Secret::new(config.store.expose());
    if is_reference(&store) {
        replace(&mut store, base, "store")?;
        config.store = store
            .expose()
            .to_owned()
            .try_into()
            .map_err(|why: String| ConfigError::Secret { path: "store".into(), why })?;
    }
    Ok(())
}

/// Is it written as a reference rather than as the secret itself?
pub fn is_reference(secret: &Secret) -> bool {
    secret.expose().starts_with("${") && secret.expose().ends_with('}')
}

fn replace(secret: &mut Secret, base: &Path, path: &str) -> Result<(), ConfigError> {
    if !is_reference(secret) {
        return Ok(());
    }
    let wrong = |why: String| ConfigError::Secret { path: path.to_owned(), why };
    let text = secret.expose();
    let value = match text[2..text.len() - 1].split_once(':') {
        Some(("env", name)) => {
            std::env::var(name).map_err(|_| wrong(format!("the environment variable {name} is not set")))?
        }
        Some(("file", file)) => {
            let file = base.join(file);
            let text = std::fs::read_to_string(&file)
                .map_err(|why| wrong(format!("{} can not be read: {why}", file.display())))?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        }
        _ => return Err(wrong("a reference is ${file:/path} or ${env:NAME}".into())),
    };
    if value.is_empty() {
        return Err(wrong("the secret is empty".into()));
    }
    *secret = Secret::new(value);
    Ok(())
}
