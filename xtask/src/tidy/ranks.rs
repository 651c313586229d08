//! A crate depends only on crates of lower rank.

use std::fs;

use anyhow::{Context as _, bail};

use super::Complaint;

/// The ranks, lowest first. The three roles share one, so none can know another.
const RANKS: &[&[&str]] = &[
    &["model"],
    &["crypto", "mcp", "policy", "audit"],
    &["oauth", "catalogue"],
    &["store", "net"],
    &["privilege", "client", "web"],
    &["login", "governance"],
    &["authserver", "gateway", "console"],
    &["portcullis"],
    &["world"],
];

/// Depends on none of ours; `portcullis` brings it along for the demo, and tests may use it.
const SAMPLE: &str = "tickets";

pub fn check() -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for entry in fs::read_dir("crates")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let path = format!("crates/{name}/Cargo.toml");
        let manifest = fs::read_to_string(&path).with_context(|| path.clone())?;
        if name != SAMPLE && rank(&name).is_none() {
            bail!("{path}: crate `{name}` has no rank; add it to RANKS in xtask/src/tidy/ranks.rs");
        }
        complaints.extend(broken(&name, &manifest).into_iter().map(|(line, advice)| Complaint {
            path: path.clone(),
            line,
            rule: "a crate depends only on lower ranks",
            advice,
        }));
    }
    Ok(complaints)
}

fn broken(name: &str, manifest: &str) -> Vec<(usize, String)> {
    let ours = dependencies(manifest).into_iter().filter(|it| it.name == SAMPLE || rank(&it.name).is_some());
    ours.filter(|it| !may(name, it))
        .map(|it| (it.line, format!("`{name}` may not depend on `{}`; move what both need to a lower rank", it.name)))
        .collect()
}

fn may(name: &str, dependency: &Dependency) -> bool {
    match (name, dependency.name.as_str()) {
        (SAMPLE, _) => false,
        ("portcullis" | "world", SAMPLE) => true,
        (_, SAMPLE) => dependency.for_tests,
        (_, other) => rank(other) < rank(name),
    }
}

fn rank(name: &str) -> Option<usize> {
    RANKS.iter().position(|crates| crates.contains(&name))
}

struct Dependency {
    name: String,
    line: usize,
    for_tests: bool,
}

/// The keys below every `[…dependencies]` heading.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut section = "";
    for (number, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            section = line;
        } else if section.trim_end().ends_with("dependencies]") {
            let name: String = line.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
            if !name.is_empty() {
                let name = name.trim_start_matches("portcullis-").to_owned();
                found.push(Dependency { name, line: number + 1, for_tests: section.contains("dev-") });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(name: &str, manifest: &str) -> Vec<usize> {
        broken(name, manifest).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn lower_ranks_are_allowed_and_the_same_or_higher_are_not() {
        let manifest = "[dependencies]\nmodel.workspace = true\nstore = { workspace = true }\nserde = \"1\"\n";
        assert_eq!(lines("gateway", manifest), []);
        assert_eq!(lines("crypto", manifest), [3]);
        assert_eq!(lines("gateway", "[dependencies]\nauthserver.workspace = true\n"), [2]);
        assert_eq!(lines("store", "[dev-dependencies]\nportcullis-net = { path = \"../net\" }\n"), [2]);
    }

    #[test]
    fn the_sample_server_knows_nothing_of_ours_and_only_the_binary_ships_it() {
        assert_eq!(lines("tickets", "[dependencies]\nmodel.workspace = true\n"), [2]);
        assert_eq!(lines("portcullis", "[dependencies]\ntickets.workspace = true\n"), []);
        assert_eq!(lines("gateway", "[dependencies]\ntickets.workspace = true\n"), [2]);
        assert_eq!(lines("gateway", "[dev-dependencies]\ntickets.workspace = true\n"), []);
    }
}
