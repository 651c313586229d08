//! A number by the digits that were sent, so that nothing is rounded on the way to a policy.

/// Is that a number from zero on that is `most` or less? What can not be told exactly, to four places, is not.
pub fn is_at_most(number: &str, most: &str) -> bool {
    let scaled = |text| Exact::of(text).and_then(|number| number.scaled(4));
    matches!((scaled(number), scaled(most)), (Some(number), Some(most)) if (0..=most).contains(&number))
}

/// A number: its digits without zeros before and behind, times a power of ten.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exact<'t> {
    is_negative: bool,
    whole: &'t str,
    fraction: &'t str,
    exponent: i64,
}

impl<'t> Exact<'t> {
    /// Of a number in JSON.
    pub(crate) fn of(text: &'t str) -> Option<Self> {
        let (is_negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (number, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !are_digits(whole) || !are_digits(fraction) {
            return None;
        }
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !are_digits(digits) {
            return None;
        }
        // One that does not fit is as good as endless.
        let size = digits.parse::<i64>().unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        let exponent = if exponent.starts_with('-') { -size } else { size };
        Some(Self { is_negative, whole, fraction, exponent })
    }

    /// The number times ten to the power of `places`, when that is whole and fits.
    pub(crate) fn scaled(&self, places: i64) -> Option<i64> {
        let digits: Vec<u8> = self.whole.bytes().chain(self.fraction.bytes()).map(|byte| byte - b'0').collect();
        let first = digits.iter().position(|digit| *digit != 0);
        let last = digits.iter().rposition(|digit| *digit != 0);
        let (Some(first), Some(last)) = (first, last) else { return Some(0) };
        // What the last of these digits stands for.
        let behind = i64::try_from(digits.len() - 1 - last).ok()? - i64::try_from(self.fraction.len()).ok()?;
        let power = behind.checked_add(self.exponent)?.checked_add(places)?;
        let length = i64::try_from(last - first + 1).ok()?;
        if power < 0 || length.checked_add(power)? > 19 {
            return None;
        }
        let number = digits[first..=last].iter().fold(0_i128, |number, digit| number * 10 + i128::from(*digit));
        let number = number * 10_i128.pow(u32::try_from(power).ok()?);
        i64::try_from(if self.is_negative { -number } else { number }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(text: &str, places: i64) -> Option<i64> {
        Exact::of(text).unwrap().scaled(places)
    }

    /// Spec: JSON Schema 2020-12 validation §6.1.1 (a number with a fraction of zero is an integer)
    #[test]
    fn a_whole_number_is_whole_however_it_is_written() {
        for text in ["100", "100.0", "1e2", "1E+2", "1000e-1", "0.1e3", "100.000"] {
            assert_eq!(scaled(text, 0), Some(100), "{text}");
        }
        for text in ["0", "-0", "0.0", "0e999999999999999999999", "-0.000e-5"] {
            assert_eq!(scaled(text, 0), Some(0), "{text}");
        }
        assert_eq!(scaled("9223372036854775807", 0), Some(i64::MAX));
        assert_eq!(scaled("-9223372036854775808", 0), Some(i64::MIN));
    }

    #[test]
    fn what_is_not_whole_or_does_not_fit_is_none_and_nothing_is_rounded() {
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "1.5",
            "1e-1",
            "0.0000000000000000000000000001",
            "1e400",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "9007199254740993.5",
        ] {
            assert_eq!(scaled(text, 0), None, "{text}");
        }
    }

    #[test]
    fn four_places_are_exact_or_nothing() {
        for (text, expected) in [
            ("0.1", Some(1_000)),
            ("-12.3456", Some(-123_456)),
            ("12.34560", Some(123_456)),
            ("12.34567", None),
            ("922337203685477.5807", Some(i64::MAX)),
            ("922337203685477.5808", None),
        ] {
            assert_eq!(scaled(text, 4), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", "-", "true", "\"1\"", ".5", "1e", "1e+", "NaN", "0x10", "1 2"] {
            assert_eq!(Exact::of(text), None, "{text}");
        }
    }
}
