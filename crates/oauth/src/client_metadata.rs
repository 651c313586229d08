//! A Client ID Metadata Document, as bytes from a stranger.
//!
//! A document is written for many servers at once: what one entry of a list says that is of no use here is left out
//! and named, and the document is refused only when nothing of use is left. What says something about its owner that
//! must not be so, such as a published secret, refuses the whole.
//!
//! Spec: draft-ietf-oauth-client-id-metadata-document (client information document), RFC 7591 §2;
//! MCP 2026-07-28 basic/authorization (`client_name` and `redirect_uris` are required).

use crypto::{KeyError, PublicKeys};
use model::{Assurance, AuthMethod, Client, ClientId, GrantType};
use serde_json::{Map, Value};

use crate::redirect;

/// Why a document is refused. Texts are shown to the person, so they quote nothing from the document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// No JSON object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// It is about another client.
    #[error("its `client_id` is not the URL it was fetched from")]
    AboutAnother,
    /// It publishes a secret.
    #[error("it contains a client secret, which a public document must not")]
    Secret,
    /// Nothing to call the client.
    #[error("it has no usable `client_name`")]
    NoName,
    /// Nowhere to send a code to.
    #[error("its `redirect_uris` holds no usable redirect (https, or http on this computer)")]
    NoRedirect,
    /// It authenticates in no way we know.
    #[error("its `token_endpoint_auth_method` is neither none nor private_key_jwt")]
    AuthMethod,
    /// It signs with keys it does not name.
    #[error("it says private_key_jwt but has neither `jwks` nor `jwks_uri`")]
    NoKeys,
    /// Its keys are of no use, or private.
    #[error("its keys can not be used: {0}")]
    Keys(#[from] KeyError),
    /// Its keys are somebody else's to change.
    #[error("its `jwks_uri` is not on the host of its client_id")]
    KeysElsewhere,
    /// Its keys can not be had.
    #[error("its keys could not be read: {0}")]
    KeysUnread(String),
    /// It does not ask for codes.
    #[error("it does not use the authorization code grant")]
    NoCodeGrant,
    /// It does not want codes as the answer.
    #[error("its `response_types` does not hold `code`")]
    NoCodeResponse,
}

/// An entry of a document that is of no use here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The member it stands in.
    pub member: &'static str,
    /// The entry, cut to a length that can be shown.
    pub entry: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl std::fmt::Display for Ignored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} `{}`: {}", self.member, self.entry, self.why)
    }
}

/// A document that is about `id` and breaks no rule. Keys at a `jwks_uri` are still to be fetched.
#[derive(Debug)]
pub struct Document {
    /// The client it describes.
    pub client: Client,
    /// Where its keys are, when they are not in it.
    pub jwks_uri: Option<String>,
    /// What it says besides, and is of no use here.
    pub ignored: Vec<Ignored>,
}

/// Reads the document that was fetched from `id`, as the authorization server does at `/oauth/authorize`.
///
/// # Errors
/// [`DocumentError`], when nothing usable is left, or it must not be so.
pub fn read_document(id: &ClientId, bytes: &[u8]) -> Result<Document, DocumentError> {
    let Ok(Value::Object(document)) = serde_json::from_slice(bytes) else { return Err(DocumentError::NotAnObject) };
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    if text("client_id") != Some(id.as_str()) {
        return Err(DocumentError::AboutAnother);
    }
    if document.contains_key("client_secret") || document.contains_key("client_secret_expires_at") {
        return Err(DocumentError::Secret);
    }
    let name = model::shown(text("client_name").unwrap_or_default(), 64);
    if name.is_empty() {
        return Err(DocumentError::NoName);
    }
    let mut ignored = Vec::new();
    let redirect_uris = redirects(&document, &mut ignored)?;
    let (auth, jwks, jwks_uri) = keys(&document, &mut ignored)?;
    response_types(&document, &mut ignored)?;
    let client = Client {
        id: id.clone(),
        name,
        assurance: Assurance::of_client(auth, &redirect_uris),
        redirect_uris,
        auth,
        grant_types: grant_types(&document, auth, &mut ignored)?,
        jwks,
        server: None,
        // Whatever is not `false` or absent is a wish for the stricter of the two.
        dpop_bound_access_tokens: !matches!(document.get("dpop_bound_access_tokens"), None | Some(Value::Bool(false))),
    };
    Ok(Document { client, jwks_uri, ignored })
}

/// Those we could send a code to; a document may list others that are for other servers.
fn redirects(document: &Map<String, Value>, ignored: &mut Vec<Ignored>) -> Result<Vec<String>, DocumentError> {
    let mut usable = Vec::new();
    for entry in list(document, "redirect_uris").ok_or(DocumentError::NoRedirect)? {
        let fault = match entry.as_str() {
            None => Some(NOT_TEXT),
            Some(uri) => redirect::fault(uri),
        };
        match (fault, entry.as_str()) {
            (None, Some(uri)) if usable.len() < MOST_REDIRECTS => usable.push(uri.to_owned()),
            (None, _) => ignored.push(ignore("redirect_uris", entry, "there are too many before it")),
            (Some(fault), _) => ignored.push(ignore("redirect_uris", entry, fault)),
        }
    }
    if usable.is_empty() { Err(DocumentError::NoRedirect) } else { Ok(usable) }
}

type Keys = (AuthMethod, Option<Value>, Option<String>);

fn keys(document: &Map<String, Value>, ignored: &mut Vec<Ignored>) -> Result<Keys, DocumentError> {
    let jwks = match document.get("jwks").map(|jwks| (jwks, PublicKeys::parse(jwks))) {
        None => None,
        Some((jwks, Ok(_))) => Some(Ok(jwks.clone())),
        // Whatever the method says: its owner published a secret.
        Some((_, Err(private @ KeyError::Private { .. }))) => return Err(private.into()),
        Some((_, Err(error))) => Some(Err(error)),
    };
    let jwks_uri = document.get("jwks_uri").and_then(Value::as_str).map(str::to_owned);
    match auth_method(document, ignored, jwks.is_some() || jwks_uri.is_some())? {
        AuthMethod::PrivateKeyJwt => match (jwks, jwks_uri) {
            (None, None) => Err(DocumentError::NoKeys),
            (Some(jwks), _) => Ok((AuthMethod::PrivateKeyJwt, Some(jwks?), None)),
            (None, Some(uri)) => Ok((AuthMethod::PrivateKeyJwt, None, Some(uri))),
        },
        _ => Ok((AuthMethod::None, None, None)),
    }
}

/// One word as RFC 7591 says, or a list of what the client can do, of which the strongest we know is taken.
fn auth_method(
    document: &Map<String, Value>,
    ignored: &mut Vec<Ignored>,
    has_keys: bool,
) -> Result<AuthMethod, DocumentError> {
    const MEMBER: &str = "token_endpoint_auth_method";
    let listed = match document.get(MEMBER) {
        None => return Ok(AuthMethod::None),
        Some(Value::String(word)) if word.starts_with("client_secret_") => return Err(DocumentError::Secret),
        Some(Value::Array(words)) => words.as_slice(),
        Some(word) => std::slice::from_ref(word),
    };
    let (mut open, mut signed) = (false, false);
    for word in listed {
        match word.as_str() {
            Some("none") => open = true,
            Some("private_key_jwt") if has_keys || listed.len() == 1 => signed = true,
            Some("private_key_jwt") => ignored.push(ignore(MEMBER, word, "there are no keys")),
            _ => ignored.push(ignore(MEMBER, word, "it is neither none nor private_key_jwt")),
        }
    }
    match (signed, open) {
        (true, _) => Ok(AuthMethod::PrivateKeyJwt),
        (false, true) => Ok(AuthMethod::None),
        (false, false) => Err(DocumentError::AuthMethod),
    }
}

/// Spec: RFC 7591 §2 (`grant_types` defaults to the code grant alone).
fn grant_types(
    document: &Map<String, Value>,
    auth: AuthMethod,
    ignored: &mut Vec<Ignored>,
) -> Result<Vec<GrantType>, DocumentError> {
    // Whose name anybody can claim brings no word of an identity provider either.
    let of_enterprises = (auth == AuthMethod::PrivateKeyJwt).then_some(GrantType::JwtBearer);
    let usable: Vec<GrantType> = match document.contains_key("grant_types") {
        false => vec![GrantType::AuthorizationCode],
        true => {
            let all: Vec<GrantType> = OF_PEOPLE.into_iter().chain(of_enterprises).collect();
            let words: Vec<&str> = all.iter().map(|grant| grant.as_str()).collect();
            let listed = known(document, "grant_types", &words, ignored).ok_or(DocumentError::NoCodeGrant)?;
            all.into_iter().filter(|grant| listed.iter().any(|word| word == grant.as_str())).collect()
        }
    };
    match usable.contains(&GrantType::AuthorizationCode) {
        true => Ok(usable),
        false => Err(DocumentError::NoCodeGrant),
    }
}

/// Spec: RFC 7591 §2 (`response_types` defaults to `code` alone).
fn response_types(document: &Map<String, Value>, ignored: &mut Vec<Ignored>) -> Result<(), DocumentError> {
    if !document.contains_key("response_types") {
        return Ok(());
    }
    match known(document, "response_types", &["code"], ignored) {
        Some(usable) if !usable.is_empty() => Ok(()),
        _ => Err(DocumentError::NoCodeResponse),
    }
}

/// Entries of a list that are among `words`; the others are ignored. `None` when it is no list.
fn known(
    document: &Map<String, Value>,
    member: &'static str,
    words: &[&str],
    ignored: &mut Vec<Ignored>,
) -> Option<Vec<String>> {
    let mut usable = Vec::new();
    for entry in list(document, member)? {
        match entry.as_str() {
            Some(word) if words.contains(&word) => usable.push(word.to_owned()),
            Some(_) => ignored.push(ignore(member, entry, "there is no such thing here")),
            None => ignored.push(ignore(member, entry, NOT_TEXT)),
        }
    }
    Some(usable)
}

fn list<'d>(document: &'d Map<String, Value>, member: &str) -> Option<&'d Vec<Value>> {
    document.get(member)?.as_array()
}

fn ignore(member: &'static str, entry: &Value, why: &'static str) -> Ignored {
    let text = entry.as_str().map_or_else(|| entry.to_string(), str::to_owned);
    Ignored { member, entry: model::shown(&text, 120), why }
}

/// What a client that acts for people can use.
const OF_PEOPLE: [GrantType; 2] = [GrantType::AuthorizationCode, GrantType::RefreshToken];
const NOT_TEXT: &str = "it is not text";
const MOST_REDIRECTS: usize = 32;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const URL: &str = "https://agents.vendor.test/deskbot/client.json";

    fn read(change: impl FnOnce(&mut Value)) -> Result<Document, DocumentError> {
        let mut document = json!({
            "client_id": URL, "client_name": "Deskbot", "redirect_uris": ["https://agents.vendor.test/cb"],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
        });
        change(&mut document);
        read_document(&URL.parse().unwrap(), document.to_string().as_bytes())
    }

    /// Spec: draft-ietf-oauth-client-id-metadata-document
    #[test]
    fn a_document_about_itself_makes_a_published_client() {
        let client = read(|_| {}).ok().unwrap().client;
        assert_eq!((client.name.as_str(), client.assurance), ("Deskbot", Assurance::Published));
    }

    #[test]
    fn a_loopback_redirect_makes_a_public_client_only_declared() {
        let client = read(|d| d["redirect_uris"] = json!(["http://localhost/cb", "https://x.test/cb"])).ok().unwrap();
        assert_eq!(client.client.assurance, Assurance::Declared);
    }

    /// Spec: draft-ietf-oauth-client-id-metadata-document; MCP 2026-07-28 basic/authorization
    #[test]
    fn a_document_that_breaks_a_rule_is_refused() {
        let refused = |change: fn(&mut Value)| read(change).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused(|d| d["client_id"] = json!("https://agents.vendor.test/deskbot/client.json/")).contains("URL"));
        assert!(refused(|d| d["client_secret"] = json!("s")).contains("secret"));
        assert!(refused(|d| d["client_secret_expires_at"] = json!(0)).contains("secret"));
        assert!(refused(|d| d["token_endpoint_auth_method"] = json!("client_secret_basic")).contains("secret"));
        assert!(refused(|d| d["token_endpoint_auth_method"] = json!("tls_client_auth")).contains("neither"));
        assert!(refused(|d| d["token_endpoint_auth_method"] = json!("private_key_jwt")).contains("jwks"));
        assert!(refused(|d| d["client_name"] = json!("\u{200b}\u{202e}")).contains("name"));
        assert!(refused(|d| d["client_name"] = json!(7)).contains("name"));
        assert!(refused(|d| d["redirect_uris"] = json!([])).contains("redirect"));
        assert!(refused(|d| d["redirect_uris"] = json!(["javascript:alert(1)"])).contains("redirect"));
        assert!(refused(|d| d["redirect_uris"] = json!("https://x.test/cb")).contains("redirect"));
        assert!(refused(|d| d["grant_types"] = json!(["client_credentials"])).contains("code grant"));
        assert!(read_document(&URL.parse().unwrap(), b"[]").is_err());
        assert!(refused(|d| d["response_types"] = json!(["token"])).contains("code"));
        assert!(refused(|d| d["response_types"] = json!("code")).contains("code"));
        assert!(refused(|d| d["token_endpoint_auth_method"] = json!(["tls_client_auth"])).contains("neither"));
        assert!(refused(|d| d["jwks"] = json!({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]})).contains("keys"));
    }

    /// Field: A6
    #[test]
    fn usable_redirects_are_taken_and_the_others_are_named() {
        let uris = json!([
            "http://127.0.0.1/callback",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://x.test/*",
            "https://x.test/cb#f",
            7,
            "http://x.test/cb",
            "https://x.test/cb",
            "com.vendor.app:/cb",
        ]);
        let read = read(|d| d["redirect_uris"] = uris).ok().unwrap();
        assert_eq!(read.client.redirect_uris, ["http://127.0.0.1/callback", "https://x.test/cb"]);
        assert_eq!(read.client.assurance, Assurance::Declared);
        let named: Vec<String> = read.ignored.iter().map(ToString::to_string).collect();
        assert_eq!(named.len(), 6, "{named:?}");
        for (entry, why) in [("cursor://", "scheme"), ("/*", "wildcard"), ("#f", "fragment"), ("`7`", "not text")] {
            assert!(named.iter().any(|line| line.contains(entry) && line.contains(why)), "{entry}: {named:?}");
        }
    }

    /// Field: A6
    #[test]
    fn a_list_longer_than_we_keep_is_cut_and_not_refused() {
        let uris: Vec<String> = (0..40).map(|n| format!("https://x.test/{n}")).collect();
        let read = read(|d| d["redirect_uris"] = json!(uris)).ok().unwrap();
        assert_eq!((read.client.redirect_uris.len(), read.ignored.len()), (32, 8));
    }

    /// Field: A6
    #[test]
    fn unknown_grant_types_response_types_and_auth_methods_in_a_list_are_ignored() {
        let key = crypto::AgentKey::generate().public_jwk();
        let read = read(|d| {
            d["grant_types"] =
                json!(["urn:ietf:params:oauth:grant-type:device_code", "authorization_code", null, "refresh_token"]);
            d["response_types"] = json!(["code id_token", "code"]);
            d["token_endpoint_auth_method"] =
                json!(["tls_client_auth", "none", "client_secret_basic", "private_key_jwt"]);
            d["jwks"] = json!({"keys": [key]});
        });
        let read = read.ok().unwrap();
        assert_eq!(read.client.grant_types, OF_PEOPLE);
        assert_eq!((read.client.auth, read.ignored.len()), (AuthMethod::PrivateKeyJwt, 5));
    }

    /// Field: A6
    #[test]
    fn keys_of_a_kind_we_do_not_know_do_not_matter_to_a_client_that_does_not_sign() {
        let unknown = json!({"keys": [{"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}]});
        assert_eq!(read(|d| d["jwks"] = unknown.clone()).ok().unwrap().client.auth, AuthMethod::None);
        let signs = read(|d| {
            d["jwks"] = unknown;
            d["token_endpoint_auth_method"] = json!("private_key_jwt");
        });
        assert!(matches!(signs, Err(DocumentError::Keys(_))));
        let both = read(|d| d["token_endpoint_auth_method"] = json!(["none", "private_key_jwt"])).ok().unwrap();
        assert_eq!((both.client.auth, both.ignored.len()), (AuthMethod::None, 1));
    }
}
