//! The body of a response, whoever made it.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming, SizeHint};

/// Why a body broke off.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a response.
///
/// The two kinds that make up nearly all traffic, bytes at hand and bytes relayed, need no box.
///
/// It can keep something until the last byte was taken, or nobody takes any more: a place, a count.
pub struct Body {
    kind: Kind,
    kept: Option<Box<dyn Send>>,
}

#[derive(Debug)]
enum Kind {
    Full(Option<Bytes>),
    Relayed(Incoming),
    Boxed(UnsyncBoxBody<Bytes, BodyError>),
}

/// A body whose bytes are at hand.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Body::of(Kind::Full(Some(bytes.into()).filter(|bytes| !bytes.is_empty())))
}

/// A body of no bytes.
pub fn empty() -> Body {
    Body::of(Kind::Full(None))
}

/// Any other body, such as a filtered stream or what a router answered.
pub fn boxed<B>(body: B) -> Body
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    Body::of(Kind::Boxed(body.map_err(Into::into).boxed_unsync()))
}

impl Body {
    fn of(kind: Kind) -> Self {
        Self { kind, kept: None }
    }

    /// Keeps `what` as long as there are bytes to come. Bytes at hand are none to wait for.
    #[must_use]
    pub fn keeping(mut self, what: impl Send + 'static) -> Self {
        if !matches!(self.kind, Kind::Full(_)) {
            self.kept = Some(Box::new(what));
        }
        self
    }
}

impl From<Incoming> for Body {
    fn from(incoming: Incoming) -> Self {
        Self::of(Kind::Relayed(incoming))
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.kind.fmt(f)
    }
}

impl Default for Body {
    fn default() -> Self {
        empty()
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.kind {
            Kind::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Relayed(incoming) => Pin::new(incoming).poll_frame(cx).map_err(Into::into),
            Kind::Boxed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(bytes) => bytes.is_none(),
            Kind::Relayed(incoming) => incoming.is_end_stream(),
            Kind::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Relayed(incoming) => incoming.size_hint(),
            Kind::Boxed(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::StreamBody;
    use hyper::body::Body as _;

    use super::*;

    #[tokio::test]
    async fn bytes_at_hand_are_announced_and_sent_once() {
        let mut body = full("hello");
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(5), false));
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
        assert!(body.is_end_stream() && body.frame().await.is_none());
    }

    #[test]
    fn no_bytes_are_the_end_at_once() {
        for body in [empty(), full(""), Body::default()] {
            assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
        }
    }

    #[test]
    fn what_a_body_keeps_is_given_back_with_it() {
        let place = std::sync::Arc::new(());
        let endless = || boxed(StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>()));
        let body = endless().keeping(place.clone());
        assert_eq!(std::sync::Arc::strong_count(&place), 2);
        drop(body);
        let _at_hand = full("answered").keeping(place.clone());
        assert_eq!(std::sync::Arc::strong_count(&place), 1);
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_error() {
        let frames = futures_util::stream::iter([Ok(Frame::data(Bytes::from("a"))), Err("broke")]);
        let mut body = boxed(StreamBody::new(frames));
        assert!(body.frame().await.unwrap().is_ok());
        assert_eq!(body.frame().await.unwrap().unwrap_err().to_string(), "broke");
        let endless = futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>();
        assert_eq!(boxed(StreamBody::new(endless)).size_hint().exact(), None);
    }
}
