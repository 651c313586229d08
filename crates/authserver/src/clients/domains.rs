//! Which hosts' metadata documents are accepted.

/// Does `clients.metadata_domains` name `host` (or `host:port`)?
///
/// `*` is any host, `*.acme.example` every host below that domain but not the domain itself.
pub(super) fn allowed(patterns: &[String], host: &str, authority: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_prefix('*') {
        Some("") => true,
        Some(suffix) => suffix.starts_with('.') && host.len() > suffix.len() && host.ends_with(suffix),
        None => pattern == host || pattern == authority,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, host: &str) -> bool {
        allowed(&[pattern.to_owned()], host, &format!("{host}:8443"))
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
        assert!(!allowed(&[], "claude.ai", "claude.ai"));
    }
}
