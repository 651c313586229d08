//! What a configuration stands for: the store it names, the policies, the certificate.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use catalogue::Definition;
use governance::notify::Receivers;
use model::{
    Clock, SystemClock,
    config::{Config, DefinitionTrust},
    server::Kind,
};
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
    let store = Store::open(options).await.context("the store")?;
    store.tell(governance::notify::subscriptions::of(config));
    Ok(store)
}

/// The built-in pack and the operator's own `*.cedar` files, held against whatever tools take.
pub fn policies(config: &Config) -> Result<policy::Policies> {
    Ok(policy::Policies::load_for(&policy_files(config)?, people_and_servers(config), &policy::Accepted::default())?)
}

/// The same, held against what was accepted of what they take.
pub async fn policies_for(config: &Config, store: &Store) -> Result<policy::Policies> {
    let (files, accepted) = (policy_files(config)?, accepted(config, store).await?);
    // Ten thousand policies take a second: not on a thread that serves.
    let directory = people_and_servers(config);
    let loaded = tokio::task::spawn_blocking(move || policy::Policies::load_for(&files, directory, &accepted)).await;
    Ok(loaded.context("the policies could not be loaded")??)
}

/// What was accepted of the arguments of each tool.
pub async fn accepted(config: &Config, store: &Store) -> Result<policy::Accepted> {
    let mut accepted = policy::Accepted::default();
    let mut after = None;
    loop {
        let page = store.accepted_page(after.as_ref(), AT_A_TIME).await?;
        for (place, text) in page.items {
            let pinned =
                config.servers.get(&place.server).is_some_and(|it| it.definitions != DefinitionTrust::Unpinned);
            let is_tool = matches!(place.name.kind(), Kind::Tool(_));
            let definition = Definition::kept(place.name.clone(), &text).filter(|_| pinned && is_tool);
            if let Some(definition) = definition {
                accepted.insert(place.name.qualified(&place.server), privilege::catalogue::input(&definition));
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(accepted);
        }
    }
}

/// Definitions that are read at a time; each may be long.
const AT_A_TIME: u32 = 64;

/// Who is in which group, and for whom which server is.
fn people_and_servers(config: &Config) -> policy::Directory {
    let mut directory = policy::Directory::default();
    for (id, person) in &config.people {
        directory = directory.with_person(id.clone(), person.groups.iter().map(model::Id::as_str));
    }
    for (id, server) in &config.servers {
        if let Some(groups) = &server.reserved_for {
            directory = directory.with_server_for(id.clone(), groups.iter().map(model::Id::as_str));
        }
        directory = directory.with_tool_groups(id.clone(), server.groups.clone());
        if server.definitions == DefinitionTrust::Unpinned {
            directory = directory.with_unpinned(id.clone());
        }
    }
    directory
}

fn policy_files(config: &Config) -> Result<Vec<policy::PolicyFile>> {
    let Some(directory) = &config.policies else { return Ok(Vec::new()) };
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
    Ok(files)
}

/// Who outside watches over the log, if anybody does.
pub(super) fn witness(config: &Config) -> Result<Option<Witness>> {
    config.audit.witness.as_ref().map(Witness::new).transpose()
}

/// Who outside can be told.
pub fn receivers(config: &Config) -> Result<Receivers> {
    let authorities = match &config.notify.extra_ca_file {
        None => None,
        Some(file) => Some(
            std::fs::read(file).with_context(|| format!("notify.extra_ca_file: {} can not be read", file.display()))?,
        ),
    };
    Ok(Receivers::of(&config.notify, authorities)?)
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
