//! What a newcomer sees first: where it is, how to connect, where to look.

use model::config::Config;

use super::setup::{self, ADMIN, APPROVER, Links};
use crate::{
    cli,
    output::{line, paint},
};

/// Addresses, snippets, and the links into the console.
pub fn show(config: &Config, links: &Links) {
    let mcp = mcp_url(config);
    line(paint("1", "Portcullis demo: the sample server `tickets` is protected."));
    line("");
    line(format!("  MCP URL    {mcp}"));
    line(format!("  Console    {}", links.admin));
    line(format!("             (a one-time link: choose a password for `{ADMIN}`, and you are the admin)"));
    line(format!("  Approver   {}", links.approver));
    line(format!("             (in a private window: choose a password for `{APPROVER}`, who approves for others)"));
    line("");
    line(paint("1", "Connect a client; it will open your browser to log in and consent:"));
    line(format!("  Claude Code  claude mcp add --transport http tickets {mcp}"));
    line(format!("  VS Code      code --add-mcp '{{\"name\":\"tickets\",\"type\":\"http\",\"url\":\"{mcp}\"}}'"));
    line(format!("  Cursor       ~/.cursor/mcp.json: {{\"mcpServers\":{{\"tickets\":{{\"url\":\"{mcp}\"}}}}}}"));
    line(format!(
        "  Inspector    npx @modelcontextprotocol/inspector (Node 22.7 or newer), then transport Streamable HTTP, URL {mcp}"
    ));
    line("  A client without a metadata document of its own can use the client id `demo-client`.");
    line("");
}

/// What to do next, while it stays up.
pub fn stays_up(config: &Config, links: &Links, options: &cli::Demo) {
    line("");
    line(paint("1", "It stays up until Ctrl-C. Now you:"));
    line(format!("  1. open {} and choose a password for `{ADMIN}`", links.admin));
    line(format!("  2. connect a client to {} and ask it to list the tickets", mcp_url(config)));
    line("  3. ask it to delete one, and see what it takes");
    line(format!("  4. open {} in a private window and approve as `{APPROVER}`", links.approver));
    line("Nobody approves their own agent. Bob can do it at the command line, too:");
    let file = options.data.join(setup::FILE);
    line(format!("  portcullis --config {0} elevation list", file.display()));
    line(format!("  portcullis --config {0} elevation approve ID --as {1}", file.display(), APPROVER));
    line(format!("State is in {}; delete the directory to begin anew.", options.data.display()));
}

fn mcp_url(config: &Config) -> String {
    config.servers.keys().next().map_or_else(String::new, |server| config.public_url.resource(server))
}
