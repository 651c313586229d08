//! `${file:/path}` and `${env:NAME}`: the only ways to put a secret into the configuration, alone or inside other text
//! (`Bearer ${env:TOKEN}`); `$${` is a `${` that is meant as it stands.
//!
//! A literal password is accepted as well, because a test that starts from one file needs it;
//! [`literals`] says so loudly. What a command does not need is not read: a kill switch must not fail for a variable
//! that somebody else's shell has.

use std::path::Path;

use model::{Secret, config::Config};

use super::{error::ConfigError, needs::Needs, notice::Notice, tree::Tree};

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
    let webhooks = config.notify.webhooks.iter_mut().flat_map(|(name, webhook)| {
        let always = [("url", &mut webhook.url), ("secret", &mut webhook.secret)];
        let previous = webhook.previous_secret.as_mut().map(|secret| ("previous_secret", secret));
        always.into_iter().chain(previous).map(move |(key, secret)| (format!("notify.webhooks.{name}.{key}"), secret))
    });
    let mail = config
        .notify
        .mail
        .iter_mut()
        .filter_map(|(name, mail)| Some((format!("notify.mail.{name}.password"), mail.password.as_mut()?)));
    people.chain(servers).chain(clients).chain(webhooks).chain(mail)
}

/// Where the secrets of the file stand.
pub fn places(config: &Config) -> Vec<String> {
    all(&mut config.clone()).map(|(path, _)| path).collect()
}

/// Says which secrets are written out in the file instead of referred to. A hash is no secret of that kind, and an address
/// need not be one.
pub fn literals(config: &Config) -> Vec<Notice> {
    all(&mut config.clone())
        .filter(|(path, secret)| !has_reference(secret.expose()) && !path.ends_with(".password_hash"))
        .filter(|(path, _)| !(path.starts_with("notify.") && path.ends_with(".url")))
        .map(|(path, _)| Notice {
            path,
            what: "is written out in the file; fine for a test, otherwise use ${file:/path} or ${env:NAME}".into(),
        })
        .collect()
}

/// Refuses references where nobody would read them: they would be used as they stand.
pub fn refuse_elsewhere(tree: &Tree, config: &Config) -> Result<(), ConfigError> {
    let mut config = config.clone();
    let known: Vec<String> = all(&mut config).map(|(path, _)| path).chain(["store".to_owned()]).collect();
    let mut texts = Vec::new();
    tree.texts("", &mut texts);
    match texts.into_iter().find(|(path, text)| has_reference(text) && !known.contains(path)) {
        None => Ok(()),
        Some((path, _)) => Err(ConfigError::Secret {
            path,
            why: "references (${…}) are read in passwords, headers, client secrets, webhooks and `store` only; write the value"
                .into(),
        }),
    }
}

/// Replaces every reference that is needed by what it points to. Relative files are relative to `base`.
pub fn resolve(config: &mut Config, base: &Path, needs: Needs) -> Result<(), ConfigError> {
    for (path, secret) in all(config) {
        let needed = needs == Needs::Everything || needs == Needs::Servers && path.starts_with("servers.");
        if needed {
            *secret = Secret::new(read(secret.expose(), base, &path)?);
        }
    }
    if has_reference(config.store.expose()) {
        let store = read(config.store.expose(), base, "store")?;
        config.store = store.try_into().map_err(|why: String| ConfigError::Secret { path: "store".into(), why })?;
    }
    Ok(())
}

fn has_reference(text: &str) -> bool {
    text.replace("$${", "").contains("${")
}

/// `text` with its references replaced. What they point to is not read again.
pub fn read(text: &str, base: &Path, path: &str) -> Result<String, ConfigError> {
    let wrong = |why: String| ConfigError::Secret { path: path.to_owned(), why };
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at - 1]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let end = rest[at..]
            .find('}')
            .ok_or_else(|| wrong("a reference has no end; write ${env:NAME}, or $${ for a ${ of its own".into()))?;
        out.push_str(&referred(&rest[at + 2..at + end], base).map_err(wrong)?);
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    if out.is_empty() { Err(wrong("the secret is empty".into())) } else { Ok(out) }
}

fn referred(reference: &str, base: &Path) -> Result<String, String> {
    let value = match reference.split_once(':') {
        Some(("env", name)) => {
            std::env::var(name).map_err(|_| format!("the environment variable {name} is not set, or not UTF-8"))?
        }
        Some(("file", file)) => {
            let file = base.join(file);
            let text =
                std::fs::read_to_string(&file).map_err(|why| format!("{} can not be read: {why}", file.display()))?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        }
        _ => return Err("a reference is ${file:/path} or ${env:NAME}; write $${ for a ${ of its own".into()),
    };
    if value.is_empty() { Err("the secret is empty".into()) } else { Ok(value) }
}
