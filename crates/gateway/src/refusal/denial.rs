//! A denial as a client can read it: what kind it is, by which handle it is known, and what can be done.
//!
//! The handle names what was refused and is never authority: whoever has it can do nothing with it that they could not do
//! without.
//!
//! Spec: SEP-2643 (structured authorization denials; a proposal). Our own member of `_meta` until that is settled.

use model::StepUp;
use serde_json::{Value, json};
use store::MatchingNumber;

use super::HowTold;

/// More authority is needed, and a person can give it.
pub fn of(by: StepUp, told: &HowTold) -> Value {
    let mut denial = json!({
        "classification": "insufficient_authorization",
        "remediation": [{"type": "url", "url": told.at, "by": by.as_str()}],
    });
    if let Some(asked) = &told.asked {
        denial["authorizationContextId"] = asked.to_string().into();
    }
    denial
}

/// A person was asked, and needs to be told this number by whoever asked.
pub fn awaited(at: &str, number: MatchingNumber) -> Value {
    json!({
        "classification": "insufficient_authorization",
        "remediation": [{"type": "url", "url": at, "by": StepUp::Approval.as_str(), "number": number.to_string()}],
    })
}
