//! The streams of one HTTP/2 connection: how many are open, and whether the client takes what is
//! sent on them.
//!
//! A client that opens no window keeps an answer from being written, and with the answer whatever
//! it is relayed from, for as long as it likes. The system sees a peer that reads everything. So
//! each stream tells when bytes were handed over and no more were asked for.
//!
//! Spec: RFC 9113 §5.2, §10.5.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::{
    body::{Body as HttpBody, Frame, SizeHint},
    rt::Executor,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{Body, BodyError};

/// Runs the streams of one connection.
#[derive(Clone)]
pub(crate) struct Streams {
    open: Arc<watch::Sender<usize>>,
    unread_timeout: Duration,
}

impl Streams {
    /// Those of a new connection.
    pub(crate) fn of(open: Arc<watch::Sender<usize>>, unread_timeout: Duration) -> Self {
        Self { open, unread_timeout }
    }
}

impl<S> Executor<S> for Streams
where
    S: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: S) {
        let (open, longest) = (Open::one_more(self.open.clone()), self.unread_timeout);
        tokio::spawn(HANDED_OVER.scope(Cell::new(None), async move {
            while_read(stream, longest).await;
            drop(open);
        }));
    }
}

/// Counts a stream as long as it lives.
struct Open(Arc<watch::Sender<usize>>);

impl Open {
    fn one_more(count: Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Runs `stream` to its end, or drops it, which resets it, when the client stopped reading.
async fn while_read(stream: impl Future<Output = ()>, longest: Duration) {
    let mut stream = pin!(stream);
    let mut alarm = pin!(sleep(longest));
    poll_fn(|cx| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let Some(since) = HANDED_OVER.with(Cell::get) else { return Poll::Pending };
        if alarm.deadline() != since + longest {
            alarm.as_mut().reset(since + longest);
        }
        ready!(alarm.as_mut().poll(cx));
        tracing::debug!(event = "stream_unread", after_seconds = longest.as_secs());
        Poll::Ready(())
    })
    .await;
}

tokio::task_local! {
    /// When the stream of this task handed over bytes that were not yet followed by a wish for more.
    static HANDED_OVER: Cell<Option<Instant>>;
}

/// The body of an answer on a stream, in pieces that show whether the client takes them.
pub(crate) struct Pieces {
    body: Body,
    rest: Bytes,
}

impl From<Body> for Pieces {
    fn from(body: Body) -> Self {
        Self { body, rest: Bytes::new() }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        // Asked for more: what was handed over before is on its way.
        hand_over(None);
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)?).map(Frame::into_data) {
                Some(Ok(bytes)) => self.rest = bytes,
                other => return Poll::Ready(other.and_then(Result::err).map(Ok)),
            }
        }
        let piece = self.rest.len().min(PIECE_BYTES);
        hand_over(Some(Instant::now()));
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

fn hand_over(at: Option<Instant>) {
    // Outside of a stream's task there is nobody to tell.
    let _ = HANDED_OVER.try_with(|handed_over| handed_over.set(at));
}

/// One frame of the size everybody must accept: a client has to open this much window within the
/// time, and this much is kept for one that does not.
///
/// Spec: RFC 9113 §6.5.2 (SETTINGS_MAX_FRAME_SIZE)
const PIECE_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, StreamBody};

    use super::*;
    use crate::{boxed, empty, full};

    #[tokio::test]
    async fn a_long_body_is_sent_in_pieces_and_whole() {
        let text: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        let mut pieces = Pieces::from(full(text.clone()));
        let mut read = Vec::new();
        while !pieces.is_end_stream() {
            assert_eq!(pieces.size_hint().exact(), Some((text.len() - read.len()) as u64));
            let piece = pieces.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!((1..=PIECE_BYTES).contains(&piece.len()));
            read.extend_from_slice(&piece);
        }
        assert_eq!(read, text);
        assert!(pieces.frame().await.is_none());
    }

    #[tokio::test]
    async fn empty_bodies_trailers_and_errors_pass_as_they_are() {
        assert!(Pieces::from(empty()).is_end_stream());
        let frames = [Ok(Frame::data(Bytes::new())), Ok(Frame::trailers(http::HeaderMap::new())), Err("broke")];
        let mut pieces = Pieces::from(boxed(StreamBody::new(futures_util::stream::iter(frames))));
        assert_eq!(pieces.frame().await.unwrap().unwrap().into_data().unwrap(), "");
        assert!(pieces.frame().await.unwrap().unwrap().is_trailers());
        assert_eq!(pieces.frame().await.unwrap().unwrap_err().to_string(), "broke");
    }
}
