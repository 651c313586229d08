//! Which hosts' metadata documents are accepted.

/// The first of `clients.metadata_domains` that names `host`, or `authority`: the host with its port, where one is written.
///
/// `*` is any host, `*.acme.example` every host below that domain but not the domain itself.
pub fn accepting<'p>(patterns: &'p [String], host: &str, authority: &str) -> Option<&'p str> {
    let mut patterns = patterns.iter().map(String::as_str);
    patterns.find(|pattern| match pattern.strip_prefix('*') {
        Some("") => true,
        Some(suffix) => suffix.starts_with('.') && host.len() > suffix.len() && host.ends_with(suffix),
        None => *pattern == host || *pattern == authority,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, host: &str) -> bool {
        accepting(&[pattern.to_owned()], host, &format!("{host}:8443")).is_some()
    }

    #[test]
    fn a_domain_is_named_exactly_or_by_a_star_for_what_is_below_it() {
        assert!(fits("claude.ai", "claude.ai") && fits("*.acme.example", "a.b.acme.example"));
        assert!(fits("*", "anything.test") && fits("claude.ai:8443", "claude.ai"));
    }

    #[test]
    fn a_domain_that_only_looks_alike_is_refused() {
        assert!(!fits("claude.ai", "notclaude.ai") && !fits("claude.ai", "claude.ai.evil.test"));
        assert!(!fits("*.acme.example", "acme.example") && !fits("*.acme.example", "evilacme.example"));
        assert!(!fits("*acme.example", "evilacme.example") && !fits("claude.ai:1", "claude.ai"));
        assert_eq!(accepting(&[], "claude.ai", "claude.ai"), None);
    }
}
