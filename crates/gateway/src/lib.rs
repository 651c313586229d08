//! The gateway: in front of MCP servers, it decides every single request.
//!
//! Next: [`Gateway::handle`].

use std::sync::Arc;

use model::config::Config;

/// What a gateway is made of.
pub struct GatewayParts {
    /// The configuration.
    pub config: Arc<Config>,
    /// The shared state.
    pub store: store::Store,
    /// The policies.
    pub policies: Arc<policy::Policies>,
}

/// Why a gateway can not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A server's certificate file can not be read.
    #[error("server `{server}`: {why}")]
    Server {
        /// Which server.
        server: String,
        /// What is wrong.
        why: String,
    },
}

/// The enforcement point of every protected server.
#[derive(Debug)]
pub struct Gateway;

impl Gateway {
    /// Sets it up.
    pub fn new(_parts: GatewayParts) -> Result<Arc<Self>, SetupError> {
        todo!()
    }

    /// Answers one request to [`Self::owns`]ed paths.
    pub async fn handle<B>(&self, _request: http::Request<B>) -> http::Response<net::Body> {
        todo!()
    }

    /// Is this path the gateway's: `/mcp/…` or the protected resource metadata?
    pub fn owns(_path: &str) -> bool {
        todo!()
    }
}
