//! What messages to a receiver are signed with.
//!
//! Spec: Standard Webhooks (signature scheme; HMAC-SHA256).

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

/// The secret that we share with one receiver.
pub struct WebhookKey(hmac::Key);

/// Why a text is no such secret. It does not say what the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookKeyError {
    /// It is not base64, with or without `whsec_` before it.
    #[error("is not base64; make one with `echo whsec_$(openssl rand -base64 32)`")]
    NotBase64,
    /// It is too short to be a secret, or longer than one may be.
    #[error("has {0} bytes, and 24 to 64 are allowed; make one with `echo whsec_$(openssl rand -base64 32)`")]
    Length(usize),
}

impl WebhookKey {
    /// From `whsec_` and 24 to 64 bytes in base64.
    ///
    /// # Errors
    /// [`WebhookKeyError`].
    pub fn parse(text: &str) -> Result<Self, WebhookKeyError> {
        let text = text.trim();
        let text = text.strip_prefix("whsec_").unwrap_or(text);
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(text).map_err(|_| WebhookKeyError::NotBase64)?);
        if !(24..=64).contains(&bytes.len()) {
            return Err(WebhookKeyError::Length(bytes.len()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The signature of a message, as its header has it: `v1,` and base64.
    ///
    /// Spec: Standard Webhooks (signature scheme)
    pub fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let tag = hmac::sign(&self.0, format!("{id}.{seconds}.{body}").as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(tag.as_ref()))
    }
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKey([secret])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: Standard Webhooks (the example of its reference libraries)
    #[test]
    fn the_example_of_the_reference_libraries_is_signed_as_they_do() {
        let key = WebhookKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_too_short_or_no_base64_is_refused_without_being_repeated() {
        assert_eq!(WebhookKey::parse("whsec_aHVudGVyMg==").unwrap_err(), WebhookKeyError::Length(7));
        assert_eq!(WebhookKey::parse("hunter2 hunter2").unwrap_err(), WebhookKeyError::NotBase64);
        for text in ["whsec_aHVudGVyMg==", "hunter2 hunter2", ""] {
            let said = WebhookKey::parse(text).unwrap_err().to_string();
            assert!(!said.contains("hunter2") && !said.contains("aHVu"), "{said}");
        }
        assert!(!format!("{:?}", WebhookKey::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).contains("MfKQ"));
    }
}
