//! The agent's side of `private_key_jwt`: a key of its own and the assertion it signs.
//!
//! Spec: RFC 7523 §2.2 and §3, draft-ietf-oauth-rfc7523bis.

use model::Timestamp;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{KeyError, SigningKey};

/// An ES256 key pair of an agent.
#[derive(Debug)]
pub struct AgentKey(SigningKey);

impl AgentKey {
    /// A new key.
    pub fn generate() -> Self {
        Self(SigningKey::generate())
    }

    /// From a PEM `PRIVATE KEY`.
    ///
    /// # Errors
    /// [`KeyError::Pem`] and [`KeyError::Pkcs8`].
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        let _ = text;
        todo!()
    }

    /// As a PEM `PRIVATE KEY`, as `openssl` writes it.
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        todo!()
    }

    /// The public half: what to register with the authorization server.
    pub fn public_jwk(&self) -> Value {
        self.0.public_jwk()
    }

    /// A fresh assertion by which `client` authenticates at `issuer`, good for a minute.
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn sign_assertion(&self, client: &str, issuer: &str, now: Timestamp) -> Result<String, KeyError> {
        let _ = (client, issuer, now);
        todo!()
    }
}
