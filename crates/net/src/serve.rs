//! One connection: the handshake, the protocol, and requests that can not take others down.
//!
//! Next: [`crate::streams`], the streams of an HTTP/2 connection.

use std::{
    convert::Infallible,
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt, future::CatchUnwind};
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::timeout,
};

use crate::{
    Body, ListenLimits, full,
    streams::{Pieces, Streams},
    tls::Tls,
};

/// How both protocols are spoken; one for all connections.
pub(crate) struct Protocols {
    limits: ListenLimits,
    http1: http1::Builder,
}

impl Protocols {
    /// Within `limits` and those that nobody needs to set.
    pub(crate) fn within(limits: ListenLimits) -> Self {
        let mut http1 = http1::Builder::new();
        // Counts from the moment a head is waited for, that is from the end of the answer before.
        http1.timer(TokioTimer::new()).header_read_timeout(limits.idle_timeout).max_header_size(MAX_HEAD_BYTES);
        Self { limits, http1 }
    }

    fn http2(&self, streams: Streams) -> http2::Builder<Streams> {
        let mut http2 = http2::Builder::new(streams);
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(self.limits.header_timeout)
            .keep_alive_timeout(self.limits.header_timeout)
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD_BYTES as u32)
            .max_pending_accept_reset_streams(MAX_RESETS)
            .max_local_error_reset_streams(MAX_RESETS)
            .max_send_buf_size(MAX_SEND_BYTES);
        http2
    }

    /// Serves one connection to its end; to an early one when it is asked to `leave`, which it holds
    /// until then.
    pub(crate) async fn serve<S, F>(&self, stream: TcpStream, tls: Option<Tls>, service: S, leave: watch::Receiver<()>)
    where
        S: Fn(Request<Incoming>) -> F + Send + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let Some(tls) = tls else { return self.speak_http1(stream, service, leave).await };
        match timeout(self.limits.header_timeout, tls.acceptor.accept(stream)).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                self.speak_http2(stream, service, leave).await;
            }
            Ok(Ok(stream)) => self.speak_http1(stream, service, leave).await,
            Ok(Err(error)) => tracing::debug!(event = "handshake_failed", %error),
            Err(_) => tracing::debug!(event = "handshake_failed", error = "too slow"),
        }
    }

    async fn speak_http1<I, S, F>(&self, stream: I, service: S, mut leave: watch::Receiver<()>)
    where
        I: AsyncRead + AsyncWrite + Unpin + 'static,
        S: Fn(Request<Incoming>) -> F,
        F: Future<Output = Response<Body>>,
    {
        let (spoke, mut speaks) = watch::channel(());
        let service = service_fn(move |request| {
            spoke.send_replace(());
            isolated(&service, request)
        });
        // Only the first head: the protocol itself has a clock for the others.
        let silent = async {
            if timeout(self.limits.header_timeout, speaks.changed()).await.is_ok() {
                pending::<()>().await;
            }
        };
        let mut connection = pin!(self.http1.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            biased;
            ended = connection.as_mut() => return end(ended),
            () = silent => return tracing::debug!(event = "connection_silent"),
            () = self.time_to_leave(&mut leave) => {}
        }
        connection.as_mut().graceful_shutdown();
        end(connection.await);
    }

    async fn speak_http2<I, S, F>(&self, stream: I, service: S, mut leave: watch::Receiver<()>)
    where
        I: AsyncRead + AsyncWrite + Unpin + 'static,
        S: Fn(Request<Incoming>) -> F + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let open = Arc::new(watch::Sender::new(0));
        let streams = Streams::of(open.clone(), self.limits.unread_timeout);
        let service = service_fn(move |request| {
            let answer = isolated(&service, request);
            async move { Ok::<_, Infallible>(answer.await?.map(Pieces::from)) }
        });
        let mut connection = pin!(self.http2(streams).serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            biased;
            ended = connection.as_mut() => return end(ended),
            () = quiet(&open, self.limits.header_timeout) => {}
            () = self.time_to_leave(&mut leave) => {}
        }
        connection.as_mut().graceful_shutdown();
        // A client that does not take the last bytes of an answer would hold the connection still.
        tokio::select! {
            biased;
            ended = connection.as_mut() => end(ended),
            () = quiet(&open, self.limits.unread_timeout) => tracing::debug!(event = "connection_unread"),
        }
    }

    /// The listener was asked to end, or the connection is old.
    async fn time_to_leave(&self, leave: &mut watch::Receiver<()>) {
        let _ = timeout(self.limits.max_age, leave.changed()).await;
    }
}

/// Waits until nothing was `open` for `longest`.
async fn quiet(open: &watch::Sender<usize>, longest: Duration) {
    let mut count = open.subscribe();
    loop {
        if *count.borrow_and_update() > 0 {
            // Not closed: `open` is its sender.
            let _ = count.changed().await;
        } else if timeout(longest, count.changed()).await.is_err() {
            return;
        }
    }
}

/// Calls `service`; a panic in it becomes a 500 for this request alone.
///
/// The values a panic leaves half changed are the request's own. What requests share is behind
/// locks that are poisoned, or in transactions that are rolled back.
fn isolated<S, F>(
    service: &S,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<S, F>
where
    S: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<Body>>,
{
    let called: Option<CatchUnwind<AssertUnwindSafe<F>>> =
        catch_unwind(AssertUnwindSafe(|| service(request))).ok().map(|work| AssertUnwindSafe(work).catch_unwind());
    async move {
        let answered = match called {
            Some(work) => work.await.ok(),
            None => None,
        };
        Ok(answered.unwrap_or_else(panicked))
    }
}

/// Says nothing of the panic's message, which may quote the request.
fn panicked() -> Response<Body> {
    tracing::error!(event = "request_panicked");
    let mut response = Response::new(full("internal error\n"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Clients hang up, stall and talk nonsense all day: worth a line only to who asks for it.
fn end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(event = "connection_broke", %error);
    }
}

/// Longest head of a request.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Requests in flight on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// Streams a client may open and reset before it is shown out (CVE-2023-44487).
const MAX_RESETS: usize = 20;
/// Bytes kept for a client that reads slowly, for each stream.
const MAX_SEND_BYTES: usize = 256 * 1024;
