//! A job on its way to the writer; a change without its types.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::{FutureExt, future::BoxFuture};
use model::Event;
use tokio::sync::oneshot;

use crate::{
    engine::{commit::Commit, commit_outcome::BatchError},
    epoch::gone_node::GoneNode,
    error::StoreError,
    sql::tx::Tx,
};

/// Tells the caller how it went: the index of the change's first record, or why there is none.
pub(crate) type Answer = Box<dyn FnOnce(Result<u64, StoreError>) + Send>;

/// Who was first: the writer, who starts a job, or its caller, who withdraws it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start(Arc<AtomicBool>);

impl Start {
    /// The writer starts the job; `false` when it was withdrawn, and must not run.
    pub(crate) fn start(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// The caller withdraws the job; `false` when it has started.
    pub(crate) fn withdraw(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// What is left of a change that ran: its records, and the caller who waits.
/// No events means that it must be rolled back.
pub(crate) struct Ran {
    pub(crate) events: Vec<Event>,
    pub(crate) answer: Answer,
}

/// What [`crate::Store::write`] queues.
pub(crate) trait Change: Send {
    /// Composes the change.
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx<'_>) -> BoxFuture<'t, Ran>;

    /// Answers without having run.
    fn refuse(self: Box<Self>, error: StoreError);
}

/// What the writer is asked.
pub(crate) enum Job {
    /// Append a record.
    Record(Event, Answer, Start),
    /// Change something.
    Change(Box<dyn Change>, Start),
    /// Write the ends of the calls of a node that is gone.
    EndCalls(GoneNode, oneshot::Sender<()>),
    /// Finish.
    Close(oneshot::Sender<()>),
}

impl Job {
    /// Answers without having run.
    pub(crate) fn refuse(self, error: &BatchError) {
        match self {
            Self::Record(_, answer, _) => answer(Err(error.to_store_error())),
            Self::Change(change, _) => change.refuse(error.to_store_error()),
            Self::EndCalls(..) | Self::Close(_) => {}
        }
    }

    /// Takes it out of the hands of its caller; `false` when the caller has given up waiting.
    pub(crate) fn start(&self) -> bool {
        match self {
            Self::Record(_, _, start) | Self::Change(_, start) => start.start(),
            Self::EndCalls(..) | Self::Close(_) => true,
        }
    }
}

/// A closure and the caller who waits for its value. A caller who went away changes nothing.
pub(crate) struct Typed<F, T, E> {
    pub(crate) work: F,
    pub(crate) answer: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Change for Typed<F, T, E>
where
    F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<Commit<T>, E>> + Send + 'static,
    E: From<StoreError> + Send + 'static,
    T: Send + 'static,
{
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx<'_>) -> BoxFuture<'t, Ran> {
        Box::pin(async move {
            let Self { work, answer } = *self;
            // What the panic left half done in `tx` is rolled back with the savepoint.
            let outcome = AssertUnwindSafe(async { work(tx).await }).catch_unwind().await;
            let (events, kept) = match outcome {
                Ok(Ok(mut commit)) => {
                    // A change without a record of its own is rolled back, and these ends with it.
                    if !commit.events.is_empty() {
                        commit.events.append(&mut tx.ended);
                    }
                    (commit.events, Ok(commit.value))
                }
                Ok(Err(error)) => (Vec::new(), Err(error)),
                Err(_) => (Vec::new(), Err(StoreError::Panicked.into())),
            };
            let answer = move |written: Result<u64, StoreError>| {
                let _ = answer.send(match (kept, written) {
                    (Ok(value), Ok(_)) => Ok(value),
                    (Ok(_), Err(error)) => Err(error.into()),
                    (Err(error), _) => Err(error),
                });
            };
            Ran { events, answer: Box::new(answer) }
        })
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        let _ = self.answer.send(Err(error.into()));
    }
}
