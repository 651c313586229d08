//! Why a configuration can not be used.
//!
//! Nothing of the file's text is repeated, because the line that is wrong may be the one with a secret in it.

use std::path::{Path, PathBuf};

use super::plain;

/// Why a configuration can not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can not be read.
    #[error("{} can not be read: {why}; write one with `portcullis init`, or name it with --config{}", file.display(), demo())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        why: std::io::Error,
    },
    /// The text is not the YAML that is expected.
    #[error("{}:{place}{what}", file.display())]
    Text {
        /// The file.
        file: PathBuf,
        /// `line:column: `, when known.
        place: String,
        /// What was expected.
        what: String,
    },
    /// An environment override does not fit.
    #[error("with the overrides {names}: {what}")]
    Override {
        /// The environment variables.
        names: String,
        /// What was expected.
        what: String,
    },
    /// A secret can not be read.
    #[error("{path}: {why}")]
    Secret {
        /// Where in the file.
        path: String,
        /// Why not.
        why: String,
    },
    /// Values that do not go together.
    #[error("{path}: {why}")]
    Sense {
        /// Where in the file.
        path: String,
        /// What to do.
        why: String,
    },
}

/// Whoever tried the demo in this folder looks for its file.
fn demo() -> &'static str {
    let there = Path::new("portcullis-data/demo.yaml").exists();
    if there { "; that of the demo is `--config portcullis-data/demo.yaml`" } else { "" }
}

impl ConfigError {
    /// Of what the YAML reader said: without the snippet that it would render from the file's text.
    pub fn text(file: &Path, error: &serde_saphyr::Error) -> Self {
        let place = error.location().map_or_else(|| " ".to_owned(), |at| format!("{}:{}: ", at.line(), at.column()));
        Self::Text { file: file.to_owned(), place, what: plain::plain(&error.without_snippet().to_string()) }
    }
}
