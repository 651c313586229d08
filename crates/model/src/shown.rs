//! Text that others chose, made safe to read.
//!
//! The template escapes markup. What is left are characters that make a text look like another one:
//! controls, direction overrides, and marks without width.
//!
//! Spec: Unicode TR 36 §3 (bidirectional text spoofing).

/// `text` without control and format characters, spaces collapsed, at most `longest` characters.
pub fn shown(text: &str, longest: usize) -> String {
    let visible: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_format(*c)).collect();
    let words = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= longest {
        return words;
    }
    words.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

/// Is it a character that nobody sees, and a program does? White space that ends a line or a word is none.
pub fn is_hidden(c: char) -> bool {
    is_format(c) || (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// `text` with each character that nobody would see written out: `[U+200B]`.
pub fn revealed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            out.push_str(&format!("[U+{:04X}]", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// The general category Cf, as far as it can mislead, and the variation selectors.
const fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_can_not_look_like_another_one() {
        assert_eq!(shown("pay\u{202e}lap\u{202c} now", 80), "paylap now");
        assert_eq!(shown("a\u{200b}b\u{feff}\r\n\tc\0d", 80), "ab c d");
        assert_eq!(shown(" \u{3164} ", 80), "");
    }

    #[test]
    fn other_writing_is_left_alone() {
        assert_eq!(shown("Größe 数量 كمية", 80), "Größe 数量 كمية");
    }

    #[test]
    fn what_nobody_would_see_can_be_written_out() {
        assert_eq!(revealed("a\u{200b}b\n\u{202e}c\u{1b}[0m"), "a[U+200B]b\n[U+202E]c[U+001B][0m");
        assert_eq!(revealed("Größe 数量"), "Größe 数量");
    }

    #[test]
    fn an_endless_text_ends() {
        assert_eq!(shown(&"x".repeat(1_000), 10).chars().count(), 10);
    }
}
