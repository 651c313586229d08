//! What people and scripts see: tables, JSON, and errors with status codes.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use serde::Serialize;

/// Everything went well.
pub const OK: ExitCode = ExitCode::SUCCESS;
/// The command ran and the answer is no: a check failed, the log does not verify.
pub const NO: u8 = 1;
/// The command could not run: bad input, no access.
pub const FAILED: u8 = 2;

/// Prints an error and its causes, and gives the status code for it.
pub fn failed(error: &anyhow::Error) -> ExitCode {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        // Wrapped errors often repeat their source: say each thing once.
        if !causes.iter().any(|said| said.contains(&cause)) {
            causes.push(cause);
        }
    }
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "{} {}", paint("1;31", "error:"), clean(&causes.join(": ")));
    ExitCode::from(FAILED)
}

/// Prints one line on standard error, for a person who should look.
pub fn warn(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr().lock(), "{}", clean(text.as_ref()));
}

/// Prints one line. A closed pipe ends the process quietly, as other tools do.
pub fn line(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Prints `value` as indented JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints a table with these columns.
pub fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table.set_header(columns.iter().map(|column| paint("1", column)));
    for row in rows {
        table.add_row(row.iter().map(|cell| clean(cell)));
    }
    line(table.to_string());
}

/// Colour, when a person is looking and did not say no.
pub fn paint(code: &str, text: &str) -> String {
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Names come from strangers: no control character reaches a terminal.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_in_a_name_does_not_reach_the_terminal() {
        assert_eq!(clean("\x1b]0;pwned\x07"), "\u{fffd}]0;pwned\u{fffd}");
    }
}
