//! `init` from outside: from the servers somebody has to a file that `check` is content with.

#![allow(clippy::unwrap_used)]

mod installation;

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    routing,
};
use installation::{Ended, Installation};
use serde_json::json;

/// A server of the new era, with a bad item in its list, that wants a token.
async fn guarded() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let answer = |headers: HeaderMap, body: String| async move {
        let method = serde_json::from_str::<serde_json::Value>(&body).unwrap()["method"].as_str().unwrap().to_owned();
        let list = match method.as_str() {
            _ if headers.get("authorization").is_none_or(|token| token != "Bearer right") => {
                return (StatusCode::UNAUTHORIZED, "this server wants an API key\nand more".to_owned());
            }
            "tools/list" => {
                r#""tools":[{"name":"get_x"},{"name":"drop_x"},{"name":"get file"},{"name":"a","name":"b"}]"#
            }
            "prompts/list" => r#""prompts":[{"name":"summarize"}]"#,
            "resources/list" => r#""resources":[{"uri":"file:///docs/a.md","name":"A"}]"#,
            _ => {
                return (
                    StatusCode::BAD_REQUEST,
                    json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601}}).to_string(),
                );
            }
        };
        (StatusCode::OK, format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{{list}}}}}"#))
    };
    let router = Router::new().route("/mcp", routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

async fn run(installation: &Installation, args: &[&str], variables: &[(&str, &str)]) -> Ended {
    tokio::task::block_in_place(|| installation.run_with(args, variables))
}

const TOKEN: (&str, &str) = ("CRM_TOKEN", "right");

/// Field: H6
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_credentials_says_so_and_gets_them_by_reference() {
    let (installation, url) = (Installation::new(""), guarded().await);
    let server = format!("crm={url}");
    let named = ["init", "--config", "new.yaml", "--server", &server];
    let without = run(&installation, &named, &[]).await;
    assert_eq!(without.status, Some(1), "{}", without.said);
    for words in [
        "needs credentials: status 401 (this server wants an API key)",
        "--header 'crm=Authorization: Bearer ${env:CRM_TOKEN}'",
    ] {
        assert!(without.said.contains(words), "{words}\n{}", without.said);
    }
    assert!(!installation.path("new.yaml").exists(), "nothing could be listed");

    let header = ["--header", "crm=Authorization: Bearer ${env:CRM_TOKEN}", "--client", "claude-code"];
    let with = run(&installation, &[&named[..], &header].concat(), &[TOKEN]).await;
    assert_eq!(with.status, Some(0), "{}", with.said);
    let text = installation.read("new.yaml");
    assert!(text.contains("\"Bearer ${env:CRM_TOKEN}\"") && !text.contains("right\""), "{text}");
    for rule in
        ["\"drop_x\": high", "\"get_x\": low", "\"summarize\": low", "file:///docs/a.md", "known: [claude-code]"]
    {
        assert!(text.contains(rule), "{rule}\n{text}");
    }
    let checked = run(&installation, &["check", "--config", "new.yaml"], &[TOKEN]).await;
    assert_eq!(checked.status, Some(0), "{}", checked.said);
    assert!(!checked.said.contains("add rules"), "everything that can be used has a rule\n{}", checked.said);

    let mistaken =
        run(&installation, &[&named[..], &["--force", "--header", "crm=X-Key: hunter2"]].concat(), &[]).await;
    assert_eq!(mistaken.status, Some(2), "{}", mistaken.said);
    assert!(mistaken.said.contains("seen by everybody") && !mistaken.said.contains("hunter2"), "{}", mistaken.said);
}

/// Field: G10, G11
#[tokio::test(flavor = "multi_thread")]
async fn init_and_check_name_what_the_gate_leaves_out() {
    let (installation, url) = (Installation::new(""), guarded().await);
    let server = format!("crm={url}");
    let header = "crm=Authorization: Bearer ${env:CRM_TOKEN}";
    let init = ["init", "--config", "new.yaml", "--server", &server, "--header", header];
    let written = run(&installation, &init, &[TOKEN]).await;
    let checked = run(&installation, &["check", "--config", "new.yaml"], &[TOKEN]).await;
    for said in [written.said, checked.said] {
        assert!(said.contains("`get file`: no call of it passes the gate"), "{said}");
        assert!(said.contains("`a`: two parsers could read it differently"), "{said}");
    }
}

/// Field: H6
#[tokio::test(flavor = "multi_thread")]
async fn one_more_server_is_added_to_the_file_that_is_there() {
    let (installation, url) = (Installation::new("# mine\npeople: {}\n"), guarded().await);
    let before = installation.read("portcullis.yaml");
    let server = format!("crm={url}");
    let header = "crm=Authorization: Bearer ${env:CRM_TOKEN}";
    let init = ["init", "--server", &server, "--header", header];
    assert_eq!(run(&installation, &init, &[TOKEN]).await.status, Some(2), "a file is not replaced without a word");
    let added = run(&installation, &[&init[..], &["--add"]].concat(), &[TOKEN]).await;
    assert_eq!(added.status, Some(0), "{}", added.said);
    let after = installation.read("portcullis.yaml");
    assert!(after.starts_with(&before) && after.contains("\nservers:\n  crm:\n"), "{after}");
    let again = run(&installation, &[&init[..], &["--add"]].concat(), &[TOKEN]).await;
    assert!(again.status == Some(2) && again.said.contains("`crm` already"), "{}", again.said);
    assert_eq!(installation.read("portcullis.yaml"), after);
}

/// Field: O8
#[tokio::test(flavor = "multi_thread")]
async fn an_import_keeps_headers_as_references_and_says_what_it_skips() {
    let (installation, url) = (Installation::new(""), guarded().await);
    let file = format!(
        "{{\"servers\": {{ // mine\n \"CRM\": {{\"url\": \"{url}\", \"headers\": {{\"Authorization\": \"Bearer right\"}}}},\n \
         \"fs\": {{\"command\": \"npx\", \"args\": [\"-y\"]}},\n}}}}"
    );
    installation.write("mcp.json", &file);
    let init = run(&installation, &["init", "--config", "new.yaml", "--import", "mcp.json"], &[]).await;
    assert_eq!(init.status, Some(0), "{}", init.said);
    for words in ["set the environment variable CRM_TOKEN", "fs is skipped: it is started as a command (npx)"] {
        assert!(init.said.contains(words), "{words}\n{}", init.said);
    }
    let text = installation.read("new.yaml");
    assert!(text.contains("Bearer ${env:CRM_TOKEN}") && !text.contains("Bearer right"), "{text}");
    assert!(text.contains("\"get_x\": low"), "the imported credential was used to ask: {text}");
    let without = run(&installation, &["check", "--config", "new.yaml"], &[]).await;
    assert!(without.status == Some(2) && without.said.contains("CRM_TOKEN is not set"), "{}", without.said);
}
