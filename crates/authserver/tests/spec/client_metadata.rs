use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, AtomicUsize, Ordering},
};

use http::{Response, header};
use net::{FetchRules, ListenLimits, Listener, Tls};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::world::*;

/// A vendor that publishes documents on this computer.
pub struct Vendor {
    pub url: String,
    document: Arc<Mutex<Value>>,
    fetched: Arc<AtomicUsize>,
    /// Statuses of the document and of the keys.
    status: Arc<[AtomicU16; 2]>,
    pub rules: FetchRules,
}

impl Vendor {
    pub async fn start() -> Self {
        net::install_crypto_provider();
        let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).unwrap().pem().into_bytes();
        let issuer = Issuer::new(params, authority_key);
        let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let tls = Tls::from_pem(leaf.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), Some(tls)).await.unwrap();
        let port = listener.local_addr().port();
        let url = format!("https://localhost:{port}/deskbot/client.json");
        let document = Arc::new(Mutex::new(json!({
            "client_id": url, "client_name": "Desk\u{202e}bot", "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
        })));
        let fetched = Arc::new(AtomicUsize::new(0));
        let status = Arc::new([AtomicU16::new(200), AtomicU16::new(200)]);
        let (served, count, statuses) = (document.clone(), fetched.clone(), status.clone());
        let answer = move |request: http::Request<net::Inbound>| {
            let document = served.lock().unwrap().clone();
            let (body, status) = match request.uri().path() {
                "/deskbot/keys.json" => (document["served_keys"].clone(), &statuses[1]),
                _ => {
                    count.fetch_add(1, Ordering::SeqCst);
                    (document, &statuses[0])
                }
            };
            let status = status.load(Ordering::SeqCst);
            async move {
                Response::builder()
                    .status(status)
                    .header(header::CONTENT_TYPE, "application/json")
                    .header(header::CACHE_CONTROL, "max-age=3600")
                    .body(net::full(body.to_string()))
                    .unwrap()
            }
        };
        tokio::spawn(listener.serve(ListenLimits::default(), answer, std::future::pending::<()>()));
        let rules = FetchRules { extra_ca_pem: Some(authority), exempt_hosts: vec![format!("localhost:{port}")] };
        Self { url, document, fetched, status, rules }
    }

    async fn world(&self) -> World {
        let allow = |config: &mut Value| config["clients"]["metadata_domains"] = json!(["localhost"]);
        World::of(allow, self.rules.clone(), "").await
    }

    fn link(&self) -> String {
        link("tickets:low", &[("client_id", &self.url)])
    }

    /// What it answers from now on, for the document and for the keys.
    pub fn answers(&self, document: u16, keys: u16) {
        self.status[0].store(document, Ordering::SeqCst);
        self.status[1].store(keys, Ordering::SeqCst);
    }

    pub fn change(&self, name: &str, value: Value) {
        self.document.lock().unwrap()[name] = value;
    }
}

/// Spec: draft-ietf-oauth-client-id-metadata-document
#[tokio::test]
async fn a_published_client_is_shown_by_host_and_gets_tokens() {
    let vendor = Vendor::start().await;
    let world = vendor.world().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&vendor.link()).await;
    for words in ["Deskbot", "localhost", "desk.test", "published"] {
        assert!(page.body.contains(words), "{words}");
    }
    let code = browser.answer(&page, "allow", "").await.parameter("code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &vendor.url),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let token = world.token(&fields).await.granted();
    assert_eq!(claims(&token)["agent_id"], "deskbot@ada");
    assert!(token["refresh_token"].is_string());
}

/// Spec: draft-ietf-oauth-client-id-metadata-document (caching)
#[tokio::test]
async fn a_document_is_fetched_again_only_when_it_is_stale_and_errors_are_never_kept() {
    let vendor = Vendor::start().await;
    let world = vendor.world().await;
    let size = world.log_size().await;
    assert!(world.get(&vendor.link()).await.location().starts_with("/login?next="));
    assert_eq!((vendor.fetched.load(Ordering::SeqCst), world.log_size().await), (0, size), "nothing before the login");
    let mut browser = world.signed_in("ada").await;
    for _ in 0..3 {
        browser.get(&vendor.link()).await;
    }
    assert_eq!(vendor.fetched.load(Ordering::SeqCst), 1);
    assert_eq!(world.events(1).await, ["client_read"]);
    world.advance(3601);
    vendor.change("client_id", json!("https://localhost/other"));
    browser.get(&vendor.link()).await.page(403, "not the URL it was fetched from");
    vendor.change("client_id", json!(vendor.url));
    browser.get(&vendor.link()).await;
    assert_eq!(vendor.fetched.load(Ordering::SeqCst), 3);
}

/// Spec: draft-ietf-oauth-client-id-metadata-document (client authentication), RFC 7523 §3
#[tokio::test]
async fn a_client_that_published_a_key_has_to_use_it() {
    let vendor = Vendor::start().await;
    let world = vendor.world().await;
    let key = crypto::AgentKey::generate();
    vendor.change("token_endpoint_auth_method", json!("private_key_jwt"));
    vendor.change("jwks_uri", json!(vendor.url.replace("client.json", "keys.json")));
    vendor.change("served_keys", json!({"keys": [key.public_jwk()]}));
    let mut browser = world.browser();
    let page = browser.consent_page(&vendor.link()).await;
    page.page(200, "proven");
    let code = browser.answer(&page, "allow", "").await.parameter("code");
    let base = [("grant_type", "authorization_code"), ("code", code.as_str()), ("code_verifier", VERIFIER)];
    let public = [base[0], base[1], base[2], ("client_id", vendor.url.as_str())];
    world.token(&public).await.refused(401, "invalid_client");
    let assertion = key.sign_assertion(&vendor.url, ISSUER, world.store.now()).unwrap();
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    world.token(&[base[0], base[1], base[2], kind, ("client_assertion", &assertion)]).await.granted();
}

/// Spec: draft-ietf-oauth-client-id-metadata-document (caching), RFC 7523 §3
#[tokio::test]
async fn old_keys_are_read_again_before_they_are_believed() {
    let vendor = Vendor::start().await;
    let world = vendor.world().await;
    let (key, next_key) = (crypto::AgentKey::generate(), crypto::AgentKey::generate());
    vendor.change("token_endpoint_auth_method", json!("private_key_jwt"));
    vendor.change("jwks_uri", json!(vendor.url.replace("client.json", "keys.json")));
    vendor.change("served_keys", json!({"keys": [key.public_jwk()]}));
    let code = world.browser().code(&vendor.link()).await;
    let send = async |key: &crypto::AgentKey, fields: [(&str, &str); 3]| {
        let assertion = key.sign_assertion(&vendor.url, ISSUER, world.store.now()).unwrap();
        let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let [one, two, three] = fields;
        world.token(&[one, two, three, kind, ("client_assertion", &assertion)]).await
    };
    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("code_verifier", VERIFIER)];
    let first = send(&key, fields).await.granted();
    let refresh = async |key: &crypto::AgentKey, token: &Value| {
        let token = token["refresh_token"].as_str().unwrap();
        send(key, [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "")]).await
    };
    world.advance(24 * 3600);
    let second = refresh(&key, &first).await.granted();
    assert_eq!(vendor.fetched.load(Ordering::SeqCst), 1);
    world.advance(3600);
    refresh(&next_key, &second).await.refused(401, "invalid_client");
    assert_eq!(vendor.fetched.load(Ordering::SeqCst), 1, "a stranger does not make us fetch");
    let third = refresh(&key, &second).await.granted();
    assert_eq!(vendor.fetched.load(Ordering::SeqCst), 2);
    vendor.change("served_keys", json!({"keys": [next_key.public_jwk()]}));
    world.advance(25 * 3600);
    refresh(&key, &third).await.refused(401, "invalid_client");
    let record = world.store.last_records(2).await.unwrap();
    assert!(record.iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains("\"change\":\"changed\"")));
    refresh(&next_key, &third).await.granted();
}

/// Spec: draft-ietf-oauth-client-id-metadata-document (SSRF)
#[tokio::test]
async fn a_document_that_can_not_be_trusted_is_refused_with_its_reason_recorded() {
    let vendor = Vendor::start().await;
    let world = vendor.world().await;
    let mut browser = world.signed_in("ada").await;
    vendor.change("client_secret", json!("s"));
    browser.get(&vendor.link()).await.page(403, "client secret");
    vendor.document.lock().unwrap().as_object_mut().unwrap().remove("client_secret");
    vendor.change("padding", json!("x".repeat(6000)));
    assert_eq!(browser.get(&vendor.link()).await.status.as_u16(), 403);
    vendor.change("padding", json!(""));
    vendor.change("token_endpoint_auth_method", json!("private_key_jwt"));
    vendor.change("jwks_uri", json!("https://elsewhere.test/keys.json"));
    browser.get(&vendor.link()).await.page(403, "jwks_uri");
    assert_eq!(world.events(3).await, ["client_refused"; 3]);
    let strict = World::with(|config| config["clients"]["metadata_domains"] = json!(["localhost"])).await;
    let mut browser = strict.browser();
    browser.log_in("ada", PASSWORD, "/me").await;
    assert_eq!(browser.get(&vendor.link()).await.status.as_u16(), 403);
    let fields = [("grant_type", "refresh_token"), ("client_id", vendor.url.as_str()), ("refresh_token", "rt_x")];
    strict.token(&fields).await.refused(401, "invalid_client");
}

/// Spec: RFC 9700 §4.11.2
/// Field: S9
#[tokio::test]
async fn nobody_is_sent_on_to_a_published_redirect_without_a_page() {
    let vendor = Vendor::start().await;
    let world = vendor.world().await;
    let mut browser = world.signed_in("ada").await;
    for (changes, error) in [
        (&[("prompt", "none")][..], "consent_required"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("scope", "admin")], "invalid_scope"),
        (&[("scope", "files:low")], "invalid_scope"),
        (&[("resource", "https://gw.test/mcp/nothing")], "invalid_target"),
        (&[("request_uri", "https://evil.test/r")], "request_uri_not_supported"),
    ] {
        let all = [&[("client_id", vendor.url.as_str())], changes].concat();
        let page = browser.get(&link("tickets:low", &all)).await;
        page.page(400, "Deskbot");
        let onward = format!("{CALLBACK}?error={error}&#38;");
        assert!(page.body.contains(&onward) && page.body.contains("iss="), "{error}: {}", page.body);
        assert!(page.body.contains("desk.test") && page.body.contains("state=u81Lq"));
        assert!(page.headers.get("refresh").is_none(), "the person goes on, not the page");
    }
    world.block(model::Target::Client(vendor.url.parse().unwrap())).await;
    browser.get(&vendor.link()).await.page(400, "error=access_denied");
}

/// The client is not told which, and its person is.
///
/// Field: H10
#[tokio::test]
async fn the_page_before_a_client_gets_nothing_names_the_policy_that_says_so() {
    let vendor = Vendor::start().await;
    let policy = r#"@id("nobody-writes") forbid (principal, action in Action::"call", resource)
                    when { resource.tier != Tier::"low" };"#;
    let allow = |config: &mut Value| config["clients"]["metadata_domains"] = json!(["localhost"]);
    let world = World::of(allow, vendor.rules.clone(), policy).await;
    let mut browser = world.signed_in("ada").await;
    let page = browser.get(&link("tickets:medium", &[("client_id", vendor.url.as_str())])).await;
    page.page(400, "<code>nobody-writes</code>");
    let onward = page.body.split_once("error_description=").unwrap().1.split('"').next().unwrap();
    assert!(!onward.contains("nobody-writes"), "{onward}");
}

/// What the person answered on a page of ours leads back at once.
///
/// Field: S9
#[tokio::test]
async fn a_person_who_denies_a_published_client_goes_back_at_once() {
    let vendor = Vendor::start().await;
    let world = vendor.world().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&vendor.link()).await;
    browser.answer(&page, "deny", "").await.sent_back("access_denied");
}

/// Field: A6
#[tokio::test]
async fn a_document_with_redirects_for_other_servers_works_with_those_for_us() {
    let vendor = Vendor::start().await;
    let world = vendor.world().await;
    let other = "cursor://anysphere.cursor-mcp/oauth/callback";
    vendor.change("redirect_uris", json!([other, "https://vendor.test/*", CALLBACK, "http://127.0.0.1/cb#x", 7]));
    vendor.change("grant_types", json!(["authorization_code", "refresh_token", "urn:example:other"]));
    vendor.change("response_types", json!(["code", "token"]));
    let mut browser = world.browser();
    let page = browser.consent_page(&vendor.link()).await;
    let code = browser.answer(&page, "allow", "").await.parameter("code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &vendor.url),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    assert!(world.token(&fields).await.granted()["refresh_token"].is_string());
    let log = world.log().await;
    assert!(log.contains("\"ignored\":6") && log.contains("anysphere.cursor-mcp"), "{log}");
    for redirect in [other, "https://vendor.test/*", "https://vendor.test/a", "http://127.0.0.1/cb#x"] {
        let changes = [("client_id", vendor.url.as_str()), ("redirect_uri", redirect)];
        browser.get(&link("tickets:low", &changes)).await.page(400, "sent back safely");
    }
    vendor.change("redirect_uris", json!([other, "https://vendor.test/*"]));
    world.advance(3601);
    browser.get(&vendor.link()).await.page(403, "no usable redirect");
}

/// Spec: RFC 5861 §4
/// Field: A10
#[tokio::test]
async fn while_the_host_of_a_client_is_down_the_copy_of_its_document_stands_in_for_a_day() {
    let vendor = Vendor::start().await;
    let world = vendor.world().await;
    let mut browser = world.signed_in("ada").await;
    vendor.answers(503, 200);
    browser.get(&vendor.link()).await.page(403, "status 503");
    vendor.answers(200, 200);
    browser.get(&vendor.link()).await.page(200, "Deskbot");
    vendor.answers(503, 200);
    world.advance(3600 + 24 * 3600 - 1);
    browser.log_in("ada", PASSWORD, "/me").await;
    let page = browser.get(&vendor.link()).await;
    page.page(200, "Deskbot");
    let record = world.last_record().await;
    let word = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    assert_eq!([word("event"), word("change"), word("cause")], ["client_read", "not_read", "status"]);
    let fetched = vendor.fetched.load(Ordering::SeqCst);
    let code = browser.answer(&page, "allow", "").await.parameter("code");
    assert_eq!(vendor.fetched.load(Ordering::SeqCst), fetched, "not asked again at once");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &vendor.url),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    world.token(&fields).await.granted();
    world.advance(1);
    browser.get(&vendor.link()).await.page(403, "status 503");
    vendor.answers(200, 200);
    browser.get(&vendor.link()).await.page(200, "Deskbot");
}

/// Field: A10
#[tokio::test]
async fn what_the_host_says_counts_more_than_the_copy() {
    let vendor = Vendor::start().await;
    let world = vendor.world().await;
    let mut browser = world.browser();
    browser.consent_page(&vendor.link()).await;
    world.advance(3601);
    for status in [404, 410, 403, 301] {
        vendor.answers(status, 200);
        assert_eq!(browser.get(&vendor.link()).await.status.as_u16(), 403, "{status}");
    }
    vendor.answers(200, 200);
    vendor.change("redirect_uris", json!(["https://elsewhere.test/cb"]));
    browser.get(&vendor.link()).await.page(400, "sent back safely");
    vendor.answers(503, 200);
    browser.get(&vendor.link()).await.page(400, "sent back safely");
}

/// Field: A10
#[tokio::test]
async fn no_copy_stands_in_for_keys_that_can_not_be_read() {
    let vendor = Vendor::start().await;
    let world = vendor.world().await;
    let key = crypto::AgentKey::generate();
    vendor.change("token_endpoint_auth_method", json!("private_key_jwt"));
    vendor.change("jwks_uri", json!(vendor.url.replace("client.json", "keys.json")));
    vendor.change("served_keys", json!({"keys": [key.public_jwk()]}));
    let mut browser = world.browser();
    let page = browser.consent_page(&vendor.link()).await;
    let code = browser.answer(&page, "allow", "").await.parameter("code");
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let send = async |fields: [(&str, &str); 3]| {
        let assertion = key.sign_assertion(&vendor.url, ISSUER, world.store.now()).unwrap();
        let [one, two, three] = fields;
        world.token(&[one, two, three, kind, ("client_assertion", &assertion)]).await
    };
    let token =
        send([("grant_type", "authorization_code"), ("code", &code), ("code_verifier", VERIFIER)]).await.granted();
    world.advance(3601);
    vendor.answers(200, 503);
    browser.get(&vendor.link()).await.page(403, "its keys could not be read");
    // A client that proves itself with keys that are too old has to be read again, and can not be.
    world.advance(25 * 3600);
    vendor.answers(503, 503);
    let refresh = token["refresh_token"].as_str().unwrap();
    send([("grant_type", "refresh_token"), ("refresh_token", refresh), ("scope", "")])
        .await
        .refused(401, "invalid_client");
}
