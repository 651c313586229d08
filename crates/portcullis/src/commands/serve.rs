//! `serve`: the product.

use std::process::ExitCode;

use anyhow::Result;

use super::Visit;
use crate::{config, node, node::Node, output, shutdown};

/// Serves until asked to stop.
pub async fn run(visit: &Visit) -> Result<ExitCode> {
    node::log_to_stderr("info");
    let config = visit.config()?;
    for notice in config::notices(&config) {
        tracing::warn!(event = "notice", path = notice.path, "{}", notice.what);
    }
    let name = format!("{}:{}", host_name(), std::process::id());
    let node = Node::assemble(config, &name).await?;
    let listener = node.bind().await?;
    tracing::info!(
        event = "serving",
        listen = %listener.local_addr(),
        public_url = node.config.public_url.as_str(),
        store = node.config.store.shown(),
        servers = node.config.servers.len(),
        "serving"
    );
    node.serve(listener, shutdown::requested()).await;
    tracing::info!(event = "stopped", "stopped");
    Ok(output::OK)
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "node".into(), |name| name.trim().to_owned())
}
