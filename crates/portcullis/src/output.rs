//! What people and scripts see: tables, JSON, and errors with status codes.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    sync::OnceLock,
};

use serde::Serialize;

/// Everything went well.
pub const OK: ExitCode = ExitCode::SUCCESS;
/// The command ran and the answer is no: a check failed, the log does not verify.
pub const NO: u8 = 1;
/// The command could not run: bad input, no access.
pub const FAILED: u8 = 2;

/// How a command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Tables and sentences.
    Text,
    /// JSON on standard output, and nothing else there: also when the command could not run.
    Json,
}

/// Prints an error and its causes, and gives the status code for it.
pub fn failed(form: Form, error: &anyhow::Error) -> ExitCode {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        // Wrapped errors often repeat their source: say each thing once.
        if !causes.iter().any(|said| said.contains(&cause)) {
            causes.push(cause);
        }
    }
    let said = clean(&causes.join(": "));
    match form {
        Form::Json => raw(serde_json::json!({ "error": said }).to_string()),
        Form::Text => {
            let mut err = std::io::stderr().lock();
            let _ = writeln!(err, "{} {said}", paint("1;31", "error:"));
        }
    }
    ExitCode::from(FAILED)
}

/// Prints one line on standard error, for a person who should look.
pub fn warn(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr().lock(), "{}", clean(text.as_ref()));
}

static FORM: OnceLock<Form> = OnceLock::new();

/// Says once, for the whole process, how commands answer.
pub fn answers_in(form: Form) {
    FORM.get_or_init(|| form);
}

/// Prints one line. A sentence of a command that knows no other form is JSON as well, when that was asked for.
pub fn line(text: impl AsRef<str>) {
    match FORM.get() {
        Some(Form::Json) => raw(serde_json::json!({ "said": text.as_ref() }).to_string()),
        _ => raw(text),
    }
}

/// A closed pipe ends the process quietly, as other tools do.
pub fn raw(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Prints `value` as indented JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    raw(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// A list that is printed while it is read, page by page: an array of JSON, or a table for each page.
pub struct Listing {
    is_json: bool,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
    is_empty: bool,
}

impl Listing {
    /// One with these columns, when it is a table.
    pub fn of(is_json: bool, columns: &'static [&'static str]) -> Self {
        Self { is_json, columns, rows: Vec::new(), is_empty: true }
    }

    /// One more: its JSON, or its row.
    pub fn push(
        &mut self,
        value: impl FnOnce() -> anyhow::Result<serde_json::Value>,
        row: impl FnOnce() -> Vec<String>,
    ) -> anyhow::Result<()> {
        if self.is_json {
            part(&item(self.is_empty, &value()?)?);
        } else {
            self.rows.push(row());
        }
        self.is_empty = false;
        Ok(())
    }

    /// A page is over.
    pub fn page(&mut self) {
        if !self.rows.is_empty() {
            table(self.columns, std::mem::take(&mut self.rows));
        }
    }

    /// That was all.
    pub fn end(mut self) -> ExitCode {
        self.page();
        match (self.is_json, self.is_empty) {
            (true, true) => raw("[]"),
            (true, false) => raw("\n]"),
            (false, true) => table(self.columns, []),
            (false, false) => {}
        }
        OK
    }
}

/// An item of an array, with what stands before it.
fn item(is_first: bool, value: &serde_json::Value) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value)?.replace('\n', "\n  ");
    Ok(format!("{}\n  {text}", if is_first { "[" } else { "," }))
}

/// Prints a part of a line.
fn part(text: &str) {
    if write!(std::io::stdout().lock(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// Prints a table with these columns. The first one, by which a row is named, is never cut or broken.
pub fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    line(arranged(columns, rows, width()));
}

/// A cell that is no wider is not broken.
const SHORT: usize = 14;
/// So much is kept for the columns that are.
const ROOM: usize = 30;
/// So wide is a table that nobody sees on a terminal.
const ELSEWHERE: u16 = 120;

fn width() -> u16 {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = || rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| size.ws_col);
    told.or_else(seen).filter(|width| *width > 0).unwrap_or(ELSEWHERE)
}

fn arranged(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>, width: u16) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table.set_width(width);
    table.set_header(columns.iter().map(|column| paint("1", column)));
    for row in rows {
        table.add_row(row.iter().map(|cell| clean(cell)));
    }
    // What is short stays in one piece as well, as long as there is room for the rest.
    let mut left = usize::from(width);
    let widths: Vec<usize> = table.column_max_content_widths().into_iter().map(usize::from).collect();
    for (at, wide) in widths.into_iter().enumerate() {
        let whole = at == 0 || wide <= SHORT && left > wide + ROOM;
        if let Some(column) = table.column_mut(at).filter(|_| whole) {
            column.set_constraint(comfy_table::ColumnConstraint::ContentWidth);
            left = left.saturating_sub(wide + 2);
        }
    }
    table.to_string()
}

/// Prints what is known of one thing: a name and a value on each line. What is empty is left out.
pub fn sheet(rows: impl IntoIterator<Item = (&'static str, String)>) {
    for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        line(format!("{name:<12} {}", clean(&value)));
    }
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

    /// Field: H12
    #[test]
    fn a_table_fits_and_the_name_of_a_row_stays_in_one_piece() {
        let id = "elv_PIZygucarUUNgQWzjZqslQ";
        let rows = vec![vec![id.to_owned(), "a long description ".repeat(40), "x".to_owned()]];
        for width in [60, 80, 120] {
            let text = arranged(&["ELEVATION", "SAYS IT", "N"], rows.clone(), width);
            assert!(text.lines().all(|line| line.chars().count() <= width.into()), "{width}\n{text}");
            assert!(text.contains(id), "{text}");
        }
    }

    #[test]
    fn a_list_that_is_printed_item_by_item_is_the_array_as_a_whole() {
        let items = [serde_json::json!({"a": [1, {"b": "x\ny"}], "c": {}}), serde_json::json!("z")];
        let parts = items.iter().enumerate().map(|(at, value)| item(at == 0, value).unwrap());
        assert_eq!(parts.collect::<String>() + "\n]", serde_json::to_string_pretty(&items).unwrap());
    }

    #[test]
    fn an_escape_sequence_in_a_name_does_not_reach_the_terminal() {
        assert_eq!(clean("\x1b]0;pwned\x07"), "\u{fffd}]0;pwned\u{fffd}");
    }
}
