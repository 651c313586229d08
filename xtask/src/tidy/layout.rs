//! Files that a newcomer is not afraid of.

use super::Complaint;
use crate::source::Source;

/// The most lines a file may have, its tests included.
const LONGEST: usize = 450;

pub fn check(sources: &[Source]) -> Vec<Complaint> {
    sources
        .iter()
        .filter(|source| source.is_src())
        .flat_map(|source| [too_long(source), undocumented(source)])
        .flatten()
        .collect()
}

fn too_long(source: &Source) -> Option<Complaint> {
    let lines = source.text.lines().count();
    (lines > LONGEST).then(|| Complaint {
        path: source.path.clone(),
        line: LONGEST + 1,
        rule: "a file is one idea",
        advice: format!("it has {lines} lines, {LONGEST} are allowed; split it by ideas, or move its tests to a file"),
    })
}

fn undocumented(source: &Source) -> Option<Complaint> {
    let root = source.path.ends_with("/src/lib.rs") || source.path.ends_with("/src/main.rs");
    (root && !source.text.starts_with("//!")).then(|| Complaint {
        path: source.path.clone(),
        line: 1,
        rule: "a crate says what it is",
        advice: "begin the file with `//!` and a sentence".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: String) -> usize {
        check(&[Source { path: path.into(), text }]).len()
    }

    #[test]
    fn a_long_file_and_a_crate_without_a_sentence_are_found() {
        assert_eq!(count("crates/x/src/a.rs", "a\n".repeat(LONGEST)), 0);
        assert_eq!(count("crates/x/src/a.rs", "a\n".repeat(LONGEST + 1)), 1);
        assert_eq!(count("crates/x/src/lib.rs", "//! What it is.\n".into()), 0);
        assert_eq!(count("crates/x/src/lib.rs", "mod a;\n".into()), 1);
    }
}
