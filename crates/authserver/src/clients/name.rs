//! A name that somebody else chose, made fit to be shown.

/// `text` without control, formatting and direction characters, white space folded, at most `longest` characters.
///
/// A name that hides or turns text could make one client look like another on the consent page.
///
/// Spec: Unicode UTS #39 (security mechanisms)
pub(crate) fn shown(text: &str, longest: usize) -> String {
    let visible: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !hides(*c)).collect();
    let folded = visible.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    folded.chars().take(longest).collect::<String>().trim_end().to_owned()
}

/// Controls, and what changes the look of a text without being seen (Unicode Cc, Cf, and invisible fillers).
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{115f}' | '\u{1160}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A lower-case word for an id: `Claude Code` becomes `claude-code`; `agent` when nothing is left.
pub(crate) fn slug(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let words = plain.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let short: String = words.chars().take(40).collect();
    if short.is_empty() { "agent".into() } else { short.trim_end_matches('-').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: Unicode UTS #39 (security mechanisms)
    #[test]
    fn a_name_can_not_hide_or_turn_text() {
        assert_eq!(shown("Claude\u{202e}edoC\u{200b}\r\n  x", 64), "ClaudeedoC x");
        assert_eq!(shown("\u{feff}\u{2066}", 64), "");
        assert_eq!(shown(&"a".repeat(99), 64).len(), 64);
        assert_eq!(shown("Größe <b>", 64), "Größe <b>");
    }

    #[test]
    fn a_slug_is_short_plain_and_never_empty() {
        assert_eq!(slug("Claude Code"), "claude-code");
        assert_eq!(slug("../..//"), "agent");
        assert_eq!(slug("Ünï x"), "n-x");
        assert!(slug(&"ab ".repeat(50)).len() <= 40);
    }
}
