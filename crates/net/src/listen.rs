//! Accepting connections, within limits.
//!
//! HTTP/1.1, and HTTP/2 where TLS agreed on it; there is no HTTP/2 without TLS, and no upgrade.
//! A stranger gets a bounded time to say what is wanted, a bounded number of connections is
//! served at a time, of which one address gets its share, who is known stays when it gets crowded,
//! and a request whose handling panics is answered with 500 while everything else goes on.
//!
//! Spec: RFC 9112, RFC 9113.
//!
//! Next: [`crate::serve`], one connection.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use http::{Request, Response};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    Body, Inbound, ListenLimits,
    connection_limits::{Place, Places},
    open_files,
    serve::Protocols,
    tls::Tls,
};

/// A bound address.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
}

/// Why an address can not be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has the port.
    #[error("{0} is in use by another program: stop it or change `listen`")]
    InUse(SocketAddr),
    /// Ports below 1024 need a permission.
    #[error("{0} may not be used without permission: choose a port above 1023 or grant CAP_NET_BIND_SERVICE")]
    NotPermitted(SocketAddr),
    /// No interface of this machine has the address.
    #[error("{0} is no address of this machine: change `listen`")]
    NotOurs(SocketAddr),
    /// Anything else the system may say.
    #[error("{address} can not be listened on: {source}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl Listener {
    /// Binds `address`; with `tls`, every connection is TLS.
    pub async fn bind(address: SocketAddr, tls: Option<Tls>) -> Result<Self, BindError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse(address),
            io::ErrorKind::PermissionDenied => BindError::NotPermitted(address),
            io::ErrorKind::AddrNotAvailable => BindError::NotOurs(address),
            _ => BindError::Other { address, source },
        };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        Ok(Self { address: tcp.local_addr().map_err(failed)?, tcp, tls })
    }

    /// The certificate it shows, to be [replaced](Tls::replace) when it is renewed.
    pub fn tls(&self) -> Option<Tls> {
        self.tls.clone()
    }

    /// The address it got: with its port, when `0` was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then until the requests in flight are answered or cut. What only listens is told by
    /// [`crate::caller::listener`] and need not wait for the cut.
    ///
    /// Nothing is accepted any more when this returns.
    pub async fn serve<S, F>(self, mut limits: ListenLimits, service: S, shutdown: impl Future)
    where
        S: Fn(Request<Inbound>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        limits.connections = open_files::afford(limits.connections);
        let (leave, _) = watch::channel(());
        let mut connections = JoinSet::new();
        let protocols = Arc::new(Protocols::within(limits));
        let places = Places::within(&limits);
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let (stream, place) = tokio::select! {
                biased;
                _ = &mut shutdown => break,
                accepted = self.accept(&places) => accepted,
            };
            prepare(&stream, &limits);
            while connections.try_join_next().is_some() {}
            let (leave, tls, service, protocols) =
                (leave.subscribe(), self.tls.clone(), service.clone(), protocols.clone());
            let peer = place.peer();
            let service = move |mut request: Request<Inbound>| {
                request.extensions_mut().insert(peer);
                service(request)
            };
            connections.spawn(async move {
                protocols.serve(stream, tls, service, place, leave).await;
            });
        }
        drop(self.tcp);
        places.begin_to_end();
        leave.send_replace(());
        if timeout(limits.drain, leave.closed()).await.is_err() {
            tracing::warn!(event = "requests_cut", after_seconds = limits.drain.as_secs());
        }
        connections.shutdown().await;
    }

    /// The next connection, with its place. Faults of the system are waited out.
    async fn accept(&self, places: &Places) -> (TcpStream, Place) {
        loop {
            match self.tcp.accept().await {
                Ok((stream, peer)) => return (stream, places.take(peer.ip())),
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => {
                    tracing::error!(event = "accept_failed", %error);
                    places.make_room();
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Neither setting is worth refusing a client over.
fn prepare(stream: &TcpStream, limits: &ListenLimits) {
    // Answers are small and written whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    // The system cuts off who does not read, so that no request has a timer for it.
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limits.unread_timeout));
    #[cfg(not(target_os = "linux"))]
    let _ = limits;
}

/// The client was gone before it was accepted.
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// When the system has no file descriptor or memory left, trying at once again helps nobody.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
