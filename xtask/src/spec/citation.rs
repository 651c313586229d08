//! What a `Spec:` line cites.

use std::cmp::Ordering;

/// A section of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// `RFC 7636`, `MCP 2026-07-28`, `C2SP tlog-tiles`.
    pub document: String,
    /// `§4.6`, a title, or nothing for the whole document.
    pub section: String,
}

/// The citations in the text after `Spec:`.
pub fn parse(text: &str) -> Vec<Citation> {
    let mut citations: Vec<Citation> = Vec::new();
    for part in parts(&first_sentence(&without_remarks(text))) {
        let (document, section) = split(&part);
        let document = match (document.as_str(), citations.last_mut()) {
            ("", None) => continue,
            ("", Some(last)) if last.section.is_empty() => {
                last.section = section.to_owned();
                continue;
            }
            ("", Some(last)) => last.document.clone(),
            (document, _) => document.to_owned(),
        };
        citations.push(Citation { document, section: section.to_owned() });
    }
    citations
}

fn without_remarks(text: &str) -> String {
    let mut depth = 0;
    let keep = |c: &char| {
        match c {
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                return false;
            }
            _ => {}
        }
        depth == 0
    };
    text.chars().filter(keep).collect()
}

fn first_sentence(text: &str) -> String {
    let end = text.find(". ").into_iter().chain(text.find(": ")).min().unwrap_or(text.len());
    text[..end].trim().trim_end_matches('.').to_owned()
}

fn parts(text: &str) -> Vec<String> {
    let text = text.replace(" and ", ", ");
    let parts = text.split([',', ';']).map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    parts.filter(|part| !part.is_empty()).collect()
}

/// The document (empty: the one named before) and the section.
fn split(part: &str) -> (String, &str) {
    // A bare date is another revision of MCP: `MCP 2026-07-28 and 2025-11-25 schemas`.
    if part.starts_with("20") && part.as_bytes().get(4) == Some(&b'-') {
        let (revision, section) = part.split_once(' ').unwrap_or((part, ""));
        return (format!("MCP {revision}"), section);
    }
    let Some(start) = DOCUMENTS.iter().filter_map(|start| part.find(start)).min() else {
        return (String::new(), part);
    };
    let part = &part[start..];
    if let Some(page) = part.strip_prefix("MCP ") {
        // The pages of a revision are its sections, and pages are named without one, too.
        return if page.starts_with("20") { split(page) } else { ("MCP".to_owned(), page) };
    }
    match part.find('§').or_else(|| part.find("Appendix")) {
        Some(at) => (part[..at].trim().to_owned(), &part[at..]),
        None => (part.to_owned(), ""),
    }
}

/// How the name of a document begins; anything else is the title of a section.
const DOCUMENTS: &[&str] = &[
    "RFC ", "draft-", "MCP ", "OAuth ", "OpenID ", "C2SP ", "FIPS ", "NIST ", "OWASP", "WHATWG ", "W3C ", "Cedar",
    "SEP-",
];

/// By document, numbers as numbers, then by section: §4.2 before §4.10, RFC 6749 before RFC 10000.
impl Ord for Citation {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |citation: &Self| (numbers(&citation.document), numbers(&citation.section));
        key(self).cmp(&key(other)).then_with(|| (&self.document, &self.section).cmp(&(&other.document, &other.section)))
    }
}

impl PartialOrd for Citation {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Text cut at its numbers, so that they compare by value.
fn numbers(text: &str) -> Vec<(String, u64)> {
    let mut cut = vec![(String::new(), 0_u64)];
    let mut in_number = false;
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            if let Some((_, number)) = cut.last_mut() {
                *number = number.saturating_mul(10).saturating_add(u64::from(digit));
            }
            in_number = true;
        } else {
            if in_number {
                cut.push((String::new(), 0));
                in_number = false;
            }
            if let Some((word, _)) = cut.last_mut() {
                word.push(c);
            }
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text).into_iter().map(|citation| (citation.document, citation.section)).collect()
    }

    #[test]
    fn a_line_names_documents_and_sections() {
        for (text, expected) in [
            ("RFC 7636 §4.6", &[("RFC 7636", "§4.6")][..]),
            (
                "RFC 6962 §2.1.1, §2.1.2; RFC 9162 §2.1.3.2.",
                &[("RFC 6962", "§2.1.1"), ("RFC 6962", "§2.1.2"), ("RFC 9162", "§2.1.3.2")],
            ),
            ("OAuth 2.1 §4.1.1 and §4.1.3.", &[("OAuth 2.1", "§4.1.1"), ("OAuth 2.1", "§4.1.3")]),
            ("C2SP tlog-tiles, Merkle tree", &[("C2SP tlog-tiles", "Merkle tree")]),
            ("RFC 9068 §5 (an agent, not a person).", &[("RFC 9068", "§5")]),
            ("RFC 9068 §2.2. `grant_id` is ours: it helps.", &[("RFC 9068", "§2.2")]),
            ("MCP 2026-07-28 basic/authorization (scopes)", &[("MCP 2026-07-28", "basic/authorization")]),
            (
                "MCP 2026-07-28 and 2025-11-25 schemas, lifecycle",
                &[("MCP 2026-07-28", ""), ("MCP 2025-11-25", "schemas"), ("MCP 2025-11-25", "lifecycle")],
            ),
            (
                "MCP basic/authorization; rules of RFC 6750 §3.1",
                &[("MCP", "basic/authorization"), ("RFC 6750", "§3.1")],
            ),
            ("RFC 7636 Appendix B", &[("RFC 7636", "Appendix B")]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(d, s)| ((*d).to_owned(), (*s).to_owned())).collect();
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn sections_are_in_the_order_of_their_numbers() {
        let mut citations = parse("RFC 10000 §1, RFC 6749 §4.10, RFC 6749 §4.2");
        citations.sort();
        let order: Vec<_> = citations.iter().map(|citation| citation.section.as_str()).collect();
        assert_eq!(order, ["§4.2", "§4.10", "§1"]);
    }
}
