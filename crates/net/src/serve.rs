//! One connection: the handshake, the protocol, and requests that can not take others down.
//!
//! Next: [`crate::h2_stall`], the streams of an HTTP/2 connection.

use std::{
    convert::Infallible,
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
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
    time::{sleep, timeout},
};

use crate::{
    Body, Inbound, ListenLimits,
    caller::Caller,
    connection_limits::{Place, Where},
    full,
    h2_stall::{Pieces, Streams},
    read::LONGEST as LONGEST_BODY,
    tls::Tls,
    wire::{Unread, Wire},
};

/// How both protocols are spoken; one for all connections.
pub(crate) struct Protocols {
    limits: ListenLimits,
    http1: http1::Builder,
}

/// What a connection is, besides its bytes.
struct Held {
    caller: Arc<Caller>,
    leave: watch::Receiver<()>,
}

impl Protocols {
    /// Within `limits` and those that nobody needs to set.
    pub(crate) fn within(limits: ListenLimits) -> Self {
        let mut http1 = http1::Builder::new();
        // Counts from the moment a head is waited for, that is from the end of the answer before.
        http1.timer(TokioTimer::new()).header_read_timeout(limits.idle_timeout).max_header_size(MAX_HEAD_BYTES);
        // A body may be read faster than it is taken: what waits is memory that no other bound counts.
        http1.max_buf_size(MAX_HEAD_BYTES);
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
            .initial_stream_window_size(MAX_UNREAD_BYTES)
            .initial_connection_window_size(MAX_UNREAD_BYTES)
            .max_pending_accept_reset_streams(MAX_RESETS)
            .max_local_error_reset_streams(MAX_RESETS)
            .max_send_buf_size(MAX_SEND_BYTES);
        http2
    }

    /// Serves one connection to its end; to an early one when it is asked to `leave`, which it holds until then, or
    /// when its `place` is needed.
    pub(crate) async fn serve<S, F>(
        &self,
        stream: TcpStream,
        tls: Option<Tls>,
        service: S,
        place: Place,
        leave: watch::Receiver<()>,
    ) where
        S: Fn(Request<Inbound>) -> F + Send + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let held = Held { caller: place.caller.clone(), leave };
        let always_open = self.limits.always_open;
        let served = async {
            match place.at {
                Where::Room => self.speak(stream, tls, service, held).await,
                Where::Hall => {
                    let service = move |request: Request<Inbound>| {
                        let answer = always_open(request.uri().path()).then(|| service(request));
                        async move {
                            let mut response = match answer {
                                Some(answer) => answer.await,
                                None => no_room(),
                            };
                            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                            response
                        }
                    };
                    let spoken = self.speak(stream, tls, service, held);
                    if timeout(self.limits.header_timeout + LONGEST_BODY, spoken).await.is_err() {
                        tracing::debug!(event = "connection_cut");
                    }
                }
            }
        };
        tokio::select! {
            biased;
            () = served => {}
            () = place.caller.told_to_close() => tracing::debug!(event = "connection_made_room"),
        }
    }

    async fn speak<S, F>(&self, stream: TcpStream, tls: Option<Tls>, service: S, held: Held)
    where
        S: Fn(Request<Inbound>) -> F + Send + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let Some(tls) = tls else { return self.speak_http1(stream, service, held).await };
        match timeout(self.limits.header_timeout, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                self.speak_http2(stream, service, held).await;
            }
            Ok(Ok(stream)) => self.speak_http1(stream, service, held).await,
            Ok(Err(error)) => tracing::debug!(event = "handshake_failed", %error),
            Err(_) => tracing::debug!(event = "handshake_failed", error = "too slow"),
        }
    }

    async fn speak_http1<I, S, F>(&self, stream: I, service: S, Held { caller, mut leave }: Held)
    where
        I: AsyncRead + AsyncWrite + Unpin + 'static,
        S: Fn(Request<Inbound>) -> F,
        F: Future<Output = Response<Body>>,
    {
        let (spoke, mut speaks) = watch::channel(());
        let unread = Unread::default();
        let wire = Wire::of(stream, unread.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            spoke.send_replace(());
            let (head, body) = request.into_parts();
            let waits_for_us = head.headers.contains_key(header::EXPECT);
            let coded = head.headers.get(header::TRANSFER_ENCODING).is_some_and(is_not_just_chunked);
            let (body, rest) = Inbound::of(body);
            let answer = match coded {
                true => Err(body),
                false => Ok(isolated(&service, Request::from_parts(head, body))),
            };
            let unread = unread.clone();
            caller.answering(async move {
                let mut response = match answer {
                    Ok(answer) => answer.await,
                    Err(body) => {
                        drop(body);
                        unknown_coding()
                    }
                };
                if let Some(rest) = rest
                    && !rest.goes_away(waits_for_us).await
                {
                    unread.expected();
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response)
            })
        });
        // Only the first head: the protocol itself has a clock for the others.
        let silent = async {
            if timeout(self.limits.header_timeout, speaks.changed()).await.is_ok() {
                pending::<()>().await;
            }
        };
        let mut connection = pin!(self.http1.serve_connection(TokioIo::new(wire), service));
        tokio::select! {
            biased;
            ended = connection.as_mut() => return end(ended),
            () = silent => return tracing::debug!(event = "connection_silent"),
            () = self.time_to_leave(&mut leave) => {}
        }
        connection.as_mut().graceful_shutdown();
        match timeout(self.limits.overtime, connection).await {
            Ok(ended) => end(ended),
            Err(_) => tracing::debug!(event = "connection_cut"),
        }
    }

    async fn speak_http2<I, S, F>(&self, stream: I, service: S, Held { caller, mut leave }: Held)
    where
        I: AsyncRead + AsyncWrite + Unpin + 'static,
        S: Fn(Request<Inbound>) -> F + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let open = Arc::new(watch::Sender::new(0));
        let streams = Streams::of(open.clone(), self.limits.unread_timeout);
        let service = service_fn(move |request: Request<Incoming>| {
            // The protocol frames each body itself; a length that is there twice could still be passed on as two.
            let twice = request.headers().get_all(header::CONTENT_LENGTH).iter().nth(1).is_some();
            let answer = (!twice).then(|| isolated(&service, request.map(|body| Inbound::of(body).0)));
            caller.answering(async move {
                let response = match answer {
                    Some(answer) => answer.await,
                    None => said(StatusCode::BAD_REQUEST, "content-length is there more than once\n"),
                };
                Ok::<_, Infallible>(response.map(Pieces::from))
            })
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
            () = sleep(self.limits.overtime) => tracing::debug!(event = "connection_cut"),
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
fn isolated<S, F>(service: &S, request: Request<Inbound>) -> impl Future<Output = Response<Body>> + use<S, F>
where
    S: Fn(Request<Inbound>) -> F,
    F: Future<Output = Response<Body>>,
{
    // In a box of its own, as long as the request lasts: otherwise each connection had room for the largest of them,
    // also while it is idle, and once more for every layer around it.
    let called: Option<Pin<Box<CatchUnwind<AssertUnwindSafe<F>>>>> =
        catch_unwind(AssertUnwindSafe(|| service(request)))
            .ok()
            .map(|work| Box::pin(AssertUnwindSafe(work).catch_unwind()));
    async move {
        let answered = match called {
            Some(work) => work.await.ok(),
            None => None,
        };
        answered.unwrap_or_else(panicked)
    }
}

/// Says nothing of the panic's message, which may quote the request.
fn panicked() -> Response<Body> {
    tracing::error!(event = "request_panicked");
    said(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n")
}

/// Spec: RFC 6585 §4, RFC 9110 §15.6.4 (Retry-After)
fn no_room() -> Response<Body> {
    let mut response = said(StatusCode::SERVICE_UNAVAILABLE, "there is no room for another connection; try again\n");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// Spec: RFC 9112 §6.1 (a coding that is not understood is 501)
fn unknown_coding() -> Response<Body> {
    said(StatusCode::NOT_IMPLEMENTED, "of the transfer codings only chunked is understood\n")
}

fn is_not_just_chunked(coding: &HeaderValue) -> bool {
    !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")
}

fn said(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(full(text));
    *response.status_mut() = status;
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

/// Longest head of a request, and most that is read ahead of whoever takes a body.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Requests in flight on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// Streams a client may open and reset before it is shown out (CVE-2023-44487).
const MAX_RESETS: usize = 20;
/// Bytes that an HTTP/2 client may send ahead of whoever reads them, on all streams of a connection.
const MAX_UNREAD_BYTES: u32 = 64 * 1024;
/// Bytes kept for a client that reads slowly, for each stream.
const MAX_SEND_BYTES: usize = 256 * 1024;
