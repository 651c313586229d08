//! Where a browser may be sent after a login: only to a path of ours.

use std::{borrow::Cow, fmt};

/// A path on this installation, with its query: the only thing `next=` may hold.
///
/// Spec: RFC 9700 §4.11 (open redirectors).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPath(Cow<'static, str>);

impl LocalPath {
    /// `/`
    pub const ROOT: Self = Self(Cow::Borrowed("/"));

    /// `text` when it is a path here: one leading slash, nothing a browser could read as a host.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() <= 4096 && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        let local = text.starts_with('/') && !text.starts_with("//");
        (plain && local).then(|| Self(Cow::Owned(text.to_owned())))
    }

    /// The path and its query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_ours_is_kept_with_its_query() {
        for path in ["/", "/me", "/oauth/authorize?client_id=x&state=%2F%2F", "/console/approvals/elv_x"] {
            assert_eq!(LocalPath::parse(path).unwrap().as_str(), path);
        }
    }

    /// Spec: RFC 9700 §4.11
    #[test]
    fn nothing_that_a_browser_could_take_for_another_host_is_a_local_path() {
        for next in [
            "",
            "me",
            "//evil.test",
            "/\\evil.test",
            "https://evil.test",
            "javascript:x",
            "/a\nb",
            "/\t/evil",
            "/é",
            " /",
        ] {
            assert_eq!(LocalPath::parse(next), None, "{next:?}");
        }
    }
}
