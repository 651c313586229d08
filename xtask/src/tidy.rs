//! `cargo xtask tidy`: the house rules that the compiler does not know.

mod absence;
mod circles;
mod citations;
mod field;
mod layout;
mod map;
mod ranks;

use std::fmt;

use crate::{Command, source::sources};

pub const COMMAND: Command = Command {
    name: "tidy",
    what: "check ranks of crates, circles, invariants of absence, file sizes, and what the documents name",
    run,
};

/// One broken rule, where, and what to do.
pub struct Complaint {
    pub path: String,
    pub line: usize,
    pub rule: &'static str,
    pub advice: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.advice)
    }
}

fn run(_: &[String]) -> anyhow::Result<()> {
    let sources = sources()?;
    let mut complaints = ranks::check()?;
    complaints.extend(absence::check(&sources));
    complaints.extend(circles::check(&sources));
    complaints.extend(citations::check(&sources));
    complaints.extend(field::check(&sources)?);
    complaints.extend(layout::check(&sources));
    complaints.extend(map::check("ARCHITECTURE.md")?);
    complaints.extend(map::check("CONTRIBUTING.md")?);
    complaints.extend(map::check("docs/threats.md")?);
    for complaint in &complaints {
        println!("{complaint}");
    }
    match complaints.len() {
        0 => Ok(()),
        count => anyhow::bail!("{count} rules broken"),
    }
}
