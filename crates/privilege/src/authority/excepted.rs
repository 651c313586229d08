//! Which exceptions hold for an agent on a server at this moment, of those that some policy asks for.
//!
//! The times are asked anew for each decision, and the names are part of the question that an answer is kept for: so no kept
//! answer outlives an exception by a moment.

use std::sync::Arc;

use model::{Agent, Exception, Exceptions, Id, Server, Timestamp};
use policy::Policies;
use store::Store;

/// The exceptions that hold in one case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excepted {
    names: Exceptions,
    which: Arc<[(Id<Exception>, Timestamp)]>,
}

impl Excepted {
    /// Those of `agent` on `server` now. A clock that can not be right lets none hold.
    pub fn of(store: &Store, policies: &Policies, agent: &Id<Agent>, server: &Id<Server>) -> Self {
        if policies.exceptions().is_empty() || store.freshness().is_err() {
            return Self::default();
        }
        let standing = store.exceptions();
        let held: Vec<&Exception> = standing
            .of(agent, server, store.now())
            .filter(|exception| policies.exceptions().contains(&exception.name))
            .collect();
        Self {
            names: held.iter().map(|exception| exception.name.clone()).collect(),
            which: held.iter().map(|exception| (exception.id.clone(), exception.not_after)).collect(),
        }
    }

    /// What policy is told.
    pub fn names(&self) -> &Exceptions {
        &self.names
    }

    /// Which they are, for records.
    pub fn ids(&self) -> Vec<Id<Exception>> {
        self.which.iter().map(|(id, _)| id.clone()).collect()
    }

    /// When the first of them is over.
    pub fn until(&self) -> Option<Timestamp> {
        self.which.iter().map(|(_, until)| *until).min()
    }

    /// Did somebody end one of them before its time? That its time was over takes nothing away from what has begun.
    pub fn was_taken_away(&self, store: &Store, agent: &Id<Agent>) -> bool {
        let (standing, now) = (store.exceptions(), store.now());
        self.which.iter().any(|(id, not_after)| standing.was_taken_away((agent, id), *not_after, now))
    }
}

/// For what is only imagined.
impl From<Exceptions> for Excepted {
    fn from(names: Exceptions) -> Self {
        Self { names, which: Arc::default() }
    }
}
