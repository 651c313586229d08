//! How a stream that only listens begins: soon, whatever its server does.
//!
//! Some servers send the head of such a stream with its first event, which may be never. Its client, and whoever is in
//! between, takes a connection for dead that says nothing, so after a moment the gateway begins the stream itself and
//! says that it lives. What the server answers then can not change the status any more: a stream goes on in the one that
//! was begun, a refusal ends it.
//!
//! Spec: MCP basic/transports/streamable-http (listening for messages from the server).
//! Differs: a refusal that comes late is the end of a stream that said nothing (docs/divergences.md).

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, header};
use http_body::Frame;
use mcp::transport::http::Media;
use net::{Body, BodyError};
use tokio::time::timeout;

use crate::{
    refusal::{Refusal, event_of},
    upstream::keep_alive::KeepAlive,
};

/// How long the server's own status is waited for.
const SOON: Duration = Duration::from_secs(5);

type Opening = Pin<Box<dyn Future<Output = Result<Response<Body>, Refusal>> + Send>>;

/// The stream that is `opening`; `subscription` is the id of the request that it answers, as raw JSON text.
pub async fn open(mut opening: Opening, subscription: Option<Box<str>>) -> Result<Response<Body>, Refusal> {
    if let Ok(answered) = timeout(SOON, &mut opening).await {
        return answered;
    }
    let begun = Begun { state: State::Opening(opening), keep_alive: KeepAlive::at_once(), subscription };
    let mut response = Response::new(net::boxed(begun));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// A stream that was begun without its server.
struct Begun {
    state: State,
    keep_alive: KeepAlive,
    subscription: Option<Box<str>>,
}

enum State {
    Opening(Opening),
    Open(Body),
    LifetimeOver,
}

impl Begun {
    /// What the server, or the gateway, has against it. Who asked for it by a request gets an answer.
    fn refused(&mut self, refusal: &Refusal) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        tracing::info!(event = "stream_refused_late", reason = refusal.reason().as_str(), why = %refusal);
        self.state = State::LifetimeOver;
        Poll::Ready(self.subscription.take().map(|id| Ok(Frame::data(event_of(refusal, &id).into()))))
    }
}

impl http_body::Body for Begun {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            match &mut self.state {
                State::LifetimeOver => return Poll::Ready(None),
                State::Open(body) => return Pin::new(body).poll_frame(cx),
                State::Opening(opening) => match opening.as_mut().poll(cx) {
                    Poll::Ready(Ok(response))
                        if response.status().is_success() && Media::of(response.headers()) == Media::Events =>
                    {
                        self.state = State::Open(response.into_body());
                    }
                    Poll::Ready(Ok(response)) => return self.refused(&Refusal::NoStream(response.status().as_u16())),
                    Poll::Ready(Err(refusal)) => return self.refused(&refusal),
                    Poll::Pending => {
                        let comment = ready!(self.keep_alive.poll_comment(cx));
                        return Poll::Ready(Some(Ok(Frame::data(comment))));
                    }
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::LifetimeOver => true,
            State::Open(body) => body.is_end_stream(),
            State::Opening(_) => false,
        }
    }
}
