//! `demo`: the real product around a bundled sample server, and one agent's day, told as it happens.
//!
//! Nothing here is simulated but the people: the agent holds a real key and speaks real HTTP to
//! the real listener, and every line of the tour is printed because an answer was checked.

mod banner;
mod setup;
mod tour;

use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::sync::oneshot;

use crate::{cli, node::Node, output, shutdown};

/// Serves the demo; with `--exit`, until the tour is over.
pub async fn run(options: cli::Demo) -> Result<ExitCode> {
    crate::node::log_to_stderr("warn");
    let tickets =
        tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.context("the sample server found no free port")?;
    let upstream = format!("http://{}/mcp", tickets.local_addr()?);
    let sample = tokio::spawn(tickets::serve(tickets));

    let (loaded, key) = setup::prepare(&options, &upstream)?;
    let node = Node::assemble(loaded.config, loaded.settings, "demo").await?;
    let listener = node.bind().await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(node.clone().serve(listener, None, async {
        let _ = stopped.await;
    }));

    let links = setup::enrolment(&node).await?;
    banner::show(&node.config, &links);
    let toured = tour::walk(&node, &key).await;
    let code = match &toured {
        Ok(()) => output::OK,
        Err(error) => {
            output::line(format!("\n{} {error:#}", output::paint("1;31", "the tour stopped:")));
            ExitCode::from(output::NO)
        }
    };
    if !options.exit {
        banner::stays_up(&node.config, &links, &options);
        shutdown::requested().await;
    }
    drop(node);
    let _ = stop.send(());
    let _ = serving.await;
    sample.abort();
    Ok(if options.exit { code } else { output::OK })
}
