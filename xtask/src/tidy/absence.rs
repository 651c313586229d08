//! Invariants of absence: what only one crate may do.

use super::Complaint;
use crate::source::{Source, code_only};

/// Words that may appear in the product code of some places only.
struct Only {
    rule: &'static str,
    words: &'static [&'static str],
    /// Beginnings of paths below `crates/`.
    places: &'static [&'static str],
    advice: &'static str,
}

/// Places that are never shipped; the sample server and the simulated world are outsiders on purpose.
const OUTSIDERS: &[&str] = &["world/", "tickets/"];

const ONLY: &[Only] = &[
    Only {
        rule: "only `crypto` handles JWTs",
        words: &["jsonwebtoken"],
        places: &["crypto/"],
        advice: "sign and verify through `crypto`, which checks `typ` and `crit` too",
    },
    Only {
        rule: "only `crypto` does cryptography; `audit` and `policy` hash, `net` names the TLS provider",
        words: &["aws_lc_rs", "argon2"],
        places: &["crypto/", "audit/", "policy/", "net/"],
        advice: "use what `crypto` offers, or add it there",
    },
    Only {
        rule: "only `crypto` holds private keys",
        words: &["Ed25519KeyPair", "EcdsaKeyPair", "RsaKeyPair"],
        places: &["crypto/"],
        advice: "hand in a closure or a type of `crypto` that signs",
    },
    Only {
        rule: "only `net` opens connections",
        words: &[
            "TcpListener",
            "TcpStream",
            "TcpSocket",
            "UdpSocket",
            "UnixStream",
            "UnixListener",
            "lookup_host",
            "reqwest",
            "hyper_rustls",
            "tokio_rustls",
            "legacy::Client",
            "client::conn",
        ],
        places: &["net/", "portcullis/src/commands/demo"],
        advice: "use `net::Fetcher`, `net::Upstream`, `net::Listener` or `net::WebClient`",
    },
    Only {
        rule: "only `privilege` changes privilege",
        words: &["PrivilegeTx"],
        places: &["privilege/", "store/"],
        advice: "call the function of `privilege`, which asks what has to be asked and returns the event",
    },
    Only {
        rule: "only `authserver` signs access tokens",
        words: &["AccessSigner"],
        places: &["authserver/", "store/"],
        advice: "ask the authorization server; to check a token take `Store::verify_access`",
    },
    Only {
        rule: "only `authserver`, `login` and `gateway` open what is sealed",
        words: &["Vault"],
        places: &["authserver/", "login/", "gateway/", "store/"],
        advice: "keep a digest, or let one of them seal it",
    },
    Only {
        rule: "only `store` speaks SQL",
        words: &["sqlx"],
        places: &["store/"],
        advice: "add a function with a name to `store`",
    },
    Only {
        rule: "only `policy` knows Cedar",
        words: &["cedar_policy"],
        places: &["policy/"],
        advice: "ask `policy::Policies::decide`",
    },
    Only {
        rule: "only `model::clock` reads the time",
        words: &["SystemTime::now", "Instant::now", "Timestamp::now(", "Zoned::now", "Utc::now", "OffsetDateTime::now"],
        places: &["model/src/clock.rs", "net/", "gateway/", "store/"],
        advice: "take a `model::clock::Clock`, so that tests can move the time",
    },
    Only {
        rule: "`net`, `gateway` and `store` read no time but tokio's, for time-outs",
        words: &["SystemTime::now", "std::time::Instant"],
        places: &["model/src/clock.rs"],
        advice: "take a `model::clock::Clock`, so that tests can move the time",
    },
];

/// What nobody may leave behind, tests included.
const NEVER: &[&str] = &["todo!(", "unimplemented!(", "dbg!("];

pub fn check(sources: &[Source]) -> Vec<Complaint> {
    sources.iter().flat_map(|source| [misplaced(source), unfinished(source)]).flatten().collect()
}

fn misplaced(source: &Source) -> Vec<Complaint> {
    let place = source.path.trim_start_matches("crates/");
    if !source.is_src() || OUTSIDERS.iter().any(|outsider| place.starts_with(outsider)) {
        return Vec::new();
    }
    let code = source.product_code();
    let broken = ONLY.iter().filter(|only| !only.places.iter().any(|allowed| place.starts_with(allowed)));
    let complaints = broken.flat_map(|only| {
        let found = lines_with(&code, only.words);
        found.map(|(line, word)| Complaint {
            path: source.path.clone(),
            line,
            rule: only.rule,
            advice: format!("found `{word}`; {}", only.advice),
        })
    });
    complaints.collect()
}

fn unfinished(source: &Source) -> Vec<Complaint> {
    let code = code_only(&source.text);
    let found = lines_with(&code, NEVER).map(|(line, word)| Complaint {
        path: source.path.clone(),
        line,
        rule: "nothing is left unfinished",
        advice: format!("found `{word}…)`; finish it or take it out"),
    });
    found.collect()
}

/// Lines of `code` with one of `words`, standing for itself and not inside a longer word.
fn lines_with<'c>(
    code: &'c str,
    words: &'static [&'static str],
) -> impl Iterator<Item = (usize, &'static str)> + use<'c> {
    code.lines().enumerate().flat_map(move |(number, line)| {
        words.iter().filter(move |word| has_word(line, word)).map(move |word| (number + 1, *word))
    })
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_none_or(|c| !is_word(c));
        let after = line[at + word.len()..].chars().next().is_none_or(|c| !is_word(c));
        before && (after || !word.ends_with(is_word))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(&[Source { path: path.into(), text: text.into() }]).into_iter().map(|it| it.rule).collect()
    }

    #[test]
    fn what_only_one_crate_may_do_is_found_elsewhere_and_not_there() {
        for (word, home, elsewhere) in [
            ("use sqlx::Row;", "store", "gateway"),
            ("use cedar_policy::Entity;", "policy", "authserver"),
            ("PrivilegeTx::of(tx).put_grant(&grant).await?;", "privilege", "authserver"),
            ("AccessSigner::of(&store).sign(&claims)", "authserver", "gateway"),
            ("Vault::of(&store).derive(\"x\")", "gateway", "governance"),
            ("jsonwebtoken::decode(x)", "crypto", "client"),
            ("Ed25519KeyPair::generate()", "crypto", "audit"),
            ("tokio::net::TcpListener::bind(x)", "net", "portcullis"),
        ] {
            assert_eq!(rules(&format!("crates/{home}/src/x.rs"), word), [""; 0], "{word}");
            assert_eq!(rules(&format!("crates/{elsewhere}/src/x.rs"), word).len(), 1, "{word}");
        }
        assert_eq!(rules("crates/model/src/clock.rs", "jiff::Timestamp::now()"), [""; 0]);
        assert_eq!(rules("crates/model/src/grant.rs", "jiff::Timestamp::now()").len(), 1);
        assert_eq!(rules("crates/gateway/src/x.rs", "tokio::time::Instant::now()"), [""; 0]);
        assert_eq!(rules("crates/gateway/src/x.rs", "std::time::Instant::now()").len(), 1);
    }

    #[test]
    fn comments_tests_and_longer_words_do_not_count() {
        assert_eq!(rules("crates/gateway/src/x.rs", "// sqlx\nlet sqlxy = \"sqlx\";"), [""; 0]);
        assert_eq!(rules("crates/gateway/src/x.rs", "#[cfg(test)]\nmod tests { use sqlx::Row; }"), [""; 0]);
        assert_eq!(rules("crates/gateway/tests/x.rs", "use reqwest::Client;"), [""; 0]);
    }

    #[test]
    fn nothing_unfinished_passes_not_even_in_a_test() {
        assert_eq!(rules("crates/world/tests/x.rs", "fn a() { todo!() }").len(), 1);
        assert_eq!(rules("crates/world/tests/x.rs", "// todo!()"), [""; 0]);
    }
}
