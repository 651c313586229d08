//! Work that is finished although nobody waits for it any more.
//!
//! A client may leave at any moment, and everything that served it is dropped. What has begun to be
//! written down must still be brought to its end, or there would be a decision without an outcome.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::runtime::Handle;

/// Goes on in the background when it is dropped before its end.
pub struct Detached<T: 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T> Detached<T> {
    /// Of this work.
    pub fn of(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<T> Future for Detached<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.0 else { return Poll::Pending };
        let done = ready!(work.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(done)
    }
}

impl<T> Drop for Detached<T> {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move { drop(work.await) });
        }
    }
}
