//! Accepting connections.

use std::{net::SocketAddr, time::Duration};

use crate::Body;

/// Bounds on what a listener takes from strangers.
#[derive(Clone, Copy, Debug)]
pub struct ListenLimits {
    /// Connections served at a time.
    pub connections: usize,
    /// How long a client may take to send a request's head, or to finish the TLS handshake.
    pub header_timeout: Duration,
    /// How long requests in flight may run on after shutdown began.
    pub drain: Duration,
}

impl Default for ListenLimits {
    fn default() -> Self {
        Self { connections: 4096, header_timeout: Duration::from_secs(10), drain: Duration::from_secs(10) }
    }
}

/// A bound address.
#[derive(Debug)]
pub struct Listener;

/// Why an address can not be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has the port.
    #[error("{0} is in use by another program: stop it or change `listen`")]
    InUse(SocketAddr),
}

impl Listener {
    /// Binds `address`; with `tls`, every connection is TLS.
    pub async fn bind(_address: SocketAddr, _tls: Option<Tls>) -> Result<Self, BindError> {
        todo!()
    }

    /// The address it got.
    pub fn local_addr(&self) -> SocketAddr {
        todo!()
    }

    /// Serves until `shutdown`, then until the requests in flight are answered.
    pub async fn serve<S, F>(self, _limits: ListenLimits, _service: S, _shutdown: impl Future)
    where
        S: Fn(http::Request<hyper::body::Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = http::Response<Body>> + Send + 'static,
    {
        todo!()
    }
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Tls;

/// Why a certificate or its key can not be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate in the file.
    #[error("the certificate file holds no certificate")]
    NoCertificate,
}

impl Tls {
    /// From a certificate chain, leaf first, and its private key, both PEM.
    pub fn from_pem(_certificate: &[u8], _key: &[u8]) -> Result<Self, TlsError> {
        todo!()
    }
}
