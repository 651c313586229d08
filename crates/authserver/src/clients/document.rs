//! A Client ID Metadata Document, as bytes from a stranger.
//!
//! Spec: draft-ietf-oauth-client-id-metadata-document (client information document);
//! MCP 2026-07-28 basic/authorization (`client_name` and `redirect_uris` are required).

use model::{AuthMethod, Client, ClientId, uri};
use serde_json::{Map, Value};
use token::{KeyError, PublicKeys};

use super::known::assurance;

/// Why a document is refused. Texts are shown to the person, so they quote nothing from the document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error("it is not a JSON object")]
    NotAnObject,
    #[error("its `client_id` is not the URL it was fetched from")]
    AboutAnother,
    #[error("it contains a client secret, which a public document must not")]
    Secret,
    #[error("it has no usable `client_name`")]
    NoName,
    #[error("its `redirect_uris` holds no usable redirect (https, or http on this computer)")]
    NoRedirect,
    #[error("it lists more than {MOST_REDIRECTS} redirects")]
    TooManyRedirects,
    #[error("its `token_endpoint_auth_method` is neither none nor private_key_jwt")]
    AuthMethod,
    #[error("it says private_key_jwt but has neither `jwks` nor `jwks_uri`")]
    NoKeys,
    #[error("its keys can not be used: {0}")]
    Keys(#[from] KeyError),
    #[error("its `jwks_uri` is not on the host of its client_id")]
    KeysElsewhere,
    #[error("it does not use the authorization code grant")]
    NoCodeGrant,
}

/// A document that is about `id` and breaks no rule. Keys at a `jwks_uri` are still to be fetched.
pub(super) struct Document {
    pub(super) client: Client,
    pub(super) jwks_uri: Option<String>,
}

/// Reads the document fetched from `id`.
pub(super) fn parse(id: &ClientId, bytes: &[u8]) -> Result<Document, DocumentError> {
    let Ok(Value::Object(document)) = serde_json::from_slice(bytes) else { return Err(DocumentError::NotAnObject) };
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    if text("client_id") != Some(id.as_str()) {
        return Err(DocumentError::AboutAnother);
    }
    if document.contains_key("client_secret") || document.contains_key("client_secret_expires_at") {
        return Err(DocumentError::Secret);
    }
    let name = pages::shown(text("client_name").unwrap_or_default(), 64);
    if name.is_empty() {
        return Err(DocumentError::NoName);
    }
    let redirect_uris = redirects(&document)?;
    let (auth, jwks, jwks_uri) = keys(&document)?;
    let client = Client {
        id: id.clone(),
        name,
        assurance: assurance(auth, &redirect_uris),
        redirect_uris,
        auth,
        grant_types: grant_types(&document)?,
        jwks,
        server: None,
    };
    Ok(Document { client, jwks_uri })
}

/// Those we could send a code to; a document may list others that are for other servers.
fn redirects(document: &Map<String, Value>) -> Result<Vec<String>, DocumentError> {
    let listed = strings(document, "redirect_uris").ok_or(DocumentError::NoRedirect)?;
    if listed.len() > MOST_REDIRECTS {
        return Err(DocumentError::TooManyRedirects);
    }
    let usable: Vec<String> = listed.into_iter().filter(|uri| uri::is_acceptable_redirect(uri)).collect();
    if usable.is_empty() { Err(DocumentError::NoRedirect) } else { Ok(usable) }
}

type Keys = (AuthMethod, Option<Value>, Option<String>);

fn keys(document: &Map<String, Value>) -> Result<Keys, DocumentError> {
    let jwks = document.get("jwks").cloned();
    if let Some(jwks) = &jwks {
        // Private members are refused here, whatever the method says.
        PublicKeys::parse(jwks)?;
    }
    match document.get("token_endpoint_auth_method").map(Value::as_str) {
        None | Some(Some("none")) => Ok((AuthMethod::None, None, None)),
        Some(Some("private_key_jwt")) => {
            let jwks_uri = document.get("jwks_uri").and_then(Value::as_str).map(str::to_owned);
            match (jwks, jwks_uri) {
                (None, None) => Err(DocumentError::NoKeys),
                (Some(jwks), _) => Ok((AuthMethod::PrivateKeyJwt, Some(jwks), None)),
                (None, Some(uri)) => Ok((AuthMethod::PrivateKeyJwt, None, Some(uri))),
            }
        }
        Some(Some(method)) if method.starts_with("client_secret_") => Err(DocumentError::Secret),
        Some(_) => Err(DocumentError::AuthMethod),
    }
}

/// Spec: RFC 7591 §2 (`grant_types` defaults to the code grant alone).
fn grant_types(document: &Map<String, Value>) -> Result<Vec<String>, DocumentError> {
    let listed = match document.get("grant_types") {
        None => vec!["authorization_code".to_owned()],
        Some(_) => strings(document, "grant_types").ok_or(DocumentError::NoCodeGrant)?,
    };
    let ours = |grant: &String| matches!(grant.as_str(), "authorization_code" | "refresh_token");
    if !listed.iter().any(|grant| grant == "authorization_code") {
        return Err(DocumentError::NoCodeGrant);
    }
    Ok(listed.into_iter().filter(ours).collect())
}

fn strings(document: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    document.get(name)?.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect()
}

const MOST_REDIRECTS: usize = 32;

#[cfg(test)]
mod tests {
    use model::Assurance;
    use serde_json::json;

    use super::*;

    const URL: &str = "https://agents.vendor.test/deskbot/client.json";

    fn read(change: impl FnOnce(&mut Value)) -> Result<Document, DocumentError> {
        let mut document = json!({
            "client_id": URL, "client_name": "Deskbot", "redirect_uris": ["https://agents.vendor.test/cb"],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
        });
        change(&mut document);
        parse(&URL.parse().unwrap(), document.to_string().as_bytes())
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
        assert!(parse(&URL.parse().unwrap(), b"[]").is_err());
    }
}
