//! A stream of events that has nothing to say says so: a comment every fifteen seconds.
//!
//! Proxies and clients take a connection for dead on which no byte comes. There is one timer for each stream, set anew
//! when it goes off, and none for each event. A comment stands only between two events: in the middle of a line it would
//! change what the line says.
//!
//! Spec: WHATWG HTML §9.2.7 (authoring notes: a comment line every fifteen seconds).

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use mcp::sse::{COMMENT, Edge};
use tokio::time::{Instant, Sleep, sleep_until};

/// Follows one stream by the bytes that were relayed of it.
#[derive(Debug)]
pub struct KeepAlive {
    edge: Edge,
    /// When a comment is due, unless something is relayed before.
    due: Instant,
    timer: Pin<Box<Sleep>>,
}

/// How long a stream may be silent.
const QUIET: Duration = Duration::from_secs(15);

impl KeepAlive {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        let due = Instant::now() + QUIET;
        Self { edge: Edge::new(), due, timer: Box::pin(sleep_until(due)) }
    }

    /// At the beginning of a stream of which nobody knows whether there will be one: it speaks at once.
    pub fn at_once() -> Self {
        let due = Instant::now();
        Self { due, timer: Box::pin(sleep_until(due)), ..Self::new() }
    }

    /// These bytes are relayed. Says how many there were of an event that is not over.
    pub fn look(&mut self, bytes: &[u8]) -> usize {
        self.due = Instant::now() + QUIET;
        self.edge.look(bytes)
    }

    /// Is what was relayed whole events, and nothing of the next one?
    pub fn is_between_events(&self) -> bool {
        self.edge.is_between_events()
    }

    /// A comment, when nothing was relayed for a while.
    pub fn poll_comment(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            let is_due = self.due <= now;
            if is_due {
                self.due = now + QUIET;
            }
            self.timer.as_mut().reset(self.due);
            if is_due && self.edge.is_between_events() {
                return Poll::Ready(COMMENT);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Field: G12
    #[tokio::test(start_paused = true)]
    async fn a_comment_comes_fifteen_seconds_after_the_last_byte_and_never_inside_an_event() {
        let (began, mut keep_alive) = (Instant::now(), KeepAlive::new());
        let comment = async |keep_alive: &mut KeepAlive| {
            assert_eq!(poll_fn(|cx| keep_alive.poll_comment(cx)).await, ":\n\n");
            began.elapsed().as_secs()
        };
        assert_eq!(comment(&mut keep_alive).await, 15);
        assert_eq!(comment(&mut keep_alive).await, 30);
        tokio::time::advance(Duration::from_secs(10)).await;
        keep_alive.look(b"data: 1\n\n");
        assert_eq!(comment(&mut keep_alive).await, 55);
        keep_alive.look(b"data: ha");
        let half = tokio::time::timeout(Duration::from_secs(100), poll_fn(|cx| keep_alive.poll_comment(cx))).await;
        assert!(half.is_err());
        keep_alive.look(b"lf\n\n");
        assert_eq!(comment(&mut keep_alive).await, 170);
    }
}
