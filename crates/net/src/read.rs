//! Reading a body into memory: up to a limit, and not for ever.
//!
//! Nearly every body arrives in one piece, which is then handed on without a copy.

use std::{pin::pin, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;

use crate::BodyError;

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is longer than allowed.
    #[error("the body is longer than {max} bytes")]
    TooLarge {
        /// The longest allowed, in bytes.
        max: usize,
    },
    /// It did not arrive in time.
    #[error("the body did not arrive within {} s", LONGEST.as_secs())]
    TooSlow,
    /// The connection broke off before its end.
    #[error("the body broke off before its end")]
    Broken(#[source] BodyError),
}

/// The whole of `body`, at most `max` bytes. Trailers are dropped.
///
/// A length announced beyond `max` is refused before a byte is read.
pub async fn read_body<B>(body: B, max: usize) -> Result<Bytes, ReadError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    if body.size_hint().lower() > max as u64 {
        return Err(ReadError::TooLarge { max });
    }
    tokio::time::timeout(LONGEST, collect(body, max)).await.unwrap_or(Err(ReadError::TooSlow))
}

async fn collect<B>(body: B, max: usize) -> Result<Bytes, ReadError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|error| ReadError::Broken(error.into()))?.into_data() else { continue };
        if first.len() + rest.len() + bytes.len() > max {
            return Err(ReadError::TooLarge { max });
        }
        if first.is_empty() && rest.is_empty() {
            first = bytes;
        } else {
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&bytes);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// A client that needs longer for what fits our limits holds a connection, not a conversation.
const LONGEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;
    use crate::full;

    fn pieces(pieces: &[&'static str]) -> impl HttpBody<Data = Bytes, Error = Infallible> + use<> {
        let frames: Vec<_> = pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))).collect();
        StreamBody::new(stream::iter(frames))
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_read_whole() {
        assert_eq!(read_body(full("12345"), 5).await.unwrap(), "12345");
        assert_eq!(read_body(pieces(&["1", "", "23", "45"]), 5).await.unwrap(), "12345");
        assert_eq!(read_body(crate::empty(), 0).await.unwrap(), "");
    }

    #[tokio::test]
    async fn one_byte_more_is_refused_whether_announced_or_not() {
        assert!(matches!(read_body(full("123456"), 5).await, Err(ReadError::TooLarge { max: 5 })));
        assert!(matches!(read_body(pieces(&["123", "456"]), 5).await, Err(ReadError::TooLarge { max: 5 })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        assert!(matches!(read_body(never, 5).await, Err(ReadError::TooSlow)));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_no_body() {
        let broken = StreamBody::new(stream::iter([Ok(Frame::data(Bytes::from("1"))), Err("reset")]));
        assert!(matches!(read_body(broken, 5).await, Err(ReadError::Broken(_))));
    }
}
