//! Times as people say them.

use model::{Span, Timestamp};

/// A point in time on a page: how far away it is, and exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// `3 min ago`, `in 4 min`.
    pub far: String,
    /// RFC 3339.
    pub exact: String,
}

/// `at`, as seen at `now`.
pub fn when(now: Timestamp, at: Timestamp) -> When {
    let far = match (at.seconds_until(now), now.seconds_until(at)) {
        (0, 0) => "just now".to_owned(),
        (0, ahead) => format!("in {}", rough(ahead)),
        (behind, _) => format!("{} ago", rough(behind)),
    };
    When { far, exact: at.to_string() }
}

/// A length of time in words: `5 min`.
pub fn long(span: Span) -> String {
    rough(span.seconds())
}

fn rough(seconds: u64) -> String {
    match seconds {
        60 => "1 min".to_owned(),
        0..=90 => format!("{seconds} s"),
        91..=5_400 => format!("{} min", (seconds + 30) / 60),
        5_401..=129_600 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_the_way_people_say_it() {
        let now = Timestamp::from_seconds(1_000_000);
        for (at, said) in [
            (1_000_000, "just now"),
            (999_970, "30 s ago"),
            (1_000_290, "in 5 min"),
            (992_800, "2 h ago"),
            (1_000_000 + 90 * 86_400, "in 90 days"),
        ] {
            assert_eq!(when(now, Timestamp::from_seconds(at)).far, said);
        }
    }
}
