//! From the name a client gives itself to a word for its agent's id.

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

    #[test]
    fn a_slug_is_short_plain_and_never_empty() {
        assert_eq!(slug("Claude Code"), "claude-code");
        assert_eq!(slug("../..//"), "agent");
        assert_eq!(slug("Ünï x"), "n-x");
        assert!(slug(&"ab ".repeat(50)).len() <= 40);
    }
}
