//! The certificate: is it the one of the key, and until when is it good?

use base64::{Engine, prelude::BASE64_STANDARD};
use model::{Clock, Span, SystemClock, Timestamp, config::Config};

use super::finding::{Finding, failure, ok, warning};
use crate::node;

/// A renewal that did not happen so long before the end will not happen by itself.
const SOON: Span = Span::from_minutes(14 * 24 * 60);

pub fn findings(config: &Config) -> Vec<Finding> {
    let Some(files) = &config.tls else { return Vec::new() };
    if let Err(error) = node::certificate(config) {
        return vec![failure("tls", format!("{error:#}"))];
    }
    let text = std::fs::read_to_string(&files.certificate_file).unwrap_or_default();
    let file = files.certificate_file.display().to_string();
    let mut findings = vec![judged(first_validity(&text), SystemClock.now(), &file)];
    findings.extend(elsewhere(&text, config.public_url.authority(), &file));
    findings
}

/// The certificate is for other names than clients ask for.
///
/// Spec: RFC 6125 §6.4 (a star stands for one label)
fn elsewhere(pem: &str, authority: &str, file: &str) -> Option<Finding> {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_matches(['[', ']']);
    let names = first_names(pem)?;
    let fits = |name: &String| match name.strip_prefix("*.") {
        Some(domain) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain)),
        None => name.eq_ignore_ascii_case(host),
    };
    (!names.iter().any(fits)).then(|| {
        let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
        failure("tls", format!("{file} is for {names}, and not for {host}, which public_url says: clients refuse it"))
    })
}

fn judged(validity: Option<(Timestamp, Timestamp)>, now: Timestamp, file: &str) -> Finding {
    match validity {
        None => warning("tls", format!("{file}: from when to when it is good can not be read")),
        Some((from, _)) if now < from => failure("tls", format!("{file} is good from {from} only")),
        Some((_, until)) if until < now => {
            failure("tls", format!("{file} ran out at {until}; clients refuse it. Renew it"))
        }
        Some((_, until)) if until < now.after(SOON) => {
            warning("tls", format!("{file} runs out at {until}; SIGHUP reads a renewed one"))
        }
        Some((_, until)) => ok("tls", format!("{file} belongs to its key and is good until {until}")),
    }
}

/// From when to when the first certificate of a PEM file is good.
///
/// Spec: RFC 5280 §4.1.2.5
fn first_validity(pem: &str) -> Option<(Timestamp, Timestamp)> {
    let der = first_der(pem)?;
    let (_, certificate, _) = element(&der)?;
    let (_, mut rest, _) = element(certificate)?;
    // The version is there or not; then serial number, signature algorithm and issuer.
    if element(rest)?.0 == 0xa0 {
        rest = element(rest)?.2;
    }
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, validity, _) = element(rest)?;
    let (kind, from, rest) = element(validity)?;
    let (last, until, _) = element(rest)?;
    Some((time(kind, from)?, time(last, until)?))
}

fn first_der(pem: &str) -> Option<Vec<u8>> {
    let body = pem.split("-----BEGIN CERTIFICATE-----").nth(1)?.split("-----END").next()?;
    let text: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    BASE64_STANDARD.decode(text).ok()
}

/// The names and addresses that the first certificate of a PEM file is for; `None` when it can not be read.
///
/// Spec: RFC 5280 §4.2.1.6
fn first_names(pem: &str) -> Option<Vec<String>> {
    const ALTERNATIVE_NAMES: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x11];
    let der = first_der(pem)?;
    let Some(at) = der.windows(ALTERNATIVE_NAMES.len()).position(|window| window == ALTERNATIVE_NAMES) else {
        return Some(Vec::new());
    };
    let (tag, value) = match element(&der[at + ALTERNATIVE_NAMES.len()..])? {
        // It may be marked as critical.
        (0x01, _, rest) => element(rest).map(|(tag, value, _)| (tag, value))?,
        (tag, value, _) => (tag, value),
    };
    let (_, mut names, _) = element(value).filter(|_| tag == 0x04)?;
    let mut found = Vec::new();
    while !names.is_empty() {
        let (tag, name, after) = element(names)?;
        match (tag, name.len()) {
            (0x82, _) => found.push(String::from_utf8_lossy(name).into_owned()),
            (0x87, 4) => found.push(std::net::Ipv4Addr::from(<[u8; 4]>::try_from(name).ok()?).to_string()),
            (0x87, 16) => found.push(std::net::Ipv6Addr::from(<[u8; 16]>::try_from(name).ok()?).to_string()),
            _ => {}
        }
        names = after;
    }
    Some(found)
}

/// The first element of some DER: its tag, what is in it, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&short, mut rest) = rest.split_first()?;
    let mut length = usize::from(short);
    if short & 0x80 != 0 {
        let (digits, after) = rest.split_at_checked(usize::from(short & 0x7f))?;
        length =
            digits.iter().try_fold(0usize, |length, digit| length.checked_mul(256)?.checked_add((*digit).into()))?;
        rest = after;
    }
    let (inside, after) = rest.split_at_checked(length)?;
    Some((tag, inside, after))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        0x17 => text.split_at_checked(2)?,
        0x18 => text.split_at_checked(4)?,
        _ => return None,
    };
    if rest.len() != 10 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let year: i64 = year.parse().ok()?;
    let year = match (tag, year) {
        (0x17, 0..50) => 2000 + year,
        (0x17, _) => 1900 + year,
        _ => year,
    };
    let number = |at: usize| rest[at..at + 2].parse::<i64>().ok();
    let days = days_before(year, number(0)?, number(2)?)?;
    Some(Timestamp::from_seconds(((days * 24 + number(4)?) * 60 + number(6)?) * 60 + number(8)?))
}

/// Days from 1970-01-01 to that day of the Gregorian calendar.
fn days_before(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    Some(
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (month * 306 + 5) / 10 + day
            - 719_469,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        for (year, month, day, days) in
            [(1970, 1, 1, 0), (2000, 2, 29, 11_016), (2000, 3, 1, 11_017), (2026, 11, 26, 20_783), (2100, 3, 1, 47_541)]
        {
            assert_eq!(days_before(year, month, day), Some(days), "{year}-{month}-{day}");
        }
        assert_eq!(days_before(2026, 13, 1), None);
    }

    #[test]
    fn both_forms_of_a_time_are_read_and_others_are_none() {
        assert_eq!(time(0x17, b"700101000001Z"), Some(Timestamp::from_seconds(1)));
        assert_eq!(time(0x18, b"20000229000000Z"), Some(Timestamp::from_seconds(11_016 * 86_400)));
        for text in ["", "Z", "7001010000Z", "700101000001", "70010100000aZ", "701301000001Z"] {
            assert_eq!(time(0x17, text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_validity() {
        for text in
            ["", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----"]
        {
            assert_eq!(first_validity(text), None);
        }
        assert_eq!(element(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0]), None);
    }

    /// Field: O7
    #[test]
    fn a_certificate_for_other_names_than_clients_ask_for_fails() {
        let names = ["a.test", "*.b.test", "127.0.0.1", "::1"].map(str::to_owned);
        let pem = rcgen::generate_simple_self_signed(names).unwrap().cert.pem();
        for fits in ["a.test", "A.test:8443", "x.b.test", "127.0.0.1:8443", "[::1]:8443"] {
            assert!(elsewhere(&pem, fits, "f").is_none(), "{fits}");
        }
        for other in ["b.test", "x.y.b.test", "a.test.evil", "127.0.0.2", "[::2]:1"] {
            let said = elsewhere(&pem, other, "f").unwrap().says;
            assert!(said.contains("a.test, *.b.test, 127.0.0.1, ::1"), "{other}: {said}");
        }
        assert!(elsewhere("nothing", "a.test", "f").is_none(), "what can not be read is another finding");
    }

    /// Field: O7
    #[test]
    fn a_certificate_that_is_over_fails_and_one_that_soon_is_warns() {
        use super::super::finding::Grade;
        let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        let (from, until) = first_validity(&made.cert.pem()).expect("a certificate");
        let grade = |now: Timestamp| judged(Some((from, until)), now, "f").grade;
        let second = |at: Timestamp, add: i64| Timestamp::from_seconds(at.seconds() + add);
        assert_eq!(grade(second(from, -1)), Grade::Failure);
        assert_eq!(grade(second(from, 1)), Grade::Ok);
        assert_eq!(grade(second(until, -60)), Grade::Warning);
        assert_eq!(grade(second(until, 1)), Grade::Failure);
    }
}
