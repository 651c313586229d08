//! Reading a body into memory: up to a limit, and not for ever.
//!
//! Nearly every body arrives in one piece, which is then handed on without a copy.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;

use crate::{
    BodyError,
    caller::{self, Caller},
};

/// How long a body may take. A client that needs longer for what fits our limits holds a connection.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

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
    /// There is no room for it next to the bodies that others have begun to send.
    #[error("there is no room for the body at the moment")]
    NoRoom,
    /// The connection broke off before its end.
    #[error("the body broke off before its end")]
    Broken(#[source] BodyError),
}

/// What a body says that was waited for long enough.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
pub(crate) struct TooSlow;

/// The whole of `body`, at most `max` bytes. Trailers are dropped.
///
/// A length announced beyond `max` is refused before a byte is read.
pub async fn read_body<B>(body: B, max: usize) -> Result<Bytes, ReadError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    read_counted(body, max, |_| true).await
}

/// The whole of a body that anybody may send, at most `max` bytes.
///
/// What a connection has of its own is enough for a form; more than that is taken from what all connections share,
/// until the body is whole. So nobody can spend what a login or a decision needs.
pub async fn receive<B>(body: B, max: usize) -> Result<Bytes, ReadError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    let Some(caller) = caller::current() else { return read_body(body, max).await };
    let mut held = Held { caller, own: 0, shared: 0 };
    read_counted(body, max, |bytes| held.more(bytes)).await
}

/// The whole of `body`, at most `max` bytes, as long as `may_grow` by each piece that arrives.
pub async fn read_counted<B>(body: B, max: usize, may_grow: impl FnMut(usize) -> bool) -> Result<Bytes, ReadError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    if body.size_hint().lower() > max as u64 {
        return Err(ReadError::TooLarge { max });
    }
    tokio::time::timeout(LONGEST, collect(body, max, may_grow)).await.unwrap_or(Err(ReadError::TooSlow))
}

async fn collect<B>(body: B, max: usize, mut may_grow: impl FnMut(usize) -> bool) -> Result<Bytes, ReadError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    let mut body = pin!(body);
    let announced = body.size_hint().exact().map_or(0, |bytes| bytes.min(max as u64) as usize);
    let mut first = Bytes::new();
    let mut rest = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ReadError::from(error.into()))?;
        let Ok(bytes) = frame.into_data() else { continue };
        if first.len() + rest.len() + bytes.len() > max {
            return Err(ReadError::TooLarge { max });
        }
        if !may_grow(bytes.len()) {
            return Err(ReadError::NoRoom);
        }
        if first.is_empty() && rest.is_empty() {
            first = bytes;
        } else {
            make_room(&mut rest, first.len() + bytes.len(), announced);
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&bytes);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.into() })
}

/// At most twice what has arrived, and no more than was announced: a length alone takes no memory.
fn make_room(rest: &mut Vec<u8>, more: usize, announced: usize) {
    let needed = rest.len() + more;
    if needed > rest.capacity() {
        let capacity = (2 * needed).min(announced).max(needed);
        rest.reserve_exact(capacity - rest.len());
    }
}

impl From<BodyError> for ReadError {
    fn from(error: BodyError) -> Self {
        if error.is::<TooSlow>() { Self::TooSlow } else { Self::Broken(error) }
    }
}

/// The room that a body takes until it is whole.
struct Held {
    caller: Arc<Caller>,
    own: usize,
    shared: usize,
}

impl Held {
    fn more(&mut self, bytes: usize) -> bool {
        if self.caller.own.take(bytes) {
            self.own += bytes;
            return true;
        }
        let given = self.caller.shared.take(bytes);
        self.shared += if given { bytes } else { 0 };
        given
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.caller.own.give_back(self.own);
        self.caller.shared.give_back(self.shared);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;
    use crate::{
        caller::{OWN_BYTES, Room},
        full,
    };

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

    /// Field: S5
    #[tokio::test]
    async fn a_form_fits_into_what_a_connection_has_of_its_own_and_more_is_shared() {
        let shared = Arc::new(Room::of(100));
        let (_, ending) = tokio::sync::watch::channel(false);
        let caller = Caller::at("192.0.2.7".parse().unwrap(), shared.clone(), ending);
        let form = || full(vec![0; OWN_BYTES]);
        let held = shared.take(100);
        assert!(held && caller.answering(receive(form(), OWN_BYTES)).await.is_ok(), "although nothing is left");
        let more = || full(vec![0; OWN_BYTES + 1]);
        assert!(matches!(caller.answering(receive(more(), 1 << 20)).await, Err(ReadError::NoRoom)));
        shared.give_back(100);
        let pieces = || StreamBody::new(stream::iter([OWN_BYTES, 90].map(piece)));
        assert!(caller.answering(receive(pieces(), 1 << 20)).await.is_ok());
        assert!(caller.answering(receive(pieces(), 1 << 20)).await.is_ok(), "what was taken is given back");
        let endless = StreamBody::new(stream::iter([OWN_BYTES, 90, 90].map(piece)));
        assert!(matches!(caller.answering(receive(endless, 1 << 20)).await, Err(ReadError::NoRoom)));
        assert!(shared.take(100) && caller.own.take(OWN_BYTES), "and given back as well when it was refused");
    }

    fn piece(length: usize) -> Result<Frame<Bytes>, Infallible> {
        Ok(Frame::data(vec![0; length].into()))
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_no_body() {
        let broken = StreamBody::new(stream::iter([Ok(Frame::data(Bytes::from("1"))), Err("reset")]));
        assert!(matches!(read_body(broken, 5).await, Err(ReadError::Broken(_))));
    }
}
