//! `check --client NAME`: why that client would fail here, before somebody tries it.
//!
//! What is known of each client stands in one row of [`CLIENTS`], with the facts of its metadata document
//! (`documents/`, of which only what decides here is written down; where ChatGPT's keys are is not known to us, and
//! stands for any place on its host). The document itself is fetched and read as the authorization server reads it.
//!
//! Spec: draft-ietf-oauth-client-id-metadata-document; RFC 8414 §2, RFC 9207 §3, RFC 9728 §3.

use anyhow::{Result, bail};
use model::{
    ClientId,
    config::{Config, Facts, KNOWN},
    metadata_domains,
};
use serde_json::Value;

use super::finding::{Finding, failure, ok, warning};
use crate::node;

/// A client, and what it needs.
struct ClientRow {
    name: &'static str,
    /// The facts of its metadata document, when we know them.
    document: Option<&'static str>,
    /// What has to be advertised, or it never tries.
    needs: &'static [Need],
    /// What works, and not as somebody would expect.
    caveats: &'static [&'static str],
}

/// Something that the authorization server's metadata has to say.
#[derive(Clone, Copy, Debug)]
enum Need {
    /// That documents are accepted.
    Documents,
    /// That public clients are.
    PublicClients,
    /// That clients may sign.
    SignedAssertions,
    /// That answers name their issuer.
    Issuer,
}

const STEP_UP_DROPPED: &str = "does not follow a step-up inside a tool call: the person opens what was refused at /me, and \
                               the same call goes through";

const CLIENTS: &[ClientRow] = &[
    ClientRow {
        name: "claude",
        document: Some(include_str!("documents/claude.json")),
        needs: &[Need::Documents, Need::PublicClients],
        caveats: &["keeps a challenge for up to 15 minutes, so an approval may be seen late"],
    },
    ClientRow {
        name: "claude-code",
        document: Some(include_str!("documents/claude-code.json")),
        needs: &[Need::Documents, Need::PublicClients],
        caveats: &[STEP_UP_DROPPED],
    },
    ClientRow {
        name: "chatgpt",
        document: Some(include_str!("documents/chatgpt.json")),
        needs: &[Need::Documents, Need::SignedAssertions, Need::Issuer],
        caveats: &[],
    },
    ClientRow {
        name: "codex",
        document: Some(include_str!("documents/codex.json")),
        needs: &[Need::Documents, Need::PublicClients, Need::Issuer],
        caveats: &[],
    },
    ClientRow {
        name: "vscode",
        document: Some(include_str!("documents/vscode.json")),
        needs: &[Need::Documents, Need::PublicClients],
        caveats: &[],
    },
    ClientRow {
        name: "goose",
        document: Some(include_str!("documents/goose.json")),
        needs: &[Need::Documents, Need::PublicClients],
        caveats: &[],
    },
    ClientRow { name: "zed", document: None, needs: &[Need::Documents, Need::PublicClients], caveats: &[] },
    ClientRow { name: "opencode", document: None, needs: &[Need::Documents, Need::PublicClients], caveats: &[] },
    ClientRow { name: "cursor", document: None, needs: &[Need::PublicClients], caveats: &[] },
];

/// Where Cursor listens; it publishes no document.
const CURSOR: &str = "http://localhost:8787/callback";

/// Whatever would keep that client out.
pub async fn findings(config: &Config, name: &str) -> Result<Vec<Finding>> {
    let Some(row) = CLIENTS.iter().find(|row| row.name == name) else {
        let names: Vec<&str> = CLIENTS.iter().map(|row| row.name).collect();
        bail!("--client {name}: there are {}", names.join(", "));
    };
    let facts = KNOWN.iter().find(|facts| facts.name == name);
    let mut findings = configured(config, row, facts);
    if let Some(facts) = facts {
        findings.push(live(config, row, facts).await);
    }
    findings.extend(advertised(config, row).await);
    findings.extend(row.caveats.iter().map(|caveat| warning(row.name, *caveat)));
    Ok(findings)
}

/// What the file decides.
fn configured(config: &Config, row: &ClientRow, facts: Option<&Facts>) -> Vec<Finding> {
    let mut findings = vec![match facts {
        Some(facts) => admitted(config, facts),
        None => registered(config),
    }];
    if facts.is_some_and(|facts| facts.is_hosted) && !config.public_url.is_https() {
        findings.push(failure(
            "public_url",
            format!(
                "{} runs on its maker's machines and can not reach {}; it needs an https address that the internet \
                     reaches",
                row.name,
                config.public_url.as_str()
            ),
        ));
    }
    if facts.is_some_and(|facts| facts.signs_for_token_endpoint)
        && !config.clients.known.iter().any(|known| known.facts().name == row.name)
    {
        findings.push(failure(
            "clients.known",
            format!(
                "{0} signs for the token endpoint, which is accepted from it only when it is named: known: [{0}]",
                row.name
            ),
        ));
    }
    if let Some(document) = row.document.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        let refreshes =
            document["grant_types"].as_array().is_some_and(|all| all.iter().any(|one| one == "refresh_token"));
        if !refreshes {
            let life = config.tokens.access;
            findings.push(warning(row.name, format!("asks for no refresh token: people log in again after {life}")));
        }
    }
    if config.servers.is_empty() {
        findings.push(failure("servers", "nothing is protected, so there is nothing to connect to"));
    }
    for (id, server) in &config.servers {
        if server.examples(model::Tier::Low).next().is_none() {
            let why = "has no rule for the low tier: right after its login the client can use nothing of it";
            findings.push(warning(format!("servers.{id}"), why));
        }
    }
    findings
}

fn admitted(config: &Config, facts: &Facts) -> Finding {
    let by_name = config.clients.known.iter().any(|known| known.facts() == facts);
    let authority = facts.client_id.split('/').nth(2).unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    let pattern = metadata_domains::accepting(&config.clients.metadata_domains, host, authority);
    match (by_name, pattern) {
        (true, _) => ok("clients.known", format!("names {}", facts.name)),
        (false, Some(pattern)) => ok("clients.metadata_domains", format!("`{pattern}` accepts {}", facts.client_id)),
        (false, None) => failure(
            "clients",
            format!("{} may not ask anybody for access: add it with `known: [{}]`", facts.client_id, facts.name),
        ),
    }
}

fn registered(config: &Config) -> Finding {
    let sent = |uri: &String| oauth::redirect::is_acceptable(uri) && oauth::redirect::matches(uri, CURSOR);
    match config.clients.registered.iter().find(|(_, client)| client.redirect_uris.iter().any(sent)) {
        Some((id, _)) => {
            ok("clients.registered", format!("`{id}` may send codes to {CURSOR}; Cursor has to be told this client id"))
        }
        None => failure(
            "clients.registered",
            format!(
                "Cursor publishes no metadata document, so it has to be registered: `cursor: {{ name: Cursor, redirect_uris: \
                 [\"{CURSOR}\", \"https://www.cursor.com/agents/mcp/oauth/callback\"] }}`, and the client id `cursor` \
                 goes into its mcp.json"
            ),
        ),
    }
}

/// The document, fetched and read as at the authorization endpoint.
async fn live(config: &Config, row: &ClientRow, facts: &Facts) -> Finding {
    const WHAT: &str = "metadata document";
    const LARGEST: usize = 5 * 1024;
    let fetcher = match node::fetch_rules(config).and_then(|rules| Ok(net::Fetcher::new(rules)?)) {
        Ok(fetcher) => fetcher,
        Err(error) => return failure(WHAT, format!("{error:#}")),
    };
    let fetched = match fetcher.json(facts.client_id, LARGEST).await {
        Ok(fetched) => fetched,
        Err(error) => {
            let say = format!(
                "{} can not be had from here ({error}, {}); nobody can log in with this client until it can",
                facts.client_id,
                error.cause()
            );
            return failure(WHAT, say);
        }
    };
    read(facts.client_id, &fetched.body, row.document)
}

/// Is that document of use here, and does it say what was known of it?
fn read(client_id: &str, bytes: &[u8], known: Option<&str>) -> Finding {
    const WHAT: &str = "metadata document";
    let id: ClientId = match client_id.parse() {
        Ok(id) => id,
        Err(_) => return failure(WHAT, "has an address that is no client id"),
    };
    let document = match oauth::client_metadata::read_document(&id, bytes) {
        Ok(document) => document,
        Err(error) => return failure(WHAT, format!("{client_id} is refused: {error}")),
    };
    let now: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let before: Value = known.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let differs: Vec<&str> = ["redirect_uris", "token_endpoint_auth_method"]
        .into_iter()
        .filter(|member| !before.is_null() && now[member] != before[member])
        .collect();
    if !differs.is_empty() {
        return warning(WHAT, format!("{client_id} is of use, and not what was known of it: {}", differs.join(", ")));
    }
    let left_out = match document.ignored.len() {
        0 => String::new(),
        many => format!("; {many} of its entries are of no use here and left out"),
    };
    ok(WHAT, format!("{client_id} is read; redirects {}{left_out}", document.client.redirect_uris.join(", ")))
}

/// What the running server says of itself, found as a client finds it.
async fn advertised(config: &Config, row: &ClientRow) -> Vec<Finding> {
    const WHAT: &str = "metadata";
    let Some(server) = config.servers.keys().next() else { return Vec::new() };
    let endpoint = config.public_url.resource(server);
    let web = match net::WebClient::new(None) {
        Ok(web) => web,
        Err(error) => return vec![failure(WHAT, error.to_string())],
    };
    match client::discovery::discover(&web, &endpoint).await {
        Ok(found) => {
            let mut findings = missing(row, &found.metadata);
            if findings.is_empty() {
                findings.push(ok(WHAT, format!("{endpoint} says everything that {} looks for", row.name)));
            }
            findings
        }
        Err(client::ClientError::Unreachable { why, .. }) => {
            vec![warning(
                WHAT,
                format!("{endpoint} does not answer from here, so what it says was not looked at: {why}"),
            )]
        }
        Err(error) => {
            vec![failure(WHAT, format!("a client finds no way from {endpoint} to its authorization server: {error}"))]
        }
    }
}

fn missing(row: &ClientRow, metadata: &Value) -> Vec<Finding> {
    let lists =
        |name: &str, value: &str| metadata[name].as_array().is_some_and(|all| all.iter().any(|one| one == value));
    let methods = "token_endpoint_auth_methods_supported";
    let unmet = row.needs.iter().filter_map(|need| {
        let (met, what) = match need {
            Need::Documents => (
                metadata["client_id_metadata_document_supported"] == true,
                "client_id_metadata_document_supported is not true; name it in `clients.known`",
            ),
            Need::PublicClients => {
                (lists(methods, "none"), "`none` is not among the methods; it would register itself, and can not")
            }
            Need::SignedAssertions => (lists(methods, "private_key_jwt"), "`private_key_jwt` is not among the methods"),
            Need::Issuer => (
                metadata["authorization_response_iss_parameter_supported"] == true,
                "answers do not name their issuer; it would use another redirect for each login",
            ),
        };
        (!met).then(|| failure("metadata", format!("{}: {what}", row.name)))
    });
    unmet.collect()
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Grade, *};

    fn config(clients: &str, url: &str) -> Config {
        serde_saphyr::from_str(&format!(
            "public_url: {url}\nclients: {{ {clients} }}\nservers: {{ t: {{ url: \"http://127.0.0.1:1/mcp\", tools: {{ a: low }} }} }}\n"
        ))
        .unwrap()
    }

    fn row(name: &str) -> &'static ClientRow {
        CLIENTS.iter().find(|row| row.name == name).unwrap()
    }

    fn failures(name: &str, config: &Config) -> Vec<String> {
        let facts = KNOWN.iter().find(|facts| facts.name == name);
        let findings = configured(config, row(name), facts);
        findings
            .into_iter()
            .filter(|it| it.grade == Grade::Failure)
            .map(|it| format!("{}: {}", it.what, it.says))
            .collect()
    }

    const HTTPS: &str = "https://a.test";

    #[test]
    fn every_known_client_has_a_row_and_its_document_is_of_use_here() {
        for facts in KNOWN {
            let row = row(facts.name);
            let Some(document) = row.document else { continue };
            let finding = read(facts.client_id, document.as_bytes(), row.document);
            assert_eq!(finding.grade, Grade::Ok, "{}: {}", facts.name, finding.says);
        }
    }

    #[test]
    fn a_client_that_nobody_named_is_kept_out_and_the_line_that_lets_it_in_is_said() {
        for row in CLIENTS.iter().filter(|row| row.name != "cursor") {
            let name = row.name;
            let out = failures(name, &config("", HTTPS));
            assert!(out.iter().any(|said| said.contains(&format!("known: [{name}]"))), "{out:?}");
            assert_eq!(failures(name, &config(&format!("known: [{name}]"), HTTPS)), [""; 0], "{name}");
        }
        assert_eq!(failures("claude-code", &config("metadata_domains: [claude.ai]", HTTPS)), [""; 0]);
        assert_eq!(failures("claude-code", &config("metadata_domains: [\"*.claude.ai\"]", HTTPS)).len(), 1);
        assert_eq!(failures("claude-code", &config("metadata_domains: [\"*\"]", HTTPS)), [""; 0]);
    }

    #[test]
    fn a_hosted_client_needs_an_address_that_it_reaches() {
        let here = "http://localhost:8420";
        assert!(failures("claude", &config("known: [claude]", here))[0].starts_with("public_url: claude runs on"));
        assert_eq!(failures("claude-code", &config("known: [claude-code]", here)), [""; 0]);
    }

    /// Field: A5
    #[test]
    fn the_client_that_signs_for_the_token_endpoint_has_to_be_named() {
        let out = failures("chatgpt", &config("metadata_domains: [chatgpt.com]", HTTPS));
        assert!(out.len() == 1 && out[0].starts_with("clients.known: chatgpt signs"), "{out:?}");
    }

    #[test]
    fn a_client_without_a_document_has_to_be_registered_with_its_redirect() {
        assert!(failures("cursor", &config("", HTTPS))[0].contains("cursor: { name: Cursor"));
        let other = "registered: { x: { name: X, redirect_uris: [\"https://x.test/\"] } }";
        assert_eq!(failures("cursor", &config(other, HTTPS)).len(), 1);
        let right = "registered: { cursor: { name: Cursor, redirect_uris: [\"http://localhost:8787/callback\"] } }";
        assert_eq!(failures("cursor", &config(right, HTTPS)), [""; 0]);
    }

    #[test]
    fn a_document_that_changed_is_said_and_one_that_is_of_no_use_fails() {
        let id = "https://claude.ai/oauth/claude-code-client-metadata";
        let known = row("claude-code").document.unwrap();
        let changed = known.replace("http://127.0.0.1/callback", "http://127.0.0.1/other");
        let finding = read(id, changed.as_bytes(), Some(known));
        assert!(finding.grade == Grade::Warning && finding.says.contains("redirect_uris"), "{}", finding.says);
        for broken in
            [known.replace("claude-code-client", "another-client"), "[]".into(), known.replace("\"none\"", "\"tls\"")]
        {
            assert_eq!(read(id, broken.as_bytes(), Some(known)).grade, Grade::Failure, "{broken}");
        }
    }

    #[test]
    fn what_a_client_looks_for_and_does_not_find_is_named() {
        let all = serde_json::json!({
            "client_id_metadata_document_supported": true,
            "authorization_response_iss_parameter_supported": true,
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        });
        for row in CLIENTS {
            assert!(missing(row, &all).is_empty(), "{}", row.name);
            assert!(!missing(row, &serde_json::json!({})).is_empty(), "{}", row.name);
        }
        let text = serde_json::json!({"token_endpoint_auth_methods_supported": "none"});
        assert!(missing(row("cursor"), &text)[0].says.contains("`none`"), "a text is no list");
    }
}
