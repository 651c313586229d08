//! From a file to a [`Config`]: text, then environment, then secrets, then sense.
//!
//! Each step names what is wrong and where. Nothing of the file's text is repeated in an
//! error, because the line that is wrong may be the one with a secret in it.

mod manual;
mod overrides;
mod secrets;
mod sense;

use std::path::{Path, PathBuf};

use model::config::Config;

pub use manual::markdown;
pub use sense::Notice;

/// Why a configuration can not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can not be read.
    #[error("{} can not be read: {why}; write one with `portcullis init`, or name it with --config", file.display())]
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

/// A configuration that can be used, and what deserves a loud word in it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, its secrets read.
    pub config: Config,
    /// What an operator should know before opening the doors.
    pub notices: Vec<Notice>,
}

/// Reads `file`, applies `PORTCULLIS__…` overrides, reads secrets and checks the whole.
pub fn load(file: &Path) -> Result<Loaded, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|why| ConfigError::Unreadable { file: file.to_owned(), why })?;
    let config: Config = parse(file, &text)?;
    let overrides = overrides::from_environment(std::env::vars());
    let mut config = if overrides.is_empty() { config } else { overrides::apply(file, &text, &overrides)? };
    let mut notices = secrets::literals(&config);
    secrets::resolve(&mut config, file.parent().unwrap_or(Path::new(".")))?;
    sense::check(&config)?;
    notices.extend(sense::notices(&config));
    Ok(Loaded { config, notices })
}

/// Parses YAML text into a `T`, with the place of the first mistake.
fn parse<T: serde::de::DeserializeOwned>(file: &Path, text: &str) -> Result<T, ConfigError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map_or_else(|| " ".to_owned(), |at| format!("{}:{}: ", at.line(), at.column()));
        ConfigError::Text { file: file.to_owned(), place, what: plain_message(&error) }
    })
}

/// The message without the snippet that the library would render from the file's text, and without the
/// place, which is named before it.
fn plain_message(error: &serde_saphyr::Error) -> String {
    let said = error.without_snippet().to_string();
    said.split(" at line ").next().unwrap_or(&said).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> Result<Loaded, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("portcullis.yaml");
        std::fs::write(&file, text).unwrap();
        load(&file)
    }

    #[test]
    fn a_mistake_is_named_with_file_line_and_what_was_expected() {
        let error =
            load_text("public_url: https://a.test\nservers:\n  tickets:\n    uri: http://x\n").unwrap_err().to_string();
        assert!(error.contains("portcullis.yaml:4:"), "{error}");
        assert!(error.contains("uri") && error.contains("url"), "{error}");
    }

    #[test]
    fn a_tier_that_does_not_exist_is_named_with_those_that_do() {
        let text = "public_url: https://a.test\nservers:\n  t:\n    url: http://127.0.0.1:1/mcp\n    tools:\n      a: lowish\n";
        let error = load_text(text).unwrap_err().to_string();
        assert!(error.contains(":6:") && error.contains("low") && error.contains("medium"), "{error}");
    }

    #[test]
    fn an_error_does_not_repeat_a_secret() {
        let text = "public_url: https://a.test\npeople:\n  ada:\n    password: hunter2\n    colour: hunter2\n";
        let error = load_text(text).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_secret_that_is_written_out_works_and_is_named_loudly() {
        let text = "public_url: https://a.test\npeople:\n  ada:\n    password: hunter2 hunter2\n";
        let notices = load_text(text).unwrap().notices;
        let loud = notices.iter().find(|notice| notice.path == "people.ada.password").unwrap();
        assert!(loud.what.contains("${file:") && !loud.what.contains("hunter2"));
        assert!(
            load_text("public_url: https://a.test\n").unwrap().notices.iter().all(|n| n.path != "people.ada.password")
        );
    }

    #[test]
    fn a_file_that_is_missing_says_how_to_make_one() {
        let error = load(Path::new("/nowhere/portcullis.yaml")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/portcullis.yaml") && error.contains("portcullis init"), "{error}");
    }

    #[test]
    fn rules_keep_the_order_of_the_file_also_under_overrides() {
        let text = "public_url: https://a.test\nservers:\n  t:\n    url: http://127.0.0.1:1/mcp\n    tools:\n      zz_*: high\n      aa_*: low\n      \"*\": medium\n";
        let overrides =
            overrides::from_environment([("PORTCULLIS__LISTEN".to_owned(), "127.0.0.1:9".to_owned())].into_iter());
        let config = overrides::apply(Path::new("f.yaml"), text, &overrides).unwrap();
        let rules: Vec<_> =
            config.servers.values().next().unwrap().tools.iter().map(|(p, _)| p.as_str().to_owned()).collect();
        assert_eq!(rules, ["zz_*", "aa_*", "*"]);
        assert_eq!(config.listen.port(), 9);
    }
}
