//! Duty in another's name: an approver hands approving to another person, until a time.
//!
//! What is handed over is what they may themselves, no more: the role counts, and what was handed to them does not. It ends
//! by its time, by either of the two, and with what it rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Grant, Id, Person, Server, Span, Timestamp, id::Minted, text_enum};

/// Approving in the name of another person, until a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// Its id.
    pub id: Id<Duty>,
    /// In whose name.
    pub from: Id<Person>,
    /// Who decides.
    pub to: Id<Person>,
    /// For requests of this server alone; of all when there is none.
    pub server: Option<Id<Server>>,
    /// Since when.
    pub since: Timestamp,
    /// Until when at the latest.
    pub not_after: Timestamp,
    /// What ended it, and when, once somebody wrote that down.
    pub ended: Option<(DutyEnd, Timestamp)>,
}

impl Minted for Duty {
    const PREFIX: &'static str = "dut";
}

/// What ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DutyEnd {
    /// Its time was over.
    TimeOver,
    /// One of the two, or the operator, ended it.
    ByHand,
    /// In whose name it was is no approver any more.
    RoleLost,
    /// One of the two was disabled or revoked, or is not there any more.
    PersonGone,
}

text_enum!(DutyEnd {
    TimeOver => "time_over",
    ByHand => "by_hand",
    RoleLost => "role_lost",
    PersonGone => "person_gone",
});

impl Duty {
    /// The longest that it may last.
    pub const LONGEST: Span = Span::from_minutes(30 * 24 * 60);

    /// Is it over at `now`, by its time or because somebody ended it?
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ended.is_some() || now >= self.not_after
    }

    /// Is it about requests of that grant?
    pub fn covers(&self, grant: &Grant) -> bool {
        self.server.as_ref().is_none_or(|server| *server == grant.server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_by_its_time_or_by_an_end() {
        let at = Timestamp::from_seconds;
        let duty = Duty {
            id: "dut_1".parse().unwrap(),
            from: "bob".parse().unwrap(),
            to: "eve".parse().unwrap(),
            server: None,
            since: at(10),
            not_after: at(20),
            ended: None,
        };
        assert!(!duty.is_over(at(19)) && duty.is_over(at(20)));
        assert!(Duty { ended: Some((DutyEnd::ByHand, at(15))), ..duty }.is_over(at(16)));
    }
}
