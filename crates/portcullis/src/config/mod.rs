//! From a file to a [`Config`]: text, then environment, then secrets, then sense.
//!
//! Each step names what is wrong and where.

mod error;
mod expects;
mod needs;
mod notice;
mod overrides;
mod paths;
mod plain;
mod secrets;
mod settings;
mod tree;
mod validate;
mod zero;

use std::path::Path;

use model::config::Config;

pub use error::ConfigError;
pub use needs::Needs;
pub use notice::Notice;
pub use secrets::read as read_reference;
pub use settings::{Difference, Settings};

/// A configuration that can be used, and what deserves a loud word in it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, its secrets read.
    pub config: Config,
    /// What an operator should know before opening the doors.
    pub notices: Vec<Notice>,
    /// What the file sets, for the record of its load.
    pub settings: Settings,
}

/// Reads `file`, applies `PORTCULLIS__…` overrides, reads the secrets that are needed and checks the whole.
pub fn load(file: &Path, needs: Needs) -> Result<Loaded, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|why| ConfigError::Unreadable { file: file.to_owned(), why })?;
    // First by itself: its mistakes have a line.
    let alone: Result<Config, _> = serde_saphyr::from_str(&text);
    let alone = alone.map_err(|error| ConfigError::text(file, &error));
    let overrides = overrides::from_environment(std::env::vars_os())?;
    let (tree, mut config) = if overrides.is_empty() {
        let config = alone?;
        (overrides::apply(file, &text, &[])?, config)
    } else {
        let tree = overrides::apply(file, &text, &overrides)?;
        let config = overrides::config(&tree, &overrides)?;
        (tree, config)
    };
    secrets::refuse_elsewhere(&tree, &config)?;
    if !tree.has("listen") {
        validate::listen_where_clients_look(&mut config);
    }
    let settings = Settings::of(&tree, &secrets::places(&config));
    let base = file.parent().unwrap_or(Path::new("."));
    let mut notices = secrets::literals(&config);
    secrets::resolve(&mut config, base, needs)?;
    paths::relative_to(&mut config, base);
    validate::settle_tiers(&mut config)?;
    validate::check(&config, needs)?;
    notices.extend(validate::notices(&config));
    Ok(Loaded { config, notices, settings })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> Result<Loaded, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("portcullis.yaml");
        std::fs::write(&file, text).unwrap();
        load(&file, Needs::Everything)
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
        let error = load(Path::new("/nowhere/portcullis.yaml"), Needs::Store).unwrap_err().to_string();
        assert!(error.contains("/nowhere/portcullis.yaml") && error.contains("portcullis init"), "{error}");
    }

    #[test]
    fn rules_keep_the_order_of_the_file_also_under_overrides() {
        let text = "public_url: https://a.test\nservers:\n  t:\n    url: http://127.0.0.1:1/mcp\n    tools:\n      zz_*: high\n      aa_*: low\n      \"*\": medium\n";
        let config = overridden(text, &[("PORTCULLIS__LISTEN", "127.0.0.1:9")]).unwrap();
        let rules: Vec<_> =
            config.servers.values().next().unwrap().tools.iter().map(|(p, _)| p.as_str().to_owned()).collect();
        assert_eq!(rules, ["zz_*", "aa_*", "*"]);
        assert_eq!(config.listen.port(), 9);
    }

    fn overridden(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let overrides = overrides::from_environment(variables).map_err(|error| error.to_string())?;
        let tree = overrides::apply(Path::new("f.yaml"), text, &overrides).map_err(|error| error.to_string())?;
        overrides::config(&tree, &overrides).map_err(|error| error.to_string())
    }

    const ADA: &str = "public_url: https://a.test\npeople:\n  ada:\n    password: 0123456789012\n";

    /// Field: O4
    #[test]
    fn text_is_text_in_the_file_and_in_the_environment() {
        let password = |config: &Config| config.people.values().next().unwrap().password.clone().unwrap();
        assert_eq!(
            password(&overridden(ADA, &[("PORTCULLIS__LISTEN", "127.0.0.1:9")]).unwrap()).expose(),
            "0123456789012"
        );
        for text in ["pass #word", "'quoted'", "1e3", "true", "~", "[a, b]", "a: b", "0x10", "${", " blank "] {
            let config = overridden(ADA, &[("PORTCULLIS__PEOPLE__ADA__PASSWORD", text)]).unwrap();
            assert_eq!(password(&config).expose(), text);
        }
        let config = overridden(
            ADA,
            &[
                ("PORTCULLIS__TOKENS__ACCESS", "30s"),
                ("PORTCULLIS__LIMITS__CONNECTIONS", "7"),
                ("PORTCULLIS__EXTRA_HOSTS", "[a.test, b.test]"),
            ],
        )
        .unwrap();
        assert_eq!((config.tokens.access.seconds(), config.limits.connections, config.extra_hosts.len()), (30, 7, 2));
    }

    /// Field: O4
    #[test]
    fn an_override_of_nothing_is_refused_by_name_and_others_are_nobodys_business() {
        let error = overridden(ADA, &[("PORTCULLIS__TOKENS__ACESS", "30s")]).unwrap_err();
        assert!(error.contains("PORTCULLIS__TOKENS__ACESS") && error.contains("access"), "{error}");
        use std::os::unix::ffi::OsStringExt as _;
        let strange = std::ffi::OsString::from_vec(vec![0xff, 0xfe]);
        assert!(overrides::from_environment([("OTHER".into(), strange.clone())].into_iter()).is_ok());
        assert!(overrides::from_environment([(strange.clone(), "x".into())].into_iter()).is_ok());
        assert!(overrides::from_environment([("PORTCULLIS__LISTEN".into(), strange)].into_iter()).is_err());
    }

    /// Field: O6
    #[test]
    fn a_reference_inside_text_is_read_and_one_elsewhere_is_refused() {
        let header = |value: &str| {
            let text = format!(
                "public_url: https://a.test\nservers:\n  t:\n    url: http://127.0.0.1:1/mcp\n    headers:\n      authorization: \"{value}\"\n"
            );
            let loaded = load_text(&text).map_err(|error| error.to_string())?;
            Ok::<_, String>(loaded.config.servers.values().next().unwrap().headers["authorization"].expose().to_owned())
        };
        let path = std::env::var("PATH").unwrap();
        assert_eq!(header("Bearer ${env:PATH}").unwrap(), format!("Bearer {path}"));
        assert_eq!(header("${env:PATH}${env:PATH}").unwrap(), format!("{path}{path}"));
        assert_eq!(header("a $${b} c").unwrap(), "a ${b} c");
        for bad in ["${env:PORTCULLIS_TEST_NOT_SET}", "Bearer ${env:PATH", "${TOKEN}", "${vault:x}"] {
            let error = header(bad).unwrap_err();
            assert!(error.contains("servers.t.headers.authorization"), "{error}");
        }
        let error = load_text(
            "public_url: https://a.test\nservers:\n  t:\n    url: http://127.0.0.1:1/mcp\n    title: \"${env:PATH}\"\n",
        )
        .unwrap_err();
        assert!(error.to_string().starts_with("servers.t.title"), "{error}");
    }

    /// Field: H1
    #[test]
    fn a_command_that_needs_no_secret_reads_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("portcullis.yaml");
        std::fs::write(
            &file,
            "public_url: https://a.test\npeople:\n  ada: { password: \"${env:PORTCULLIS_TEST_NOT_SET}\" }\n",
        )
        .unwrap();
        assert!(load(&file, Needs::Store).is_ok());
        let error = load(&file, Needs::Everything).unwrap_err().to_string();
        assert!(error.contains("people.ada.password") && error.contains("PORTCULLIS_TEST_NOT_SET"), "{error}");
    }

    /// Field: O1
    #[test]
    fn paths_are_relative_to_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("portcullis.yaml");
        std::fs::write(&file, "public_url: https://a.test\nstore: sqlite:./data\ndata_dir: ./keys\npolicies: p\n")
            .unwrap();
        let config = load(&file, Needs::Store).unwrap().config;
        assert_eq!(config.store.sqlite_directory().unwrap(), dir.path().join("./data"));
        assert_eq!((config.data_dir, config.policies.unwrap()), (dir.path().join("./keys"), dir.path().join("p")));
    }

    /// Field: T22
    #[test]
    fn a_group_that_is_none_is_refused_with_its_place_and_those_that_there_are() {
        let load = |more: &str| {
            let server =
                "servers:\n  t:\n    url: http://127.0.0.1:1/mcp\n    groups: { exports: [\"export_*\"] }\n    ";
            load_text(&format!("public_url: https://a.test\n{server}{more}\n")).map(drop).map_err(|e| e.to_string())
        };
        assert_eq!(load("approvals: { \"group/exports\": 2 }"), Ok(()));
        for (more, place) in [
            ("approvals: { \"group/exprots\": 2 }", "servers.t.approvals: `group/exprots` names no group"),
            ("any_arguments: [\"group/reads\"]", "servers.t.any_arguments: `group/reads` names no group"),
        ] {
            let error = load(more).unwrap_err();
            assert!(error.starts_with(place) && error.ends_with("it has `group/exports`"), "{error}");
        }
    }

    /// Field: G12
    #[test]
    fn a_server_that_may_take_longer_than_any_call_is_refused_with_its_place() {
        let load = |timeout: &str, limits: &str| {
            let server = format!("servers:\n  t:\n    url: http://127.0.0.1:1/mcp\n    timeout: {timeout}\n");
            load_text(&format!("public_url: https://a.test\n{limits}{server}")).map(drop).map_err(|e| e.to_string())
        };
        assert_eq!(load("15m", ""), Ok(()));
        let error = load("16m", "").unwrap_err();
        assert!(error.starts_with("servers.t.timeout: is 16m") && error.contains("limits.longest_call"), "{error}");
        assert_eq!(load("16m", "limits: { longest_call: 16m }\n"), Ok(()));
        assert!(load("10s", "limits: { longest_call: 9s }\n").is_err());
    }

    /// Field: O9
    #[test]
    fn it_listens_where_a_public_url_on_this_computer_points() {
        let listen = |text: &str| load_text(text).unwrap().config.listen.to_string();
        assert_eq!(listen("public_url: http://localhost:18630\n"), "127.0.0.1:18630");
        assert_eq!(listen("public_url: http://[::1]:18630\n"), "[::1]:18630");
        assert_eq!(listen("public_url: http://localhost:18630\nlisten: 127.0.0.1:9\n"), "127.0.0.1:9");
        assert_eq!(listen("public_url: https://mcp.acme.example\n"), "127.0.0.1:8420");
        let notices = load_text("public_url: http://localhost:18630\nlisten: 127.0.0.1:9\n").unwrap().notices;
        assert!(notices.iter().any(|notice| notice.path == "listen"), "{notices:?}");
    }

    /// Whatever is wrong, and wherever a secret stands: what is said names the place and not the value.
    ///
    /// Field: O5
    #[test]
    fn no_message_shows_a_value_or_a_word_of_the_parser() {
        const CANARY: &str = "hunter2-canary";
        for line in [
            "public_url: https://u:CANARY@a.test",
            "public_url: CANARY",
            "public_url: [CANARY]",
            "public_url: {x: CANARY}",
            "store: CANARY",
            "store: mysql://u:CANARY@db/x",
            "store: {url: CANARY}",
            "listen: CANARY",
            "people: CANARY",
            "people: [CANARY]",
            "people: {ada: CANARY}",
            "people: {ada: {password: [CANARY]}}",
            "people: {ada: {password: {x: CANARY}}}",
            "people: {ada: {password: x, password_hash: CANARY}}",
            "people: {ada: {password_hash: CANARY}}",
            "people: {ada: {roles: CANARY}}",
            "people: {ada: {roles: [CANARY]}}",
            "servers: {t: CANARY}",
            "servers: {t: {url: \"http://u:CANARY@h/\"}}",
            "servers: {t: {url: \"CANARY\"}}",
            "servers: {t: {url: \"ftp://CANARY\"}}",
            "servers: {t: {url: \"http://h/\", headers: CANARY}}",
            "servers: {t: {url: \"http://h/\", headers: {a: [CANARY]}}}",
            "servers: {t: {url: \"http://h/\", tools: {a: CANARY}}}",
            "clients: {registered: {x: {name: x, redirect_uris: CANARY}}}",
            "clients: {allow_client_secrets: CANARY}",
            "tokens: {access: CANARY}",
            "tokens: CANARY",
            "limits: {connections: CANARY}",
            "policies: {a: CANARY}",
            "tls: CANARY",
            "agents: {x: CANARY}",
        ] {
            let base = if line.starts_with("public_url") { "" } else { "public_url: https://a.test\n" };
            let error = load_text(&format!("{base}{}\n", line.replace("CANARY", CANARY))).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{line}: {error}");
            for theirs in [
                "mapping",
                "sequence",
                "scalar",
                "struct",
                "usize",
                "invalid type",
                "expected a string",
                "serde",
                "variant",
            ] {
                assert!(!error.contains(theirs), "{line}: {error}");
            }
            assert!(
                error.contains("portcullis.yaml:") || error.contains("people.") || error.contains("servers."),
                "{line}: {error}"
            );
        }
    }
}
