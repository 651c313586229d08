//! SIGHUP: the configuration, the policies and the certificate are read again, as a whole or not at all.
//!
//! What is under way goes on with what it was decided with; the next request meets the new generation. The store stays
//! open, so sessions, tokens and sealed values are none of its business.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use arc_swap::ArcSwap;
use model::config::Config;
use tokio::signal::unix::Signal;

use super::{configured::certificate, generation::Node};
use crate::config;

/// Replaces `current` whenever a hangup comes; a file that does not hold leaves it in force, and says so.
pub async fn on_hangup(mut hangups: Signal, file: PathBuf, current: Arc<ArcSwap<Node>>, tls: Option<net::Tls>) {
    while hangups.recv().await.is_some() {
        match reload(&file, &current, tls.as_ref()).await {
            Ok(()) => tracing::info!(event = "reloaded", file = %file.display(), "the next request meets the new one"),
            Err(error) => tracing::error!(
                event = "reload_refused",
                file = %file.display(),
                error = format!("{error:#}"),
                "the configuration before stays in force"
            ),
        }
    }
}

async fn reload(file: &Path, current: &ArcSwap<Node>, tls: Option<&net::Tls>) -> Result<()> {
    let config::Loaded { config, notices, settings } = config::load(file, config::Needs::Everything)?;
    let before = current.load_full();
    needs_no_restart(&before.config, &config)?;
    let certificate = certificate(&config)?;
    // Last of what can fail comes what is written to the store: people and agents.
    let renewed = Node::generation(before.store.clone(), config, settings).await?;
    if let (Some(tls), Some(certificate)) = (tls, certificate) {
        tls.replace(certificate);
    }
    current.store(renewed);
    // What the old one only counted is written down; its requests under way count on.
    before.write_counted(true).await;
    for notice in notices {
        tracing::warn!(event = "notice", path = notice.path, "{}", notice.what);
    }
    Ok(())
}

/// Refuses a file that changes what only a start can change: half of it in force would be worse than none.
fn needs_no_restart(before: &Config, after: &Config) -> Result<()> {
    let limits = (&before.limits, &after.limits);
    let changed = [
        ("public_url", before.public_url != after.public_url),
        ("listen", before.listen != after.listen),
        ("store", before.store != after.store),
        ("data_dir", before.data_dir != after.data_dir),
        ("tls (from none, or to none)", before.tls.is_some() != after.tls.is_some()),
        ("limits.connections", limits.0.connections != limits.1.connections),
        ("limits.connections_per_address", limits.0.connections_per_address != limits.1.connections_per_address),
        ("audit.witness", before.audit.witness != after.audit.witness),
        ("limits.store_silence", limits.0.store_silence != limits.1.store_silence),
    ];
    let names: Vec<&str> = changed.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect();
    if !names.is_empty() {
        bail!("{} can be changed by a restart only; nothing of the file is in force", names.join(", "));
    }
    Ok(())
}

/// The signal, taken over: from now on it ends nothing.
pub fn hangups() -> Result<Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).context("SIGHUP can not be listened to")
}
