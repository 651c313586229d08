//! The body on its way back.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use model::Revision;
use net::BodyError;

use crate::{
    ending::Ending,
    sse::{self, Splitter},
    tool_list,
    viewer::Viewer,
    watch::Watch,
};

/// Relays an upstream body until it ends, breaks, or its principal dies.
#[derive(Debug)]
pub struct Relayed {
    /// Dropped at the end: that closes the upstream request.
    incoming: Option<Incoming>,
    watch: Watch,
    /// Written down at the end, or when everything is dropped before.
    ending: Option<Ending>,
    /// What is said last when the authority ends.
    pub(super) farewell: Option<String>,
    pub(super) filter: Option<Filter>,
}

impl Relayed {
    /// Of an upstream body.
    pub fn new(incoming: Incoming, watch: Watch, ending: Ending) -> Self {
        let mut new = Self { incoming: Some(incoming), watch, ending: Some(ending), farewell: None, filter: None };
        new.end_if_complete();
        new
    }

    /// A body of known length is not asked for its end, so its end must be noticed with its last byte.
    fn end_if_complete(&mut self) {
        if self.filter.is_none() && self.incoming.as_ref().is_some_and(Body::is_end_stream) {
            self.end("complete");
        }
    }

    fn end(&mut self, how: &'static str) {
        if let Some(mut ending) = self.ending.take() {
            ending.because(how);
        }
        self.incoming = None;
        self.filter = None;
    }

    fn cut(&mut self, how: &'static str) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.end(how);
        Poll::Ready(self.farewell.take().map(|farewell| Ok(Frame::data(farewell.into()))))
    }

    fn pass(&mut self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(ending) = &mut self.ending {
            ending.relayed(bytes.len());
        }
        self.end_if_complete();
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    /// The next bytes for the client, filtered if need be. `None` at the end.
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            if let Some(filter) = &mut self.filter {
                match filter.take(self.watch.now()) {
                    Ok(Some(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Some(Err(error))),
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
        if let Err(how) = ready!(self.watch.poll_before_bytes(cx)) {
            return self.cut(how);
        }
        match self.poll_bytes(cx) {
            Poll::Ready(Some(Ok(bytes))) => self.pass(bytes),
            Poll::Ready(Some(Err(error))) => {
                self.end("upstream_broke");
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                self.end("complete");
                Poll::Ready(None)
            }
            Poll::Pending => match self.watch.poll_ended(cx) {
                Poll::Ready(how) => self.cut(how),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_none() && self.filter.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.incoming, &self.filter) {
            (Some(incoming), None) => incoming.size_hint(),
            (None, None) => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}

/// Filters the lists of tools in a stream of events.
#[derive(Debug)]
pub struct Filter {
    splitter: Splitter,
    viewer: Viewer,
    modern: bool,
    /// An event with a filtered list, which comes after what was just taken.
    next: Option<Bytes>,
}

impl Filter {
    /// For one viewer.
    pub fn new(viewer: Viewer, revision: Revision, longest: usize) -> Self {
        Self { splitter: Splitter::new(longest), viewer, modern: revision.is_modern(), next: None }
    }

    /// The next bytes to pass on: one filtered event, or as many as are there and need no change, as they came.
    ///
    /// At most one portion of the upstream and one filtered event are held.
    fn take(&mut self, now: model::Timestamp) -> Result<Option<Bytes>, BodyError> {
        if let Some(next) = self.next.take() {
            return Ok(Some(next));
        }
        let mut untouched = BytesMut::new();
        while let Some(event) = self.splitter.take()? {
            let filtered = match sse::data(&event).filter(|message| !message.is_empty()) {
                Some(message) => tool_list::filter(&message, &self.viewer, self.modern, now)?
                    .map(|message| sse::with_data(&event, &message)),
                None => None,
            };
            match filtered {
                None => untouched.unsplit(event),
                Some(filtered) if untouched.is_empty() => return Ok(Some(filtered.into())),
                Some(filtered) => {
                    self.next = Some(filtered.into());
                    break;
                }
            }
        }
        Ok((!untouched.is_empty()).then(|| untouched.freeze()))
    }
}
