//! Names and texts that a careless reader takes for others.

use super::malformed::Cause;

/// `Method` and `paramſ` are other members to us and the same members to a reader that ignores case.
///
/// CVE-2026-27896: a reader folded case down to U+017F and U+212A.
pub(super) fn refuse_folded(name: &str, known: &[&'static str]) -> Result<(), Cause> {
    // No two known names are the same but for case, so one that is known is nothing else.
    if known.contains(&name) {
        return Ok(());
    }
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    let is_folded = |known: &&&str| match name.is_ascii() {
        true => name.eq_ignore_ascii_case(known),
        false => name.chars().map(fold).eq(known.chars().map(fold)),
    };
    match known.iter().find(is_folded) {
        Some(known) => Err(Cause::Folded(known)),
        None => Ok(()),
    }
}

/// No control character, at which a reader could end the text.
pub(super) fn is_plain(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_control())
}
