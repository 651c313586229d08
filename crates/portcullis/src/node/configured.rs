//! What a configuration stands for: the store it names, the policies, the certificate.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use model::{Clock, SystemClock, config::Config};
use store::{Missing, OpenOptions, Store};

use super::witness::Witness;

/// The certificate and key that are configured, read now.
pub fn certificate(config: &Config) -> Result<Option<net::Tls>> {
    let Some(files) = &config.tls else { return Ok(None) };
    let read = |file: &PathBuf| std::fs::read(file).with_context(|| format!("tls: {} can not be read", file.display()));
    let tls = net::Tls::from_pem(&read(&files.certificate_file)?, &read(&files.key_file)?);
    tls.map(Some).with_context(|| format!("tls: {} and {}", files.certificate_file.display(), files.key_file.display()))
}

/// Opens the store of this configuration; `node` is `None` for a command that only visits.
pub async fn open_store(config: &Config, node: Option<String>, missing: Missing) -> Result<Store> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = OpenOptions {
        url: config.store.clone(),
        data_dir: config.data_dir.clone(),
        origin: format!("{}/audit", config.public_url.authority()),
        clock,
        node,
        store_silence: config.limits.store_silence,
        missing,
    };
    Store::open(options).await.context("the store")
}

/// The built-in pack and the operator's own `*.cedar` files.
pub fn policies(config: &Config) -> Result<policy::Policies> {
    let Some(directory) = &config.policies else { return Ok(policy::Policies::built_in()) };
    let entries = std::fs::read_dir(directory)
        .with_context(|| format!("policies: the directory {} can not be read", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("policies: {}", directory.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "cedar") {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("policies: {} can not be read", path.display()))?;
            files.push(policy::PolicyFile { name: path.display().to_string(), text });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(policy::Policies::load(&files)?)
}

/// Who outside watches over the log, if anybody does.
pub(super) fn witness(config: &Config) -> Result<Option<Witness>> {
    config.audit.witness.as_ref().map(Witness::new).transpose()
}

/// How metadata documents may be fetched.
pub fn fetch_rules(config: &Config) -> Result<net::FetchRules> {
    let extra_ca_pem = match &config.clients.extra_ca_file {
        None => None,
        Some(file) => Some(
            std::fs::read(file)
                .with_context(|| format!("clients.extra_ca_file: {} can not be read", file.display()))?,
        ),
    };
    Ok(net::FetchRules { extra_ca_pem, exempt_hosts: config.clients.exempt_hosts.clone() })
}
