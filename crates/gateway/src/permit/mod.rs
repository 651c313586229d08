//! The permission for one call.
//!
//! A [`Permit`] has private fields, and only this folder can make one: `decide::decide` does, after policy was asked.
//!
//! Next: `record::record`.

mod checks;
mod decide;

use std::sync::Arc;

use crypto::Digest;
use model::{CallTarget, event::Facts};
use privilege::authority::{Allowed, Basis, Excepted};

use crate::{call::Call, principal::Principal};

pub use decide::{Denial, NotPermitted, decide};

use checks::Checks;

/// Policy allowed this one call.
#[derive(Debug)]
pub struct Permit<C> {
    call: C,
    principal: Arc<Principal>,
    target: CallTarget,
    basis: Basis,
    /// The ids of those that said so.
    policies: Vec<String>,
    /// How old the facts were.
    facts: Facts,
    checks: Checks,
}

impl Permit<Call> {
    /// The call.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Who acts.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// What the call is about.
    pub fn target(&self) -> &CallTarget {
        &self.target
    }

    /// By what it is allowed.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }

    /// The ids of the policies that said so.
    pub fn policies(&self) -> &[String] {
        &self.policies
    }

    /// How old the facts were.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The accepted definition by which its arguments were checked.
    pub fn definition(&self) -> Option<Digest> {
        self.checks.definition
    }

    /// What the log says of its arguments, when it is of the high tier.
    pub fn arguments(&self) -> Option<&str> {
        self.checks.arguments.as_deref()
    }

    /// The exceptions that were among the facts.
    pub fn excepted(&self) -> &Excepted {
        &self.checks.excepted
    }

    /// The call and who acts, to decide on again.
    pub fn undecided(self) -> (Call, Arc<Principal>) {
        (self.call, self.principal)
    }

    fn new(
        (call, principal, target): (Call, Arc<Principal>, CallTarget),
        allowed: Allowed,
        checks: Checks,
        facts: Facts,
    ) -> Self {
        let Allowed { basis, policies } = allowed;
        Self { call, principal, target, basis, policies, facts, checks }
    }
}
