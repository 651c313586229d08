//! What ARCHITECTURE.md, CONTRIBUTING.md and docs/threats.md name stays true: every file and function exists.
//!
//! In backticks: `crates/gateway/src/handle.rs`, or with a function, type or constant behind it,
//! `gateway/src/handle.rs::Gateway::handle`. Paths begin at the root or below `crates/`.

use std::{fs, path::Path};

use super::Complaint;
use crate::source::code_only;

pub fn check(document: &str) -> anyhow::Result<Vec<Complaint>> {
    let complaint =
        |line, advice| Complaint { path: document.to_owned(), line, rule: "the map names only what exists", advice };
    let Ok(text) = fs::read_to_string(document) else {
        return Ok(vec![complaint(1, "the file is missing; write it".to_owned())]);
    };
    let broken = names(&text).filter_map(|(line, name)| wrong(name).map(|advice| complaint(line, advice)));
    Ok(broken.collect())
}

/// What stands in backticks and has a path to a Rust file in it, with its line.
fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(number, line)| {
        let quoted = line.split('`').skip(1).step_by(2);
        quoted.filter(|name| is_path(name)).map(move |name| (number + 1, name))
    })
}

fn is_path(name: &str) -> bool {
    let file = name.split("::").next().unwrap_or(name);
    let plain = !name.contains(|c: char| c.is_whitespace() || matches!(c, '*' | '{' | '<' | '…'));
    plain && file.contains('/') && (file.ends_with(".rs") || file.starts_with("crates/"))
}

fn wrong(name: &str) -> Option<String> {
    let mut parts = name.split("::");
    let file = parts.next().unwrap_or(name);
    let Some(path) = [file.to_owned(), format!("crates/{file}")].into_iter().find(|path| Path::new(path).exists())
    else {
        return Some(format!("`{file}` does not exist; name where it went, or take it out"));
    };
    let code = fs::read_to_string(&path).map(|text| code_only(&text)).unwrap_or_default();
    let unknown = parts.find(|item| !defines(&code, item.trim_end_matches("()")))?;
    Some(format!("`{path}` has no `{unknown}`; name what it is called now, or take it out"))
}

fn defines(code: &str, name: &str) -> bool {
    let words: Vec<&str> =
        code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    let kinds = ["fn", "struct", "enum", "trait", "const", "static", "type", "mod", "impl", "for"];
    words.windows(2).any(|pair| kinds.contains(&pair[0]) && pair[1] == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_rust_paths_in_backticks() {
        let text =
            "see `crates/a/src/b.rs::c` and `x.rs`, `crates/*/src`\n`cargo xtask tidy` `a/src/d.rs`\n`crates/model`";
        let found: Vec<_> = names(text).collect();
        assert_eq!(found, [(1, "crates/a/src/b.rs::c"), (2, "a/src/d.rs"), (3, "crates/model")]);
    }

    #[test]
    fn a_function_is_found_by_its_definition_and_not_by_its_use() {
        let code = "impl Gate { pub async fn open(&self) { shut() } }";
        assert!(defines(code, "open") && defines(code, "Gate"));
        assert!(!defines(code, "shut"));
    }
}
