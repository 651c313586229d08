//! A small help desk as an MCP server: the sample that `demo` protects.
//!
//! It knows nothing of authorization. Anybody who reaches it may delete tickets and export
//! customers, as with most MCP servers in the field; that is what the gateway in front is for.
//! Everything lives in memory and starts from the same tickets each time.
//!
//! Spec: MCP 2026-07-28 and 2025-11-25, streamable HTTP.
//!
//! Next: `tools::Tickets`.

mod desk;
mod tools;

use std::{future::Future, io, sync::Arc};

use axum::Router;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use tokio::net::TcpListener;

/// The path of the MCP endpoint.
pub const PATH: &str = "/mcp";

/// The tools and how much harm one call can do: `(name, tier)`.
pub const TIERS: [(&str, &str); 6] = [
    ("get_ticket", "low"),
    ("list_tickets", "low"),
    ("create_ticket", "medium"),
    ("update_ticket", "medium"),
    ("delete_ticket", "high"),
    ("export_customers", "high"),
];

/// A help desk of its own, served at [`PATH`] in both protocol eras.
///
/// Requests must name a loopback address in `Host`, with any port, and any `Origin` must be loopback
/// too: a page in somebody's browser cannot reach it by rebinding a name.
pub fn router() -> Router {
    let tickets = tools::Tickets::new();
    let config = StreamableHttpServerConfig::default().with_allowed_origins([
        "http://localhost:*",
        "http://127.0.0.1:*",
        "http://[::1]:*",
    ]);
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(tickets.clone()), sessions, config);
    Router::new().route_service(PATH, service)
}

/// Serves a help desk on `listener` until the future is dropped.
///
/// # Errors
/// When the listener fails.
pub fn serve(listener: TcpListener) -> impl Future<Output = io::Result<()>> + Send {
    axum::serve(listener, router()).into_future()
}
