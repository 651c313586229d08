//! A listener of one test.

// Not every test file needs all of it.
#![allow(dead_code)]

use std::{convert::Infallible, future::pending, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use portcullis_net::{Body, Inbound, ListenLimits, Listener, Tls, boxed, caller, full, read_body};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::timeout,
};

/// Long enough for the loopback, short enough to wait for.
pub const SHORT: Duration = Duration::from_millis(200);

/// A listener on the loopback that answers by path.
pub struct Running {
    pub address: SocketAddr,
    pub shutdown: oneshot::Sender<()>,
    pub serving: JoinHandle<()>,
    /// Lets `/wait` answer.
    pub go: Arc<Notify>,
    /// Tells that `/wait` was reached, or that the body of `/endless` is gone.
    pub waiting: Arc<Notify>,
}

impl Running {
    pub async fn start(limits: ListenLimits, tls: Option<Tls>) -> Self {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), tls).await.unwrap();
        let address = listener.local_addr();
        let (shutdown, stop) = oneshot::channel();
        let (go, waiting) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let service = {
            let (go, waiting) = (go.clone(), waiting.clone());
            move |request: Request<Inbound>| {
                assert!(request.uri().path() != "/panic-at-once", "at once");
                answer(request, go.clone(), waiting.clone())
            }
        };
        let serving = tokio::spawn(listener.serve(limits, service, stop));
        Self { address, shutdown, serving, go, waiting }
    }

    pub async fn plain() -> Self {
        Self::start(ListenLimits::default(), None).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends `text` on a connection of its own; what comes back until it is closed.
    pub async fn raw(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.expect("should be closed");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

async fn answer(request: Request<Inbound>, go: Arc<Notify>, waiting: Arc<Notify>) -> Response<Body> {
    match request.uri().path() {
        "/panic" => panic!("in the middle"),
        "/wait" => {
            waiting.notify_one();
            go.notified().await;
            Response::new(full("waited"))
        }
        "/endless" => {
            let end = Ended(waiting);
            let pieces = stream::repeat_with(move || {
                let _ = &end;
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[0; 16 * 1024])))
            });
            Response::new(boxed(StreamBody::new(pieces)))
        }
        "/quiet" => Response::new(boxed(StreamBody::new(
            stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"first")))]).chain(stream::once(
                async move {
                    go.notified().await;
                    Ok(Frame::data(Bytes::from_static(b"second")))
                },
            )),
        ))),
        "/who" => {
            let peer: portcullis_net::Peer = *request.extensions().get().unwrap();
            Response::new(full(peer.0.to_string()))
        }
        "/short" => Response::new(full("a few more bytes than there is window")),
        "/verified" => {
            caller::verified();
            Response::new(full("known"))
        }
        "/refused" => {
            let mut response = Response::new(full("refused"));
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response
        }
        "/never" => {
            waiting.notify_one();
            pending().await
        }
        _ => match read_body(request.into_body(), 100).await {
            Ok(body) => Response::new(full(body)),
            Err(_) => {
                let mut response = Response::new(full("unreadable"));
                *response.status_mut() = StatusCode::BAD_REQUEST;
                response
            }
        },
    }
}

/// Tells when a body is dropped.
struct Ended(Arc<Notify>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}
