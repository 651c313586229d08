//! Comments cite what every reader can look up, not our working papers.

use super::Complaint;
use crate::source::Source;

/// Names of papers that are not in the repository.
const PAPERS: &[&str] = &["threat", "threats", "requirement", "requirements"];

pub fn check(sources: &[Source]) -> Vec<Complaint> {
    sources.iter().flat_map(in_one).collect()
}

fn in_one(source: &Source) -> Vec<Complaint> {
    let lines = source.text.lines().enumerate().filter(|(_, line)| line.contains("//"));
    let found = lines.filter_map(|(number, line)| cited(line).map(|words| (number + 1, words)));
    let complaint = |(line, words)| Complaint {
        path: source.path.clone(),
        line,
        rule: "a comment cites public documents",
        advice: format!("found `{words}`; name the RFC or page, or say the attack in words"),
    };
    found.map(complaint).collect()
}

/// `threats A1.5`, `requirements §8.2`, `requirements AS-TOK-06`: a paper, then a number of its own.
fn cited(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.windows(2).find_map(|pair| {
        let paper = pair[0].trim_start_matches('(').to_lowercase();
        let numbered = pair[1].starts_with('§') || pair[1].contains(|c: char| c.is_ascii_digit()) || is_code(pair[1]);
        (PAPERS.contains(&paper.as_str()) && numbered).then(|| pair.join(" "))
    })
}

/// Two capitals and a dash.
fn is_code(word: &str) -> bool {
    let mut chars = word.chars();
    let capital = |c: Option<char>| c.is_some_and(|c| c.is_ascii_uppercase());
    capital(chars.next()) && capital(chars.next()) && chars.next() == Some('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_our_papers_are_found_and_plain_words_are_not() {
        for bad in [
            "//! Spec: RFC 1 §2; threats A1.18 (x)",
            "/// requirements §8.2",
            "// requirements WL-CC",
            "// (threat A5)",
        ] {
            assert!(cited(bad).is_some(), "{bad}");
        }
        for good in ["/// requirements of RFC 6750", "// the threat is old", "/// (consent UI requirements); OAuth 2.1"]
        {
            assert!(cited(good).is_none(), "{good}");
        }
    }
}
