//! Names of what only the catalogue knows: templates of resources, single resources, and what a server says of itself. They
//! have no scope of their own, so they can neither be granted nor revoked.

use crate::{
    Id, Server, ToolName,
    resource::LONGEST,
    server::{TEMPLATE, URI, Words},
    shown::is_hidden,
};

impl ToolName {
    /// What stands in the catalogue for a template of resources; `None` when nobody could read it as it is written.
    pub fn of_template(uri_template: &str) -> Option<Self> {
        is_readable(uri_template).then(|| Self(format!("{TEMPLATE}{uri_template}").into()))
    }

    /// What stands in the catalogue for one resource that is listed; `None` when nobody could read its URI as it is
    /// written. Rules, scopes and blocks know resources by [`Self::of_resource`] alone.
    pub fn of_uri(uri: &str) -> Option<Self> {
        is_readable(uri).then(|| Self(format!("{URI}{uri}").into()))
    }

    /// What stands in the catalogue for a part of what a server says of itself.
    pub fn of_words(words: Words) -> Self {
        Self(format!(":{}", words.as_str()).into())
    }

    /// From what follows the server's name in the catalogue: what [`Self::after_server`] reads, and what has no scope of its
    /// own: `:template/file:///{path}`, `:uri/file:///a.md`, `:instructions`, `:server_info`.
    pub fn in_catalogue(text: &str) -> Option<Self> {
        if let Some(template) = text.strip_prefix(TEMPLATE) {
            return Self::of_template(template);
        }
        if let Some(uri) = text.strip_prefix(URI) {
            return Self::of_uri(uri);
        }
        let words = text.strip_prefix(':').and_then(|text| text.parse().ok());
        words.map(Self::of_words).or_else(|| Self::after_server(text))
    }

    /// From a name in the catalogue together with its server's: `tickets.get_ticket`, `tickets:instructions`.
    ///
    /// # Errors
    /// It is none, in words for whoever wrote it.
    pub fn of_qualified(text: &str) -> Result<(Id<Server>, Self), String> {
        let wrong = || {
            format!(
                "`{text}` names nothing that a server lists: write `server.tool`, `server:prompt/NAME`, \
                 `server:template/URI-TEMPLATE`, `server:uri/URI`, `server:instructions` or `server:server_info`"
            )
        };
        let (server, name) = text.split_at(text.find(['.', ':']).unwrap_or(text.len()));
        let server = server.parse().map_err(|_| wrong())?;
        Self::in_catalogue(name).map(|name| (server, name)).ok_or_else(wrong)
    }
}

/// Can a person read it as it is written? Longer than any URI that a rule can match, or with characters that nobody sees, it
/// names nothing.
fn is_readable(uri: &str) -> bool {
    (1..=LONGEST).contains(&uri.len()) && !uri.chars().any(|c| c.is_control() || is_hidden(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What only the catalogue knows can neither be granted nor revoked by its name.
    #[test]
    fn names_of_the_catalogue_are_read_in_the_catalogue_alone() {
        for text in [":template/file:///{path}", ":uri/file:///a b.md", ":instructions", ":server_info"] {
            let name = ToolName::in_catalogue(text).unwrap();
            assert_eq!(name.qualified(&"files"), format!("files{text}"));
            assert_eq!(ToolName::after_server(text), None, "{text}");
            assert_eq!(ToolName::of_qualified(&format!("files{text}")).unwrap().1, name);
        }
        assert_eq!(ToolName::in_catalogue(".get_ticket"), ToolName::after_server(".get_ticket"));
        for bad in [":template/", ":uri/a\u{200b}b", ":uri/a\nb", ":other", ":Instructions", "get_ticket"] {
            assert_eq!(ToolName::in_catalogue(bad), None, "{bad:?}");
        }
        assert!(ToolName::of_uri(&"x".repeat(2049)).is_none());
        assert!(ToolName::of_qualified("files:other").unwrap_err().contains("`server:instructions`"));
    }
}
