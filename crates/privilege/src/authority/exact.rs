//! Which calls an elevation covers: any of its scope, or one.
//!
//! An approval is given to one call, by people who may; both are asked again when the call is made, because meanwhile
//! arguments, definition, installation or the duty of an approver ([`crate::approvers`]) may have changed.
//!
//! Spec: NIST SP 800-53 AC-5.

use std::fmt;

use model::{CallTarget, Elevation, Id, OtherCall, Person, StepUp, ThisCall, Tier, config::ServerConfig};

/// What approvals cover, of what is called.
#[derive(Clone, Copy, Debug)]
pub struct Approvals<'a> {
    /// One exact call each; any call of the scope, when the operator said so.
    are_exact: bool,
    /// The call, when it is one that could be approved by itself.
    this: Option<&'a ThisCall>,
}

/// Why an elevation that covers the scope does not cover the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Another call was approved.
    Other(OtherCall),
    /// It was approved for the scope, and counts for one call at a time only.
    NotExact,
    /// Who approved it may not approve any more.
    Approver(Id<Person>),
    /// In whose name it was approved may not approve any more, or has it handed to nobody.
    InNameOf(Id<Person>),
    /// Fewer people approved it than it takes.
    TooFew(u32),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(other) => other.fmt(f),
            Self::NotExact => f.write_str("an approval covers one call, and this one was not asked for"),
            Self::Approver(person) => write!(f, "`{person}`, who approved it, may not approve any more"),
            Self::InNameOf(person) => {
                write!(
                    f,
                    "`{person}`, in whose name it was approved, may not approve any more, or let it be done no longer"
                )
            }
            Self::TooFew(needed) => write!(f, "it takes the approval of {needed} people, and has not got it"),
        }
    }
}

impl<'a> Approvals<'a> {
    /// By the rules of the server of `target`.
    pub fn of(rules: &ServerConfig, target: &CallTarget, this: Option<&'a ThisCall>) -> Self {
        let tool = target.tool().filter(|_| target.tier() == Tier::High);
        Self { are_exact: tool.is_some_and(|tool| rules.approves_exact_calls(tool)), this }
    }

    /// The call, when it is one that could be approved by itself.
    pub fn this(self) -> Option<&'a ThisCall> {
        self.this
    }

    /// Does `elevation` cover the call, as it was approved?
    ///
    /// # Errors
    /// Why not.
    pub fn covered_by(self, elevation: &Elevation) -> Result<(), Unfit> {
        match (&elevation.call, self.this) {
            // What was approved for one call is never good for another, whatever the operator said since.
            (Some(exact), Some(this)) => exact.is(this).map_err(Unfit::Other),
            (Some(_), None) => Err(Unfit::NotExact),
            (None, _) if self.are_exact && elevation.by == StepUp::Approval => Err(Unfit::NotExact),
            (None, _) => Ok(()),
        }
    }
}
