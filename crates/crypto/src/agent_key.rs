//! The agent's side of `private_key_jwt`: a key of its own and the assertions it signs.
//!
//! Spec: RFC 7523 §2.2 and §3, draft-ietf-oauth-rfc7523bis, RFC 7468 §10 (PEM of PKCS #8).

use base64::{Engine, prelude::BASE64_STANDARD};
use model::Timestamp;
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{KeyError, Opaque, SigningKey, jws};

/// How long an assertion lives, in seconds: one request, with some patience.
const LIFE: i64 = 60;

/// An ES256 key pair of an agent.
#[derive(Debug)]
pub struct AgentKey(SigningKey);

impl AgentKey {
    /// A new key.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    pub fn generate() -> Self {
        Self(SigningKey::generate())
    }

    /// From a PEM `PRIVATE KEY`.
    ///
    /// # Errors
    /// [`KeyError::Pem`] when the text is no such PEM, [`KeyError::Pkcs8`] when it holds another kind of key.
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).map_err(|_| KeyError::Pem)?;
        let der = Zeroizing::new(der);
        SigningKey::from_pkcs8(der.secret_pkcs8_der()).map(Self)
    }

    /// As a PEM `PRIVATE KEY`, as `openssl` writes it.
    ///
    /// Spec: RFC 7468 §10 (lines of 64 characters)
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        let body = Zeroizing::new(BASE64_STANDARD.encode(self.0.to_pkcs8()));
        // Enough for all of it: growing would leave a copy of the key behind.
        let mut pem = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 64));
        pem.push_str("-----BEGIN PRIVATE KEY-----\n");
        let mut rest = body.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        pem
    }

    /// The public half: what to register with the authorization server.
    pub fn public_jwk(&self) -> Value {
        self.0.public_jwk()
    }

    /// A fresh assertion by which `client` authenticates at `issuer`, good for one minute and one request.
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn sign_assertion(&self, client: &str, issuer: &str, now: Timestamp) -> Result<String, KeyError> {
        let iat = now.seconds();
        let jti = Opaque::mint("jti");
        let claims = json!({
            "iss": client, "sub": client, "aud": issuer, "iat": iat, "exp": iat + LIFE, "jti": jti.expose(),
        });
        jws::sign(&self.0, "client-authentication+jwt", &claims)
    }
}
