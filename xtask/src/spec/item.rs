//! What in a file carries a `Spec:` line.

use crate::source::Source;

/// A file, function, type or test with the text of its `Spec:` line.
pub struct Item {
    /// `None`: the file itself.
    pub name: Option<String>,
    pub is_test: bool,
    pub cites: String,
}

pub fn items(source: &Source) -> Vec<Item> {
    let lines: Vec<&str> = source.text.lines().map(str::trim_start).collect();
    let mut items = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let marker = ["//! Spec: ", "/// Spec: "].into_iter().find(|marker| lines[at].starts_with(marker));
        if let Some(marker) = marker {
            let (cites, next) = text_from(&lines, at, marker);
            items.push(match marker {
                "//! Spec: " => Item { name: None, is_test: source.is_test(), cites },
                _ => {
                    let among_tests = source.is_test() || lines[..at].contains(&"#[cfg(test)]");
                    named(among_tests, &lines[next..], cites)
                }
            });
            at = next;
        } else {
            at += 1;
        }
    }
    items
}

/// The text after the marker; a line that ends in a comma, a semicolon or inside a remark goes on.
fn text_from(lines: &[&str], at: usize, marker: &str) -> (String, usize) {
    let mut text = lines[at][marker.len()..].trim_end().to_owned();
    let mut next = at + 1;
    let goes_on = |text: &str| text.ends_with([',', ';']) || text.matches('(').count() > text.matches(')').count();
    while goes_on(&text) && next < lines.len() {
        let Some(more) = lines[next].strip_prefix(&marker[..3]) else { break };
        text = format!("{text} {}", more.trim());
        next += 1;
    }
    (text, next)
}

/// The item that the documentation stands on: the first line below that is neither doc nor attribute.
fn named(among_tests: bool, below: &[&str], cites: String) -> Item {
    let mut is_test = among_tests;
    for line in below {
        if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test") || line.contains("::test]");
        } else if !line.starts_with("///") && !line.starts_with("//") {
            return Item { name: Some(name_of(line)), is_test, cites };
        }
    }
    Item { name: None, is_test, cites }
}

/// `pub async fn open<T>(…)` is `open`; a variant or a field is its first word.
fn name_of(line: &str) -> String {
    let words: Vec<&str> =
        line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    let kinds = ["fn", "struct", "enum", "trait", "const", "static", "type", "mod"];
    let kind = words.iter().rposition(|word| kinds.contains(word) && *word != "const");
    let kind = kind.or_else(|| words.iter().position(|word| *word == "const"));
    let name = match kind {
        Some(kind) => words.get(kind + 1),
        None if words.first() == Some(&"impl") => return line.trim_end_matches([' ', '{']).to_owned(),
        None => words.iter().find(|word| **word != "pub" && **word != "crate"),
    };
    name.copied().unwrap_or("?").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(Option<String>, bool, String)> {
        let source = Source { path: "crates/x/src/a.rs".into(), text: text.into() };
        items(&source).into_iter().map(|item| (item.name, item.is_test, item.cites)).collect()
    }

    #[test]
    fn a_line_belongs_to_the_file_or_to_the_item_below() {
        let text = "//! Spec: A,\n//! B\n\n/// Spec: C\n#[must_use]\npub const fn open<T>() {}\n    /// Spec: D\n    #[tokio::test]\n    async fn it_holds() {}";
        assert_eq!(
            read(text),
            [
                (None, false, "A, B".into()),
                (Some("open".into()), false, "C".into()),
                (Some("it_holds".into()), true, "D".into()),
            ]
        );
    }
}
