//! `cargo xtask spec`: which section of which standard lives where, and what tests it.
//!
//! `Spec:` lines in the documentation of files, functions, types and tests are gathered into
//! `docs/spec-map.md`. A line names documents and sections: `Spec: RFC 7636 §4.6, §4.1; RFC 8707 §2`.
//! A section without a number is written by its title after a comma. Remarks go in parentheses.

mod citation;
mod item;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use anyhow::bail;

use crate::{Command, source::sources};
use citation::Citation;
use item::Item;

pub const COMMAND: Command =
    Command { name: "spec", what: "write docs/spec-map.md; --check: fail when it is stale", run };

const MAP: &str = "docs/spec-map.md";

fn run(arguments: &[String]) -> anyhow::Result<()> {
    let map = written(&gathered()?);
    let stored = fs::read_to_string(MAP).unwrap_or_default();
    match arguments {
        [] => Ok(fs::write(MAP, map)?),
        [flag] if flag == "--check" && map == stored => Ok(()),
        [flag] if flag == "--check" => bail!("{MAP} is stale; run `cargo xtask spec` and commit it"),
        _ => bail!("usage: cargo xtask spec [--check]"),
    }
}

/// Where one section lives, and what tests it.
#[derive(Default)]
struct Places {
    code: BTreeSet<String>,
    tests: BTreeSet<String>,
}

fn gathered() -> anyhow::Result<BTreeMap<Citation, Places>> {
    let mut map: BTreeMap<Citation, Places> = BTreeMap::new();
    for source in sources()? {
        for Item { name, is_test, cites } in item::items(&source) {
            let shown = source.path.trim_start_matches("crates/");
            let link = match name {
                Some(name) => format!("[`{name}`](../{}) ({shown})", source.path),
                None => format!("[{shown}](../{})", source.path),
            };
            for citation in citation::parse(&cites) {
                let places = map.entry(citation).or_default();
                if is_test { &mut places.tests } else { &mut places.code }.insert(link.clone());
            }
        }
    }
    Ok(map)
}

fn written(map: &BTreeMap<Citation, Places>) -> String {
    let mut text = "# Spec map\n\n\
        Made by `cargo xtask spec` from the `Spec:` lines in the code; do not edit.\n\
        An empty cell is work to do: a rule without a place, or without a test of its own.\n"
        .to_owned();
    let mut document = None;
    for (citation, places) in map {
        if document != Some(&citation.document) {
            document = Some(&citation.document);
            let _ = write!(text, "\n## {}\n\n| section | code | tests |\n|---|---|---|\n", citation.document);
        }
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join("<br>");
        let section = if citation.section.is_empty() { "(the whole)" } else { &citation.section };
        let _ = writeln!(text, "| {section} | {} | {} |", list(&places.code), list(&places.tests));
    }
    text
}
