//! How people decide: how often they say yes, and how long an agent waits for it.
//!
//! A rate near a hundred per cent says that nobody reads what is asked, and a long time that somebody will look for a way
//! around. Both are reasons to change a tier, not the people.

use model::{Elevation, ElevationState, Span, Stage, Timestamp};
use store::{Store, StoreError};

/// What became of the requests for an approval of a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deciding {
    /// Somebody said yes.
    pub approved: u64,
    /// Somebody said no.
    pub denied: u64,
    /// Nobody decided in time, or it was withdrawn.
    pub lapsed: u64,
    /// Nobody has decided yet.
    pub waiting: u64,
    /// Half of the decisions took no longer.
    pub median: Option<Span>,
}

impl Deciding {
    /// Of a hundred decisions so many were a yes; `None` when there was none.
    pub fn approved_of_hundred(&self) -> Option<u64> {
        (self.approved * 100).checked_div(self.approved + self.denied)
    }

    fn of(elevations: &[Elevation], now: Timestamp) -> Self {
        let mut deciding = Self::default();
        let mut took: Vec<u64> = Vec::new();
        for elevation in elevations {
            match (elevation.state(), &elevation.stage) {
                (ElevationState::Denied, _) => deciding.denied += 1,
                (_, Stage::Active(_) | Stage::Ended(Some(_))) => deciding.approved += 1,
                _ if elevation.is_pending(now) => deciding.waiting += 1,
                _ => deciding.lapsed += 1,
            }
            took.extend(elevation.decided().map(|decided| elevation.requested_at.seconds_until(decided.at)));
        }
        took.sort_unstable();
        let median = took.get(took.len().saturating_sub(1) / 2).copied();
        deciding.median = median.map(|seconds| Span::from_seconds(u32::try_from(seconds).unwrap_or(u32::MAX)));
        deciding
    }
}

/// Counts the newest requests of the last thirty days.
///
/// # Errors
/// The store failed.
pub async fn measure(store: &Store) -> Result<Deciding, StoreError> {
    let now = store.now();
    Ok(Deciding::of(&store.approvals_since(now.before(WHILE), MOST).await?, now))
}

const WHILE: Span = Span::from_minutes(30 * 24 * 60);
/// So many are counted.
const MOST: u32 = 10_000;

#[cfg(test)]
mod tests {
    use model::{Approval, Decided, StepUp};

    use super::*;

    fn asked(stage: Stage) -> Elevation {
        Elevation {
            id: "elv_1".parse().unwrap(),
            grant: "grt_1".parse().unwrap(),
            scope: "tickets.delete_ticket".parse().unwrap(),
            call: None,
            by: StepUp::Approval,
            quorum: Default::default(),
            reason: "a spill".into(),
            requested_at: Timestamp::from_seconds(100),
            decide_before: Timestamp::from_seconds(1_000),
            lasts: Span::from_minutes(5),
            max_uses: 1,
            ends_with: model::EndsWith::default(),
            stage,
        }
    }

    fn decided(at: i64) -> Decided {
        Decided { by: "bob".into(), at: Timestamp::from_seconds(at) }
    }

    fn approved(at: i64) -> Stage {
        Stage::Ended(Some(Approval { decided: decided(at), not_after: Timestamp::from_seconds(400), uses: 1 }))
    }

    #[test]
    fn each_request_counts_once_and_the_median_is_of_decisions_alone() {
        let all = [approved(110), approved(130), Stage::Denied(decided(190)), Stage::Requested, Stage::Ended(None)];
        let all: Vec<_> = all.into_iter().map(asked).collect();
        let counted = Deciding::of(&all, Timestamp::from_seconds(500));
        let median = Some(Span::from_seconds(30));
        assert_eq!(counted, Deciding { approved: 2, denied: 1, lapsed: 1, waiting: 1, median });
        assert_eq!(counted.approved_of_hundred(), Some(66));
        let later = Deciding::of(&all, Timestamp::from_seconds(1_000));
        assert_eq!((later.waiting, later.lapsed), (0, 2));
        assert_eq!((Deciding::default().approved_of_hundred(), Deciding::default().median), (None, None));
    }
}
