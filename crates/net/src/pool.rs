//! The pooled HTTP client under [`crate::Upstream`] and [`crate::WebClient`].

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use crate::roots;

/// A client of any number of hosts that the operator named.
pub(crate) type Pool = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// HTTP/1.1, or HTTP/2 where TLS agrees on it. The error says what is wrong with `ca_pem`.
pub(crate) fn pool(ca_pem: Option<&[u8]>, connect_timeout: Duration) -> Result<Pool, String> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect_timeout));
    tcp.set_keepalive(Some(KEEPALIVE));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(roots::client_config(ca_pem)?)
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(tcp);
    let mut client = Client::builder(TokioExecutor::new());
    // A request is sent again only when the pooled connection was closed before it was written.
    client.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).retry_canceled_requests(true);
    Ok(client.build(https))
}

/// What the system said, without the words of the layers in between.
pub(crate) fn innermost(error: &Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// A pooled connection unused for so long is closed: most servers wait longer before they close it themselves, and one
/// that is closed while a request is on its way may or may not have carried it.
const IDLE: Duration = Duration::from_secs(4);
/// Dead peers are noticed by TCP.
const KEEPALIVE: Duration = Duration::from_secs(60);
