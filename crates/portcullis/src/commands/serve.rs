//! `serve`: the product.

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use model::config::Config;

use super::{server, visit::Visit};
use crate::{config, names, node, node::Node, output, shutdown};

/// Serves until asked to stop.
pub async fn run(visit: &Visit) -> Result<ExitCode> {
    node::log_to_stderr("info");
    let config::Loaded { config, notices, settings } = visit.load(config::Needs::Everything)?;
    for notice in notices {
        tracing::warn!(event = "notice", path = notice.path, "{}", notice.what);
    }
    let name = format!("{}:{}", host_name(), std::process::id());
    let node = Node::assemble(config, settings, &name).await?;
    let listener = node.bind().await?;
    let asked_to_stop = shutdown::requested();
    tracing::info!(
        event = "serving",
        listen = %listener.local_addr(),
        public_url = node.config.public_url.as_str(),
        store = node.config.store.shown(),
        servers = node.config.servers.len(),
        "serving"
    );
    let known = names::Known::of(&node.config, Some(&node.store)).await;
    for unknown in names::unknown(node.policies.texts(), &known) {
        tracing::warn!(event = "policy_names_nobody", "{unknown}");
    }
    let survey = tokio::spawn(survey(node.config.clone()));
    let served = node.serve(listener, Some(visit.file.clone()), asked_to_stop).await;
    survey.abort();
    served?;
    tracing::info!(event = "stopped", "stopped");
    Ok(output::OK)
}

/// Says which servers do not answer and which tools are held. Nobody waits for it: one server that is
/// down must not keep the others from being served.
async fn survey(config: Arc<Config>) {
    for (id, server, offer) in server::everything(&config, client::Extent::Tools).await {
        let offer = match offer {
            Ok(offer) => offer,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(event = "upstream_unreachable", server = %id, error, "calls to it answer 502");
                continue;
            }
        };
        for tool in
            server::classified(id, server, &offer.tools, |_| model::Pin::Accepted).iter().filter(|tool| tool.held)
        {
            tracing::warn!(event = "tool_held", tool = tool.tool, "no rule names it; add one to `tools` of its server");
        }
        for out in offer.left_out {
            tracing::warn!(event = "tool_left_out", server = %id, list = %out.list, name = out.name, why = out.why);
        }
    }
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "node".into(), |name| name.trim().to_owned())
}
