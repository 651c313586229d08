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
#[derive(Debug)]
pub struct Body(Kind);

#[derive(Debug)]
enum Kind {
    Full(Option<Bytes>),
    Relayed(Incoming),
    Boxed(UnsyncBoxBody<Bytes, BodyError>),
}

/// A body whose bytes are at hand.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Body(Kind::Full(Some(bytes.into()).filter(|bytes| !bytes.is_empty())))
}

/// A body of no bytes.
pub fn empty() -> Body {
    Body(Kind::Full(None))
}

/// Any other body, such as a filtered stream or what a router answered.
pub fn boxed<B>(body: B) -> Body
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    Body(Kind::Boxed(body.map_err(Into::into).boxed_unsync()))
}

impl From<Incoming> for Body {
    fn from(incoming: Incoming) -> Self {
        Self(Kind::Relayed(incoming))
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
        match &mut self.0 {
            Kind::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Relayed(incoming) => Pin::new(incoming).poll_frame(cx).map_err(Into::into),
            Kind::Boxed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Full(bytes) => bytes.is_none(),
            Kind::Relayed(incoming) => incoming.is_end_stream(),
            Kind::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
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
