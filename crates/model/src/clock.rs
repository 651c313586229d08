//! Time, as a value and as a dependency.
//!
//! Only this file reads the clock of the machine. Everything else is handed a
//! [`Clock`], so tests move time by hand and nothing ever sleeps to wait for it.

use std::{
    fmt,
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since the Unix epoch, as JWTs carry them (RFC 7519 §2 `NumericDate`).
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This point plus `span`; saturates at the end of time.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add((span.seconds() as i64).saturating_mul(1_000_000)))
    }

    /// This point less `span`; saturates at the beginning of time.
    #[must_use]
    pub const fn before(self, span: Span) -> Self {
        Self(self.0.saturating_sub((span.seconds() as i64).saturating_mul(1_000_000)))
    }

    /// Seconds from `self` until `later`, rounded down; zero when `later` is past.
    pub const fn seconds_until(self, later: Self) -> u64 {
        let micros = later.0.saturating_sub(self.0);
        if micros <= 0 { 0 } else { (micros / 1_000_000) as u64 }
    }
}

/// RFC 3339 in UTC with whole seconds, for people.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.seconds()) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "{}s", self.seconds()),
        }
    }
}

/// A length of time in whole seconds.
///
/// Written in configuration as a number of seconds or as `90s`, `10m`, `8h`, `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u64", try_from = "SpanText")]
pub struct Span(u32);

impl Span {
    /// `seconds` seconds.
    pub const fn from_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// `minutes` minutes.
    pub const fn from_minutes(minutes: u32) -> Self {
        Self(minutes * 60)
    }

    /// Whole seconds.
    pub const fn seconds(self) -> u64 {
        self.0 as u64
    }

    /// As the standard library's duration.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

impl From<Span> for u64 {
    fn from(span: Span) -> Self {
        span.seconds()
    }
}

/// The biggest unit that divides the span evenly: `10m`, `90s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
            if self.0 != 0 && self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}s", self.0)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SpanText {
    Seconds(u32),
    Text(String),
}

impl TryFrom<SpanText> for Span {
    type Error = String;

    fn try_from(text: SpanText) -> Result<Self, String> {
        let text = match text {
            SpanText::Seconds(seconds) => return Ok(Self(seconds)),
            SpanText::Text(text) => text,
        };
        let expected = || "not a length of time; write seconds, or `90s`, `10m`, `8h`, `30d`".to_owned();
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (count, unit) = text.split_at(split);
        let count: u32 = count.parse().map_err(|_| expected())?;
        let size = match unit {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(expected()),
        };
        count.checked_mul(size).map(Self).ok_or_else(expected)
    }
}

impl schemars::JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A length of time: seconds, or 90s, 10m, 8h, 30d.",
            "oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+[smhd]?$"}]
        })
    }
}

/// Where the present comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Does it show the time of the world, so that it can be compared with the clock of another machine?
    fn is_wall(&self) -> bool {
        false
    }
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }

    fn is_wall(&self) -> bool {
        true
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    is_wall: AtomicBool,
}

impl ManualClock {
    /// Standing at `now`.
    pub const fn at(now: Timestamp) -> Self {
        Self { now: AtomicI64::new(now.0), is_wall: AtomicBool::new(false) }
    }

    /// Stands at `now` from here, also when that is earlier.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.0, Ordering::SeqCst);
    }

    /// Moves on by `span`.
    pub fn advance(&self, span: Span) {
        self.now.fetch_add(span.seconds() as i64 * 1_000_000, Ordering::SeqCst);
    }

    /// Goes back by `span`, as the clock of a machine that was set. From then on it is taken for one.
    pub fn set_back(&self, span: Span) {
        self.now.fetch_sub(span.seconds() as i64 * 1_000_000, Ordering::SeqCst);
        self.is_wall.store(true, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn is_wall(&self) -> bool {
        self.is_wall.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(json: &str) -> Result<Span, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn a_span_is_seconds_or_a_number_with_a_unit() {
        assert_eq!(span("90").unwrap(), Span::from_seconds(90));
        assert_eq!(span("\"10m\"").unwrap(), Span::from_minutes(10));
        assert_eq!(span("\"8h\"").unwrap().to_string(), "8h");
        assert_eq!(span("\"90s\"").unwrap().to_string(), "90s");
    }

    #[test]
    fn a_span_of_another_shape_is_refused_with_the_shapes_that_work() {
        for bad in ["\"soon\"", "\"10 m\"", "\"\"", "\"m\"", "\"99999999999d\"", "-1", "1.5"] {
            assert!(span(bad).is_err(), "{bad}");
        }
        assert!(span("\"soon\"").unwrap_err().to_string().contains("10m"));
    }

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = ManualClock::at(Timestamp::from_seconds(100));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Span::from_seconds(5));
        assert_eq!(clock.now().seconds(), 105);
    }
}
