//! Whatever the documents tell people to type runs.

#![allow(clippy::unwrap_used)]

mod installation;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use installation::Installation;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The pages for operators, with their text.
fn pages() -> Vec<(String, String)> {
    let docs = fs::read_dir(Path::new(ROOT).join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let readme = Path::new(ROOT).join("README.md");
    let pages = docs.chain([readme]).filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    // The page of reports tells what was typed before it was right.
    let pages = pages.filter(|path| !path.ends_with("field.md"));
    pages.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap())).collect()
}

/// The first block of that language after `heading`.
fn block(page: &str, heading: &str, language: &str) -> String {
    let text = fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
    let after = text.split(heading).nth(1).unwrap_or_else(|| panic!("{heading} in {page}"));
    after.split(&format!("```{language}\n")).nth(1).unwrap().split("\n```").next().unwrap().to_owned()
}

/// The commands of ours on a page: in blocks, and in code inside sentences.
fn commands(text: &str) -> Vec<Vec<String>> {
    let spans = text.split('`').skip(1).step_by(2).flat_map(str::lines);
    let mut found = Vec::new();
    for line in text.lines().chain(spans) {
        let line = line.trim().split("  #").next().unwrap_or_default();
        let ours = ["portcullis ", "cargo run --release -- ", "target/debug/portcullis "];
        let Some(arguments) = ours.iter().find_map(|before| line.strip_prefix(before)) else { continue };
        let words = words(arguments);
        // A name of the product at the beginning of a sentence is no command.
        if words.first().is_some_and(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-')) {
            found.push(words);
        }
    }
    found
}

/// As a shell takes them: what stands between quotes is one word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('"').enumerate() {
        match at % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// Field: H17
#[test]
fn every_command_that_a_page_shows_is_one_that_the_program_takes() {
    let installation = Installation::of("");
    let mut ran = 0;
    for (page, text) in pages() {
        for words in commands(&text) {
            // What stands for something else, and what would not end.
            if words.iter().any(|word| word.contains('|')) || ["serve", "demo"].contains(&words[0].as_str()) {
                continue;
            }
            let args: Vec<&str> = words.iter().map(String::as_str).collect();
            let ended = installation.run(&args);
            for wrong in
                ["unexpected argument", "unrecognized subcommand", "invalid value", "the argument '", "panicked"]
            {
                assert!(!ended.said.contains(wrong), "{page}: {words:?}\n{}", ended.said);
            }
            ran += 1;
        }
    }
    assert!(ran > 10, "{ran}");
}

/// A server to protect, as the pages have one.
async fn tickets() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(tickets::serve(listener));
    format!("http://{address}/mcp")
}

/// Field: H17
#[tokio::test(flavor = "multi_thread")]
async fn the_lines_about_ones_own_servers_run_one_after_the_other() {
    let url = tickets().await;
    let installation = Installation::of("");
    fs::remove_file(installation.path("portcullis.yaml")).unwrap();
    let block = block("README.md", "## Your own servers", "").replace("http://127.0.0.1:3001/mcp", &url);
    let lines = commands(&block);
    assert_eq!(lines.iter().map(|words| words[0].as_str()).collect::<Vec<_>>(), ["init", "check", "person", "serve"]);
    for words in &lines[..3] {
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        let ended = tokio::task::block_in_place(|| installation.run(&args));
        assert_eq!(ended.status, Some(0), "{words:?}\n{}", ended.said);
    }
    assert!(installation.read("portcullis.yaml").contains("\"delete_ticket\": high"));
}

/// Field: H17
#[tokio::test(flavor = "multi_thread")]
async fn the_one_complete_file_is_one_that_check_is_content_with() {
    let url = tickets().await;
    let yaml = block("docs/testing-from-outside.md", "## One complete file", "yaml");
    let installation = Installation::of(&yaml.replace("http://127.0.0.1:3001/mcp", &url));
    fs::create_dir(installation.path("policies")).unwrap();
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    installation.write("test-ca.pem", &authority.cert.pem());
    let check = || installation.run_with(&["check"], &[("BOB_PASSWORD", "correct horse battery bob")]);
    let checked = tokio::task::block_in_place(check);
    assert_eq!(checked.status, Some(0), "{}", checked.said);
}

/// Is that Python here, with the one package that the page names?
fn python() -> Option<&'static str> {
    let tried = Command::new("python3").args(["-c", "import cryptography"]).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success()).then_some("python3")
}

/// Spec: RFC 9449 §4.2
/// Field: H9
#[tokio::test(flavor = "multi_thread")]
async fn the_agent_of_the_page_makes_its_calls() {
    let Some(python) = python() else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let issuer = format!("http://localhost:{port}");
    let installation = Installation::of("");
    let made = installation.run(&["agent", "keygen", "nightly"]);
    assert_eq!(made.status, Some(0), "{}", made.said);
    let entry = made.printed.split("\n\n").nth(1).unwrap();
    let entry = entry.replace("NAME-OF-A-PERSON", "ada").replace("NAME-OF-A-SERVER", "tickets");
    let url = tickets().await;
    installation.write(
        "portcullis.yaml",
        &format!(
            "public_url: {issuer}\nstore: sqlite:./data\ndata_dir: ./data\npeople: {{ ada: {{}}, bob: {{ roles: [approver] }} }}\n\
             servers:\n  tickets: {{ url: \"{url}\", tools: {{ \"list_*\": low, \"delete_*\": high }} }}\n{entry}\n"
        ),
    );
    let _serving = installation.serve();
    installation.write("agent.py", &block("docs/agents.md", "# An agent", "python"));
    let mut agent = Command::new(python)
        .arg("agent.py")
        .current_dir(installation.path("."))
        .envs([("AGENT", "nightly"), ("ISSUER", &issuer), ("SERVER", "tickets"), ("KEY_FILE", "nightly.pem")])
        .env("TICKET", "T-1050")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(agent.stdout.take().unwrap()).lines().map_while(Result::ok);
    tokio::task::block_in_place(|| {
        let low = lines.next().unwrap();
        assert!(low.contains("\"result\"") && low.contains("T-1050"), "{low}");
        let waiting = lines.next().unwrap();
        let id = waiting.strip_prefix("waiting for a person: ").unwrap_or_else(|| panic!("{waiting}"));
        let own = installation.run(&["elevation", "approve", id, "--as", "ada"]);
        assert_eq!(own.status, Some(2), "nobody approves their own agent\n{}", own.said);
        let approved = installation.run(&["elevation", "approve", id, "--as", "bob"]);
        assert_eq!(approved.status, Some(0), "{}", approved.said);
        let last = lines.last().unwrap();
        assert!(last.contains("\"result\"") && !last.contains("\"isError\": true"), "{last}");
        assert!(agent.wait().unwrap().success());
    });
    installation.write("proven.py", &block("docs/agents.md", "## A token that is worth nothing", "python"));
    let proven = Command::new(python)
        .arg("proven.py")
        .current_dir(installation.path("."))
        .envs([("AGENT", "nightly"), ("ISSUER", &issuer), ("SERVER", "tickets"), ("KEY_FILE", "nightly.pem")])
        .output();
    let proven = tokio::task::block_in_place(|| proven).unwrap();
    let said = String::from_utf8(proven.stdout).unwrap();
    let (scheme, answer) = said.split_once('\n').unwrap_or_else(|| panic!("{said}"));
    assert!(scheme == "DPoP" && answer.contains("\"result\"") && answer.contains("T-1041"), "{said}");
}

/// Field: H9
#[test]
fn a_key_is_made_once_for_its_owner_only_and_never_printed() {
    use std::os::unix::fs::PermissionsExt;
    let installation = Installation::of("");
    let made = installation.run(&["agent", "keygen", "nightly", "--out", "key.pem"]);
    assert!(made.status == Some(0) && !made.said.contains("PRIVATE"), "{}", made.said);
    let key = installation.read("key.pem");
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(fs::metadata(installation.path("key.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    let again = installation.run(&["agent", "keygen", "nightly", "--out", "key.pem"]);
    assert!(again.status == Some(2) && again.said.contains("key.pem"), "{}", again.said);
    assert_eq!(installation.read("key.pem"), key, "a key that is there is never replaced");
    assert_eq!(installation.run(&["agent", "keygen", "../x"]).status, Some(2));
}
