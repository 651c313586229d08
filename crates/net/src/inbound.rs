//! The body of a request, on a clock, and what becomes of one that nobody read.
//!
//! Whoever reads it, by whatever means, gets it within half a minute or not at all: a head without its body holds a
//! connection, not a conversation. A request may also be refused before its body was read. If the rest is small and
//! already under way it is taken off the wire, so that the connection can be used again; otherwise the answer says
//! that the connection ends. Closing without either loses the answer: the system tells the client that its bytes
//! were not read, and the client's system throws away what it had received.
//!
//! Spec: RFC 9112 §9.3, §9.6.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep, timeout};

use crate::{
    BodyError,
    read::{LONGEST, TooSlow},
};

/// The body of a request, which has to arrive in time.
#[derive(Debug)]
pub struct Inbound {
    incoming: Option<Incoming>,
    /// Made when the body is waited for, which is the rare case.
    clock: Option<Pin<Box<Sleep>>>,
    rest: Option<Rest>,
}

/// Where a body goes that was not read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rest(Arc<Mutex<Option<Incoming>>>);

impl Inbound {
    /// The body, and where its rest will be once nobody reads it any more. `None` when there is no body.
    pub(crate) fn of(incoming: Incoming) -> (Self, Option<Rest>) {
        let rest = (!incoming.is_end_stream()).then(Rest::default);
        (Self { incoming: Some(incoming), clock: None, rest: rest.clone() }, rest)
    }
}

impl HttpBody for Inbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(incoming).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let clock = this.clock.get_or_insert_with(|| Box::pin(sleep(LONGEST)));
        match clock.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(TooSlow.into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        if let (Some(rest), Some(incoming)) = (&self.rest, self.incoming.take())
            && !incoming.is_end_stream()
        {
            *rest.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(incoming);
        }
    }
}

impl Rest {
    /// Nothing of the body is left, now that the answer is there? Takes off the wire what is small and on its way.
    pub(crate) async fn goes_away(self, waits_for_us: bool) -> bool {
        let Some(body) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() else { return true };
        // Who asked whether to send the body is not told to send it for nothing.
        if waits_for_us || body.size_hint().lower() > SMALL {
            return false;
        }
        timeout(MOMENT, read_off(body)).await.unwrap_or(false)
    }
}

async fn read_off(mut body: Incoming) -> bool {
    let mut left = SMALL;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
        match left.checked_sub(bytes) {
            Some(less) => left = less,
            None => return false,
        }
    }
    true
}

/// What is read of a body that nobody wants, in bytes.
const SMALL: u64 = 64 * 1024;
/// And for how long: the answer waits for it.
const MOMENT: Duration = Duration::from_millis(250);
