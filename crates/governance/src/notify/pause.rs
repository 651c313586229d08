//! How long a receiver that did not take a message is left alone.

use crypto::Digest;
use model::Span;

/// The first pause.
const FIRST: u64 = 2;
/// No pause is longer, whatever a receiver wants.
const LONGEST: u64 = 3_600;

/// The pause after the try number `attempts` (the first is 0) of the message `id`, and no shorter than its receiver asked for,
/// within bounds.
///
/// It doubles, and differs by up to a fifth from one message to the next, so that those which failed together do not come
/// together again. By the id and not by chance: the same every time that it is asked for.
pub fn after(id: &str, attempts: u32, retry_after: Option<u64>) -> Span {
    let doubled = FIRST.saturating_mul(1 << attempts.min(16)).min(LONGEST);
    let [high, low, ..] = *Digest::of(&format!("{id}/{attempts}")).bytes();
    let share = u64::from(u16::from_be_bytes([high, low]));
    // From four fifths to six fifths.
    let spread = doubled * 4 / 5 + doubled * 2 * share / (5 * u64::from(u16::MAX));
    let asked = retry_after.unwrap_or_default();
    let seconds = spread.max(asked).min(LONGEST);
    Span::from_seconds(u32::try_from(seconds).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: W8
    #[test]
    fn pauses_grow_to_an_hour_and_differ_from_message_to_message() {
        for (attempts, least, most) in [(0, 1, 2), (2, 6, 9), (5, 51, 76), (9, 819, 1_228), (60, 2_880, 3_600)] {
            let pauses: Vec<u64> = (0..50).map(|n| after(&format!("msg_{n}"), attempts, None).seconds()).collect();
            assert!(pauses.iter().all(|pause| (least..=most).contains(pause)), "{attempts}: {pauses:?}");
            assert!(attempts == 0 || pauses.iter().any(|pause| *pause != pauses[0]), "{attempts}: all the same");
        }
        assert_eq!(after("msg_1", 3, None), after("msg_1", 3, None));
    }

    /// Spec: RFC 9110 §10.2.3
    /// Field: W8
    #[test]
    fn a_receiver_may_ask_for_more_and_not_for_ever() {
        assert_eq!(after("msg_1", 0, Some(120)).seconds(), 120);
        assert_eq!(after("msg_1", 0, Some(u64::MAX)).seconds(), 3_600);
        assert!(after("msg_1", 5, Some(1)).seconds() >= 51, "nor for less");
    }
}
