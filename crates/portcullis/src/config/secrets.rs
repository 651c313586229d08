//! `${file:/path}` and `${env:NAME}`: the only ways to put a secret into the configuration.
//!
//! A literal password is accepted as well, because a test that starts from one file needs it;
//! [`super::notices`] says so loudly.

use std::path::Path;

use model::{Secret, config::Config};

use super::ConfigError;

/// Replaces every reference by what it points to. Relative files are relative to `base`.
pub fn resolve(config: &mut Config, base: &Path) -> Result<(), ConfigError> {
    for (name, person) in &mut config.people {
        for (key, secret) in [("password", &mut person.password), ("password_hash", &mut person.password_hash)] {
            if let Some(secret) = secret {
                replace(secret, base, || format!("people.{name}.{key}"))?;
            }
        }
    }
    for (name, server) in &mut config.servers {
        for (header, secret) in &mut server.headers {
            replace(secret, base, || format!("servers.{name}.headers.{header}"))?;
        }
    }
    for (id, client) in &mut config.clients.registered {
        if let Some(secret) = &mut client.secret {
            replace(secret, base, || format!("clients.registered.{id}.secret"))?;
        }
    }
    let store = Secret::new(config.store.expose());
    if is_reference(&store) {
        let mut store = store;
        replace(&mut store, base, || "store".into())?;
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

fn replace(secret: &mut Secret, base: &Path, path: impl Fn() -> String) -> Result<(), ConfigError> {
    if !is_reference(secret) {
        return Ok(());
    }
    let wrong = |why: String| ConfigError::Secret { path: path(), why };
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
