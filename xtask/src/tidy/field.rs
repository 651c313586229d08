//! `docs/field.md`: every report that was tried names the test that holds the right answer, and every such test has
//! its row.

use std::{collections::BTreeMap, fs};

use anyhow::Context as _;

use super::Complaint;
use crate::source::Source;

const PAGE: &str = "docs/field.md";

pub fn check(sources: &[Source]) -> anyhow::Result<Vec<Complaint>> {
    let page = fs::read_to_string(PAGE).context(PAGE)?;
    Ok(compare(&rows(&page), &tests(sources)))
}

/// A row: its line, its id, and the tests it names as `path::function`.
struct Row<'p> {
    line: usize,
    id: &'p str,
    tests: Vec<&'p str>,
}

/// The rows of the tables whose first cell is an id.
fn rows(page: &str) -> Vec<Row<'_>> {
    page.lines()
        .enumerate()
        .filter_map(|(number, line)| {
            let mut cells = line.strip_prefix('|')?.trim_end().strip_suffix('|')?.split('|').map(str::trim);
            let id = cells.next().filter(|id| is_id(id))?;
            let tests =
                cells.next_back()?.split(['`', ' ', ',', '<', '>']).filter(|word| word.contains("::")).collect();
            Some(Row { line: number + 1, id, tests })
        })
        .collect()
}

/// A letter and a number: `G1`, `S13`.
fn is_id(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next().is_some_and(|c| c.is_ascii_uppercase())
        && !characters.as_str().is_empty()
        && characters.as_str().bytes().all(|byte| byte.is_ascii_digit())
}

/// The ids that each test function claims in a `Field:` line of its documentation, with the line.
fn tests(sources: &[Source]) -> BTreeMap<String, (usize, Vec<String>)> {
    let mut found = BTreeMap::new();
    for source in sources {
        let mut claimed: Option<(usize, Vec<String>)> = None;
        for (number, line) in source.text.lines().enumerate() {
            let line = line.trim();
            if let Some(ids) = line.strip_prefix("/// Field: ") {
                claimed = Some((number + 1, ids.split(',').map(|id| id.trim().to_owned()).collect()));
            } else if let Some(name) = function(line)
                && let Some(claimed) = claimed.take()
            {
                found.insert(format!("{}::{name}", source.path), claimed);
            } else if !line.starts_with("//") && !line.starts_with("#[") {
                claimed = None;
            }
        }
    }
    found
}

fn function(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

fn compare(rows: &[Row<'_>], tests: &BTreeMap<String, (usize, Vec<String>)>) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut say = |path: &str, line, advice: String| {
        complaints.push(Complaint { path: path.into(), line, rule: "reports and their tests name each other", advice });
    };
    for (at, row) in rows.iter().enumerate() {
        if rows[..at].iter().any(|earlier| earlier.id == row.id) {
            say(PAGE, row.line, format!("{} has a row already", row.id));
        }
        if row.tests.is_empty() {
            say(PAGE, row.line, format!("{} names no test as `path::function` in its last cell", row.id));
        }
        for test in &row.tests {
            match tests.get(*test) {
                Some((_, ids)) if ids.iter().any(|id| id == row.id) => {}
                Some(_) => say(PAGE, row.line, format!("`{test}` has no `Field: {}` in its documentation", row.id)),
                None => say(PAGE, row.line, format!("there is no test `{test}` with a `Field:` line")),
            }
        }
    }
    for (test, (line, ids)) in tests {
        let path = test.split("::").next().unwrap_or_default();
        for id in ids.iter().filter(|id| !rows.iter().any(|row| row.id == id.as_str())) {
            say(path, *line, format!("`{id}` has no row in {PAGE}"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests_of_the_check {
    use super::*;

    const SOURCE: &str = "/// It holds.\n///\n/// Field: G1, G2\n#[tokio::test]\nasync fn a_call_ends() {}\n\n/// Field: S1\nstruct No;\nfn other() {}\n";

    fn complaints(page: &str) -> Vec<String> {
        let source = Source { path: "crates/x/tests/a.rs".into(), text: SOURCE.into() };
        compare(&rows(page), &tests(&[source])).into_iter().map(|complaint| complaint.advice).collect()
    }

    #[test]
    fn a_page_that_names_every_test_and_only_those_is_fine() {
        let page = "| id | report | here | test |\n|---|---|---|---|\n| G1 | a | b | `crates/x/tests/a.rs::a_call_ends` |\n| G2 | a | b | `crates/x/tests/a.rs::a_call_ends` |\n";
        assert_eq!(complaints(page), [] as [&str; 0]);
    }

    #[test]
    fn what_is_missing_on_either_side_is_named() {
        let row = |id: &str, test: &str| format!("| {id} | a | b | {test} |\n");
        let both = row("G1", "`crates/x/tests/a.rs::a_call_ends`") + &row("G2", "`crates/x/tests/a.rs::a_call_ends`");
        for (more, expected) in [
            (row("G1", "`crates/x/tests/a.rs::a_call_ends`"), "G1 has a row already"),
            (row("G3", "none"), "G3 names no test"),
            (row("G3", "`crates/x/tests/a.rs::nothing`"), "there is no test"),
            (row("G3", "`crates/x/tests/a.rs::a_call_ends`"), "has no `Field: G3`"),
        ] {
            let complaints = complaints(&format!("{both}{more}"));
            assert!(matches!(complaints.as_slice(), [one] if one.contains(expected)), "{complaints:?}");
        }
        assert_eq!(complaints("").len(), 2);
    }
}
