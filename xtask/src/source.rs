//! The Rust files of the repository, and what of them is product code.

use std::{fs, path::Path};

use anyhow::Context as _;

/// One Rust file under `crates/`.
pub struct Source {
    /// From the root of the repository, with `/`.
    pub path: String,
    /// As it stands.
    pub text: String,
}

/// All Rust files under `crates/`, by path.
pub fn sources() -> anyhow::Result<Vec<Source>> {
    let mut paths = Vec::new();
    collect(Path::new("crates"), &mut paths)?;
    paths.sort();
    let read = |path: String| {
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        Ok(Source { path, text })
    };
    paths.into_iter().map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<String>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "target" && name != "node_modules" && !name.starts_with('.') {
                collect(&path, paths)?;
            }
        } else if name.ends_with(".rs") {
            paths.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

impl Source {
    /// Whether the whole file is there for tests or benches only.
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name == "tests.rs"
            || name.ends_with("_tests.rs")
            || ["/tests/", "/benches/", "/examples/"].iter().any(|folder| self.path.contains(folder))
    }

    /// The file below `src/`, where product code lives.
    pub fn is_src(&self) -> bool {
        self.path.split('/').nth(2) == Some("src")
    }

    /// The code without comments, texts and test modules; every line stays where it was.
    pub fn product_code(&self) -> String {
        if self.is_test() {
            return String::new();
        }
        without_tests(&code_only(&self.text))
    }
}

/// Blanks comments, string and character literals.
pub fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    let mut previous = ' ';
    while let Some(next) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if !is_word(previous) && raw_string(rest).is_some() {
            raw_string(rest).unwrap_or(1)
        } else if next == '"' {
            string(rest)
        } else if next == '\'' {
            character(rest).unwrap_or(0)
        } else {
            0
        };
        if length == 0 {
            code.push(next);
            rest = &rest[next.len_utf8()..];
            previous = next;
        } else {
            blank(&rest[..length], &mut code);
            rest = &rest[length..];
            previous = ' ';
        }
    }
    code
}

fn blank(text: &str, code: &mut String) {
    code.extend(text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix("cr")).or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let body_at = text.len() - body.len();
    Some(body.find(&end).map_or(text.len(), |at| body_at + at + end.len()))
}

/// A character literal, not a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next()?;
        return text[3..].find('\'').map(|at| at + 4);
    }
    chars.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
}

/// Blanks every item under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut left = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = ["#[cfg(test)]", "#[cfg(any(test"].iter().filter_map(|mark| rest.find(mark)).min() {
        left.push_str(&rest[..start]);
        let length = item(&rest[start..]);
        blank(&rest[start..start + length], &mut left);
        rest = &rest[start + length..];
    }
    left.push_str(rest);
    left
}

/// From an attribute to the end of the item it stands on.
fn item(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_texts_are_no_code() {
        for (text, code) in [
            ("a // todo!(\nb", "a b"),
            ("a /* x /* y */ z */ b", "a b"),
            ("f(\"todo!(\\\"\") + 1", "f( ) + 1"),
            ("f(r#\"a\"b\"#, c)", "f( , c)"),
            ("let x: &'a str = '\"'; y", "let x: &'a str = ; y"),
            ("'\\'' + '\\u{1F600}'", "+"),
            ("for_r\"x\"", "for_r"),
        ] {
            let left = code_only(text);
            assert_eq!(left.split_whitespace().collect::<Vec<_>>().join(" "), code);
            assert_eq!(left.matches('\n').count(), text.matches('\n').count());
        }
    }

    #[test]
    fn test_modules_are_no_product_code() {
        let code =
            without_tests("fn a() {}\n#[cfg(test)]\nmod tests { fn b() { } }\nfn c() {}\n#[cfg(test)]\nmod d;\n");
        assert!(code.contains("fn a") && code.contains("fn c"));
        assert!(!code.contains("fn b") && !code.contains("mod d"));
        assert_eq!(code.lines().count(), 6);
    }
}
