//! No file of a crate imports what imports it: what is read flows one way.
//!
//! An import is what a file names of its own crate, by `crate::`, `super::`, `self::` or by a module that it declares. What
//! a file merely hands on (`pub use`) is the file behind it.

use std::collections::{BTreeMap, BTreeSet};

use super::Complaint;
use crate::source::Source;

pub fn check(sources: &[Source]) -> Vec<Complaint> {
    let mut crates: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.is_src() && !source.is_test()) {
        crates.entry(source.path.split("/src/").next().unwrap_or_default()).or_default().push(source);
    }
    crates.into_values().flat_map(|files| Crate::read(&files).circles()).collect()
}

type Path = Vec<String>;

/// The files of one crate by the path of their module, and what each names of the others.
struct Crate {
    files: BTreeMap<Path, File>,
}

struct File {
    path: String,
    /// What it names, and where.
    named: Vec<(usize, Path)>,
    /// The names that it hands on, and what is behind them.
    handed_on: BTreeMap<String, Path>,
}

impl Crate {
    fn read(sources: &[&Source]) -> Self {
        let named = |source: &&Source| module(&source.path);
        let modules: BTreeSet<Path> = sources.iter().map(named).collect();
        let file = |source: &&Source| (module(&source.path), File::read(source, &modules));
        Self { files: sources.iter().map(file).collect() }
    }

    /// The file that `path` is in: the one that defines its item, behind all that hand it on.
    fn behind(&self, path: &Path) -> Option<Path> {
        let mut path = path.clone();
        for _ in 0..8 {
            let length = (0..=path.len()).rev().find(|length| self.files.contains_key(&path[..*length]))?;
            let file = &self.files[&path[..length]];
            match path.get(length).and_then(|name| file.handed_on.get(name)) {
                Some(further) => path = further.iter().chain(&path[length + 1..]).cloned().collect(),
                None => return Some(path[..length].to_vec()),
            }
        }
        None
    }

    fn circles(&self) -> Vec<Complaint> {
        let mut imports: BTreeMap<&Path, BTreeMap<Path, usize>> = BTreeMap::new();
        for (module, file) in &self.files {
            let mine = imports.entry(module).or_default();
            for (line, named) in &file.named {
                if let Some(other) = self.behind(named).filter(|other| other != module) {
                    mine.entry(other).or_insert(*line);
                }
            }
        }
        let mut complaints = Vec::new();
        for (module, mine) in &imports {
            for (other, line) in mine {
                let Some(back) = way(&imports, other, module) else { continue };
                let back: Vec<String> = back.iter().map(shown).collect();
                let file = &self.files[*module];
                complaints.push(Complaint {
                    path: file.path.clone(),
                    line: *line,
                    rule: "no circle between files",
                    advice: format!(
                        "`{}` comes back here by {}; move what both need below both",
                        shown(other),
                        back.join(" → ")
                    ),
                });
            }
        }
        complaints
    }
}

/// The shortest way along imports.
fn way(imports: &BTreeMap<&Path, BTreeMap<Path, usize>>, from: &Path, to: &Path) -> Option<Vec<Path>> {
    let mut seen = BTreeSet::from([from.clone()]);
    let mut ways = std::collections::VecDeque::from([vec![from.clone()]]);
    while let Some(way) = ways.pop_front() {
        for next in imports.get(way.last()?)?.keys() {
            let mut further = way.clone();
            further.push(next.clone());
            if next == to {
                return Some(further);
            }
            if seen.insert(next.clone()) {
                ways.push_back(further);
            }
        }
    }
    None
}

fn shown(module: &Path) -> String {
    if module.is_empty() { "the root".to_owned() } else { module.join("::") }
}

/// `crates/x/src/a/mod.rs` and `crates/x/src/a.rs` are `a`; the root of a crate is nothing.
fn module(path: &str) -> Path {
    let below = path.split("/src/").nth(1).unwrap_or_default().trim_end_matches(".rs");
    let below = below.strip_suffix("/mod").unwrap_or(below);
    if matches!(below, "lib" | "main") { Vec::new() } else { below.split('/').map(str::to_owned).collect() }
}

impl File {
    fn read(source: &Source, modules: &BTreeSet<Path>) -> Self {
        let here = module(&source.path);
        let code = source.product_code();
        let words = words(&code);
        let (mut named, mut handed_on) = (Vec::new(), BTreeMap::new());
        let mut at = 0;
        while at < words.len() {
            let (line, word) = words[at];
            let is_import = word == "use" && words.get(at + 1).is_none_or(|next| next.1 != "<");
            if is_import {
                let is_handed_on = at > 0 && matches!(words[at - 1].1, "pub" | ")");
                let mut leaves = Vec::new();
                at = tree(&words, at + 1, &Vec::new(), &mut leaves);
                for (leaf, name) in leaves {
                    let Some(path) = absolute(&here, &leaf, modules) else { continue };
                    if is_handed_on {
                        handed_on.insert(name, path);
                    } else {
                        named.push((line, path));
                    }
                }
                continue;
            }
            let starts = at == 0 || words[at - 1].1 != "::";
            if starts && words.get(at + 1).is_some_and(|next| next.1 == "::") {
                let mut path = vec![word.to_owned()];
                while words.get(at + 1).is_some_and(|next| next.1 == "::") && words.get(at + 2).is_some() {
                    path.push(words[at + 2].1.to_owned());
                    at += 2;
                }
                named.extend(absolute(&here, &path, modules).map(|path| (line, path)));
            }
            at += 1;
        }
        Self { path: source.path.clone(), named, handed_on }
    }
}

/// One tree of a `use`: every path in it, with the name that it gets.
fn tree(words: &[(usize, &str)], mut at: usize, above: &Path, leaves: &mut Vec<(Path, String)>) -> usize {
    let mut path = above.clone();
    while let Some((_, word)) = words.get(at) {
        match *word {
            "{" => {
                at += 1;
                while words.get(at).is_some_and(|word| !matches!(word.1, "}" | ";")) {
                    at = tree(words, at, &path, leaves);
                    if words.get(at).is_some_and(|word| word.1 == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "::" => at += 1,
            "," | "}" | ";" => break,
            "as" => {
                let name = words.get(at + 1).map_or_else(String::new, |word| word.1.to_owned());
                leaves.push((path, name));
                return at + 2;
            }
            "self" if !path.is_empty() => at += 1,
            word => {
                path.push(word.to_owned());
                at += 1;
            }
        }
    }
    let name = path.last().cloned().unwrap_or_default();
    leaves.push((path, name));
    at
}

/// From the root of the crate; `None` for what is not of it.
fn absolute(here: &Path, path: &Path, modules: &BTreeSet<Path>) -> Option<Path> {
    let (first, rest) = path.split_first()?;
    let join = |base: &[String]| Some(base.iter().chain(rest).cloned().collect());
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => join(here),
        "super" => {
            let ups = path.iter().take_while(|word| *word == "super").count();
            let base = here.get(..here.len().checked_sub(ups)?)?;
            Some(base.iter().chain(&path[ups..]).cloned().collect())
        }
        _ => {
            let child: Path = here.iter().chain([first]).cloned().collect();
            modules.contains(&child).then(|| child.iter().chain(rest).cloned().collect())
        }
    }
}

/// The words of the code, and the signs that matter here, each with its line.
fn words(code: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                words.push((number + 1, &rest[..length]));
            }
            rest = &rest[length..];
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let source =
            |(name, text): &(&str, &str)| Source { path: format!("crates/x/src/{name}"), text: (*text).into() };
        let sources: Vec<_> = files.iter().map(source).collect();
        check(&sources).iter().map(|found| format!("{}:{}", found.path, found.line)).collect()
    }

    #[test]
    fn a_circle_is_found_however_it_is_written() {
        for (one, other) in [
            ("use crate::b::B;", "use crate::a::A;"),
            ("use crate::{c, b::{self, B}};", "fn f() { super::a::f() }"),
            ("fn f() { crate::b::f() }", "use super::a;"),
            ("use crate::B;", "use crate::{A as C};"),
        ] {
            let root = "mod a; mod b; mod c; pub use a::A; pub(crate) use b::B;";
            let found = circles(&[("lib.rs", root), ("a.rs", one), ("b.rs", other), ("c.rs", "")]);
            assert_eq!(found, ["crates/x/src/a.rs:1", "crates/x/src/b.rs:1"], "{one} {other}");
        }
    }

    #[test]
    fn a_parent_that_calls_its_child_is_not_used_by_it() {
        let parent = "mod child;\nstruct S;\nfn f() { child::f() }";
        let found = circles(&[("lib.rs", "mod a;"), ("a/mod.rs", parent), ("a/child.rs", "use super::S;")]);
        assert_eq!(found, ["crates/x/src/a/mod.rs:3", "crates/x/src/a/child.rs:1"]);
        let found = circles(&[("lib.rs", "mod a;"), ("a/mod.rs", parent), ("a/child.rs", "use super::super::b;")]);
        assert!(found.is_empty());
    }

    #[test]
    fn what_a_file_hands_on_is_the_file_behind_it() {
        let files = [("lib.rs", "mod a; mod b; pub use a::A;"), ("a.rs", "pub struct A;"), ("b.rs", "use crate::A;")];
        assert!(circles(&files).is_empty());
    }

    #[test]
    fn what_is_captured_is_no_import() {
        let captures = "fn f() -> impl Sized + use<'_> { loop { break; } } use crate::b::B;";
        assert_eq!(circles(&[("lib.rs", "mod a; mod b;"), ("a.rs", captures), ("b.rs", "use crate::a;")]).len(), 2);
    }

    #[test]
    fn tests_and_comments_close_no_circle() {
        let tested = "// crate::b\n#[cfg(test)]\nmod tests { use crate::b::B; }";
        assert!(circles(&[("lib.rs", "mod a; mod b;"), ("a.rs", tested), ("b.rs", "use crate::a::A;")]).is_empty());
    }
}
