//! The bytes of an HTTP/1.1 connection: looked at on the way in, and not cut off on the way out.
//!
//! A socket that is closed while bytes lie in it unread makes the system of the client throw away the answer that it
//! has but did not read yet. So a connection that we end is closed for writing first, and what still comes is thrown
//! away for a moment.
//!
//! Spec: RFC 9112 §9.6 (tear-down).

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::framing::Framing;

/// One connection.
pub(crate) struct Wire<I> {
    stream: I,
    framing: Framing,
    unread: Unread,
    closed_for_writing: bool,
    lingering: Option<Pin<Box<Sleep>>>,
    thrown_away: usize,
}

/// Does a client still have something to say that nobody will read?
#[derive(Clone, Debug, Default)]
pub(crate) struct Unread(Arc<AtomicBool>);

impl Unread {
    pub(crate) fn expected(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<I> Wire<I> {
    pub(crate) fn of(stream: I, unread: Unread) -> Self {
        let framing = Framing::default();
        Self { stream, framing, unread, closed_for_writing: false, lingering: None, thrown_away: 0 }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Wire<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if this.framing.look(&mut buf.filled_mut()[before..]).is_err() {
            tracing::debug!(event = "ambiguous_framing");
            this.unread.expected();
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.closed_for_writing {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            this.closed_for_writing = true;
        }
        let mut scratch = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            match Pin::new(&mut this.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => this.thrown_away += buf.filled().len(),
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending if this.thrown_away == 0 && !this.unread.0.load(Ordering::Relaxed) => {
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending => {
                    let linger = this.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
                    return linger.as_mut().poll(cx).map(Ok);
                }
            }
            if this.thrown_away > MOST_THROWN_AWAY {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// How long a client has to take its answer and to stop sending.
const LINGER: Duration = Duration::from_secs(2);
/// Who sends more than this after the answer does not read answers.
const MOST_THROWN_AWAY: usize = 4 * 1024 * 1024;
