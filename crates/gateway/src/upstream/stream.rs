//! The body on its way back.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use mcp::{
    revision::Revision,
    sse::{self, AnswerSeen, Splitter},
};
use model::{
    Timestamp,
    config::AnswerBytes,
    event::{Done, Outcome},
};
use net::BodyError;

use super::keep_alive::KeepAlive;
use crate::{
    call::Filtered,
    call_outcome::CallOutcome,
    condition_watch::ConditionWatch,
    conditions::ConditionLost,
    may_be_done::MayBeDone,
    principal::{PrincipalError, Verifier},
    sealed::{event_id::EventIds, request_state::RequestStates},
    tool_visibility::{list_filter, viewer::Viewer},
};

/// Relays an upstream body until it ends, breaks, or its principal dies.
pub struct Relayed {
    /// Dropped at the end: that closes the upstream request.
    incoming: Option<Incoming>,
    watch: ConditionWatch,
    /// Written down at the end, or when everything is dropped before.
    outcome: Option<CallOutcome>,
    /// What is said last when it is cut.
    pub(super) ends: Ends,
    pub(super) filter: Option<Filter>,
    /// Of a stream of events: breaks its silence.
    pub(super) keep_alive: Option<KeepAlive>,
    /// Of a stream that only listens: the end of the listener it came through.
    pub(super) listener: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Seals what comes back from the client.
    pub(super) seal: Option<Sealing>,
    /// How long an answer, or an event, may be.
    pub(super) bound: AnswerBytes,
    /// Bytes that were relayed.
    bytes: usize,
}

/// What is sealed in a body.
#[derive(Debug)]
pub enum Sealing {
    /// In a stream of the old era.
    EventIds(EventIds),
    /// In an answer of the new era that may ask for input.
    States(RequestStates),
}

/// How a body ends that is cut.
#[derive(Debug)]
pub enum Ends {
    /// An answer in one piece, of which a part may be gone already: the connection breaks.
    Broken,
    /// A stream that only listens.
    Silently,
    /// A subscription, which is answered when it ends.
    Saying(String),
    /// The stream of a call: before its answer, the client is told that it may have been done.
    Unanswered {
        /// The id of the request, as raw JSON text.
        id: Box<str>,
        /// Whether the answer was relayed.
        seen: AnswerSeen,
    },
}

impl Ends {
    /// Does a whole body hold the answer?
    fn is_answered(&self) -> bool {
        match self {
            Self::Unanswered { seen, .. } => seen.is_answered(),
            Self::Broken | Self::Silently | Self::Saying(_) => true,
        }
    }
}

impl Relayed {
    /// Of an upstream body.
    pub fn new(incoming: Incoming, watch: ConditionWatch, outcome: CallOutcome, bound: AnswerBytes) -> Self {
        let (incoming, outcome) = (Some(incoming), Some(outcome));
        let (ends, filter, seal, keep_alive, listener) = (Ends::Broken, None, None, None, None);
        let mut new = Self { incoming, watch, outcome, ends, filter, keep_alive, listener, seal, bound, bytes: 0 };
        new.end_if_complete();
        new
    }

    /// A body of known length is not asked for its end, so its end must be noticed with its last byte.
    fn end_if_complete(&mut self) {
        let is_over = self.filter.is_none() && self.incoming.as_ref().is_some_and(Body::is_end_stream);
        if is_over && !self.owes_an_answer() {
            self.end(Outcome::Complete);
        }
    }

    /// Is it the stream of a call whose answer did not come, and can nobody come back for it? Then the client would wait
    /// for its own time to run out, and try again.
    fn owes_an_answer(&self) -> bool {
        matches!(&self.ends, Ends::Unanswered { seen, .. } if !seen.is_answered() && !seen.is_resumable())
    }

    fn end(&mut self, how: Outcome) {
        if let Some(mut outcome) = self.outcome.take() {
            outcome.ends(how);
            if how == Outcome::Complete && self.ends.is_answered() {
                outcome.done(Done::Answered);
            }
        }
        self.incoming = None;
        self.filter = None;
    }

    fn lose(&mut self, lost: &ConditionLost) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.cut(lost.outcome(), lost.of_what_was_sent())
    }

    /// Ends it, with how it ended, for the record, and what the client is told.
    fn cut(&mut self, how: Outcome, told: MayBeDone) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.end(how);
        let data = |text: String| Poll::Ready(Some(Ok(Frame::data(text.into()))));
        let inside = self.keep_alive.as_ref().is_some_and(|keep_alive| !keep_alive.is_between_events());
        match std::mem::replace(&mut self.ends, Ends::Silently) {
            // Behind half an event it would be read as a part of it; the half alone is discarded.
            Ends::Saying(farewell) if !inside => data(farewell),
            Ends::Unanswered { id, seen } if !seen.is_answered() => {
                let half = if seen.is_inside() { "\n\n" } else { "" };
                data(format!("{half}{}", told.event(&id)))
            }
            Ends::Unanswered { .. } | Ends::Silently | Ends::Saying(_) => Poll::Ready(None),
            // A clean end would make half an answer look whole.
            Ends::Broken => Poll::Ready(Some(Err(told.what().into()))),
        }
    }

    fn pass(&mut self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.bytes += bytes.len();
        let long = self.keep_alive.as_mut().map_or(self.bytes, |keep_alive| keep_alive.look(&bytes));
        if !self.bound.allows(long) {
            return self.cut(Outcome::AnswerTooLong, MayBeDone::AnswerTooLong);
        }
        if let Some(outcome) = &mut self.outcome {
            outcome.relayed(bytes.len());
        }
        if let Ends::Unanswered { seen, .. } = &mut self.ends
            && seen.look(&bytes)
        {
            self.watch.answered();
        }
        self.end_if_complete();
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    /// The same as they leave. A line of which the end is missing is no bytes yet.
    fn poll_sealed(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            let bytes = ready!(self.poll_bytes(cx));
            let (Some(seal), Some(Ok(bytes))) = (&mut self.seal, &bytes) else { return Poll::Ready(bytes) };
            let sealed = match seal {
                Sealing::EventIds(ids) => ids.seal(bytes.clone()),
                Sealing::States(states) => states.seal(bytes.clone()),
            };
            if !sealed.is_empty() {
                return Poll::Ready(Some(Ok(sealed)));
            }
        }
    }

    /// The next bytes of the upstream, filtered if need be. `None` at the end.
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            if let Some(filter) = &mut self.filter {
                let taken = ready!(filter.poll_current(cx, self.watch.verifier()))
                    .and_then(|()| filter.take(self.watch.verifier().store().now()));
                if let Some(taken) = taken.transpose() {
                    return Poll::Ready(Some(taken));
                }
            }
            let Some(incoming) = self.incoming.as_mut() else { return Poll::Ready(None) };
            let frame = match ready!(Pin::new(incoming).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                // An event that was never finished stays behind: readers discard it, and it could hold a list.
                None => return Poll::Ready(None),
            };
            // Trailers are not relayed.
            let Ok(bytes) = frame.into_data() else { continue };
            match &mut self.filter {
                None => return Poll::Ready(Some(Ok(bytes))),
                Some(filter) => filter.splitter.push(&bytes),
            }
        }
    }
}

impl Body for Relayed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.incoming.is_none() && self.filter.is_none() {
            return Poll::Ready(None);
        }
        if let Err(lost) = ready!(self.watch.poll_before_bytes(cx)) {
            return self.lose(&lost);
        }
        if self.listener.as_mut().is_some_and(|listener| listener.as_mut().poll(cx).is_ready()) {
            self.listener = None;
            return self.cut(Outcome::GatewayStopped, MayBeDone::GatewayStops);
        }
        match self.poll_sealed(cx) {
            Poll::Ready(Some(Ok(bytes))) => self.pass(bytes),
            Poll::Ready(Some(Err(_))) if self.owes_an_answer() => {
                self.cut(Outcome::UpstreamBroke, MayBeDone::StreamBroke)
            }
            Poll::Ready(None) if self.owes_an_answer() => self.cut(Outcome::Complete, MayBeDone::StreamEnded),
            Poll::Ready(Some(Err(error))) => {
                self.end(Outcome::UpstreamBroke);
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                self.end(Outcome::Complete);
                Poll::Ready(None)
            }
            Poll::Pending => match self.watch.poll_ended(cx) {
                Poll::Ready(lost) => self.lose(&lost),
                Poll::Pending => match &mut self.keep_alive {
                    Some(keep_alive) => keep_alive.poll_comment(cx).map(|comment| Some(Ok(Frame::data(comment)))),
                    None => Poll::Pending,
                },
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_none() && self.filter.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // Into a stream of events we write too, and what is sealed grows.
        let as_it_comes = self.filter.is_none() && self.keep_alive.is_none() && self.seal.is_none();
        match &self.incoming {
            Some(incoming) if as_it_comes => incoming.size_hint(),
            None if self.filter.is_none() => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}

/// Filters lists, and what a server says of itself, in a stream of events.
pub struct Filter {
    splitter: Splitter,
    viewer: Viewer,
    revision: &'static dyn Revision,
    what: Filtered,
    /// An event with a list, which comes after what was just taken.
    held: Option<BytesMut>,
    looking_again: Option<LookingAgain>,
}

type LookingAgain = Pin<Box<dyn Future<Output = Result<Viewer, PrincipalError>> + Send>>;

impl Filter {
    /// For one viewer.
    pub fn new(viewer: Viewer, revision: &'static dyn Revision, what: Filtered, longest: usize) -> Self {
        Self { splitter: Splitter::new(longest), viewer, revision, what, held: None, looking_again: None }
    }

    /// Looks again at what may be seen, when something was taken away since.
    fn poll_current(&mut self, cx: &mut Context<'_>, verifier: &Arc<Verifier>) -> Poll<Result<(), BodyError>> {
        loop {
            if let Some(looking_again) = &mut self.looking_again {
                let viewer = ready!(looking_again.as_mut().poll(cx));
                self.looking_again = None;
                self.viewer = viewer?;
            }
            if self.viewer.epoch() == verifier.store().epoch() {
                return Poll::Ready(Ok(()));
            }
            self.looking_again = Some(Box::pin(self.viewer.again(verifier.clone())));
        }
    }

    /// The next bytes to pass on: one filtered event, or as many as are there and need no change, as they came.
    ///
    /// At most one portion of the upstream and one event are held.
    fn take(&mut self, now: Timestamp) -> Result<Option<Bytes>, BodyError> {
        self.viewer.look_at(now);
        let mut untouched = BytesMut::new();
        while let Some(event) = self.held.take().map_or_else(|| self.splitter.take(), |held| Ok(Some(held)))? {
            let filtered = match sse::data(&event).filter(|message| !message.is_empty()) {
                // A reader that does not look at names would find a list in it that nobody filtered.
                Some(_) if !sse::is_message(&event) => Some(sse::without_data(&event)),
                Some(message) => list_filter::filter(&message, &self.viewer, (self.revision, self.what), now)?
                    .map(|message| sse::with_data(&event, &message)),
                None => None,
            };
            match filtered {
                None => untouched.unsplit(event),
                Some(filtered) if untouched.is_empty() => return Ok(Some(filtered.into())),
                Some(_) => {
                    self.held = Some(event);
                    break;
                }
            }
        }
        Ok((!untouched.is_empty()).then(|| untouched.freeze()))
    }
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter").field("splitter", &self.splitter).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Relayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relayed").field("ends", &self.ends).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
