//! `fixture PORT`: the conformant MCP server on loopback. The first line on stdout is its URL.

use portcullis_world::fixture;
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://{}/mcp\n", listener.local_addr()?);
    tokio::io::stdout().write_all(url.as_bytes()).await?;
    Ok(fixture::serve(listener).await?)
}
