//! The agent's side of `private_key_jwt` and of DPoP: a key of its own, and the assertions and proofs it signs.
//!
//! Spec: RFC 7523 §2.2 and §3, RFC 9449 §4.2, draft-ietf-oauth-rfc7523bis, RFC 7468 §10 (PEM of PKCS #8).

use base64::{Engine, prelude::BASE64_STANDARD};
use model::{Thumbprint, Timestamp};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{Digest, KeyError, Opaque, SigningKey, dpop, jws};

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

    /// The thumbprint of its public half, by which tokens are bound to it.
    ///
    /// Spec: RFC 7638 §3
    ///
    /// # Panics
    /// Never: a key is named by its thumbprint.
    pub fn thumbprint(&self) -> Thumbprint {
        self.0.kid().parse().expect("the name of a key is its thumbprint")
    }

    /// A fresh proof that this key is held, for one request: `token` goes with it, and `nonce` if the server gave one.
    ///
    /// Spec: RFC 9449 §4.2
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn sign_proof(
        &self,
        (method, uri): (&str, &str),
        token: Option<&str>,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<String, KeyError> {
        let mut claims = json!({"jti": Opaque::mint("jti").expose(), "htm": method, "htu": uri, "iat": now.seconds()});
        if let Some(token) = token {
            claims["ath"] = Digest::of(token).to_base64url().into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        self.sign_proof_claims(&claims)
    }

    /// Claims of whatever kind, under the type `typ`: for whoever speaks for people, and for tests of those who read that.
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn sign_claims(&self, typ: &str, claims: &Value) -> Result<String, KeyError> {
        jws::sign(&self.0, typ, claims)
    }

    /// The same with whatever claims: for tests of those who read them.
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn sign_proof_claims(&self, claims: &Value) -> Result<String, KeyError> {
        let mut jwk = self.public_jwk();
        // What says nothing about the key is left out.
        if let Some(jwk) = jwk.as_object_mut() {
            jwk.retain(|member, _| matches!(member.as_str(), "kty" | "crv" | "x" | "y"));
        }
        let header = json!({"typ": dpop::TYPE, "alg": "ES256", "jwk": jwk});
        jws::sign_under(&self.0, &header.to_string(), claims)
    }
}
