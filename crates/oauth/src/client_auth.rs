//! What a request to the token or revocation endpoint says to prove who sent it: one method per request.
//!
//! Nothing here is known to be true. Whether it proves anything is for who knows the client.
//!
//! Spec: RFC 6749 §2.3, RFC 7521 §4.2, RFC 7523 §2.2.

use base64::{Engine, prelude::BASE64_STANDARD};
use crypto::claimed_issuer;
use http::{HeaderMap, header};
use model::{AuthMethod, ClientId};

use crate::{Form, FormError};

/// The value of `client_assertion_type`. Spec: RFC 7523 §2.2
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Who a client says it is, with what it shows for that.
pub enum Credentials {
    /// A public client only says its name.
    None(ClientId),
    /// An assertion that it signed.
    Assertion {
        /// Who.
        client: ClientId,
        /// The assertion.
        jwt: String,
    },
    /// A secret in the `Authorization` header.
    Basic {
        /// Who.
        client: ClientId,
        /// The secret.
        secret: String,
        /// The same without decoding it: many clients do not encode it, though they should.
        as_sent: String,
    },
    /// A secret in the body.
    Post {
        /// Who.
        client: ClientId,
        /// The secret.
        secret: String,
    },
}

/// Why a request says nothing that can be checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// A parameter is missing.
    #[error(transparent)]
    Form(#[from] FormError),
    /// More than one method. Spec: RFC 6749 §2.3
    #[error("send one kind of client authentication, not several")]
    Several,
    /// No Basic credentials. Spec: RFC 7617 §2
    #[error("the Authorization header is not HTTP Basic with a client_id and a secret")]
    Authorization,
    /// Another kind of assertion.
    #[error("the client_assertion_type is not `{ASSERTION_TYPE}`")]
    AssertionType,
    /// The request and its assertion name two clients.
    #[error("`client_id` is not the client of the assertion")]
    AssertionOfAnother,
    /// What it names is no client's id.
    #[error("the client_id is none: {0}")]
    ClientId(&'static str),
}

impl Credentials {
    /// What a request shows.
    ///
    /// Spec: RFC 6749 §2.3 ("MUST NOT use more than one authentication method in each request")
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn read(headers: &HeaderMap, form: &Form) -> Result<Self, CredentialsError> {
        let basic = headers.get(header::AUTHORIZATION);
        let secret = form.value("client_secret");
        let jwt = form.value("client_assertion");
        let kind = form.value("client_assertion_type");
        let shown = [basic.is_some(), secret.is_some(), jwt.is_some() || kind.is_some()];
        if shown.iter().filter(|there| **there).count() > 1 {
            return Err(CredentialsError::Several);
        }
        let named = form.value("client_id").map(client_id).transpose()?;
        if let Some(basic) = basic {
            let (client, secret, as_sent) =
                basic_credentials(basic.as_bytes()).ok_or(CredentialsError::Authorization)?;
            return match named {
                Some(named) if named != client => Err(CredentialsError::Several),
                _ => Ok(Self::Basic { client, secret, as_sent }),
            };
        }
        if jwt.is_some() || kind.is_some() {
            if kind != Some(ASSERTION_TYPE) {
                return Err(CredentialsError::AssertionType);
            }
            let jwt = form.require("client_assertion")?.to_owned();
            let client = claimed_issuer(&jwt).or(named.clone()).ok_or_else(no_client)?;
            return match named {
                Some(named) if named != client => Err(CredentialsError::AssertionOfAnother),
                _ => Ok(Self::Assertion { client, jwt }),
            };
        }
        let client = named.ok_or_else(no_client)?;
        Ok(match secret {
            Some(secret) => Self::Post { client, secret: secret.to_owned() },
            None => Self::None(client),
        })
    }

    /// The secret that is shown, in each way it can be meant: in the header it should be form-encoded, and often is not.
    ///
    /// Spec: RFC 6749 §2.3.1
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let (secret, as_sent) = match self {
            Self::None(_) | Self::Assertion { .. } => (None, None),
            Self::Post { secret, .. } => (Some(secret), None),
            Self::Basic { secret, as_sent, .. } => (Some(secret), Some(as_sent)),
        };
        secret.into_iter().chain(as_sent).map(String::as_str)
    }

    /// Who it is said to be.
    pub fn client_id(&self) -> &ClientId {
        match self {
            Self::None(client)
            | Self::Assertion { client, .. }
            | Self::Basic { client, .. }
            | Self::Post { client, .. } => client,
        }
    }

    /// How.
    pub fn method(&self) -> AuthMethod {
        match self {
            Self::None(_) => AuthMethod::None,
            Self::Assertion { .. } => AuthMethod::PrivateKeyJwt,
            Self::Basic { .. } => AuthMethod::ClientSecretBasic,
            Self::Post { .. } => AuthMethod::ClientSecretPost,
        }
    }
}

fn no_client() -> FormError {
    FormError::Missing("client_id".into())
}

fn client_id(text: &str) -> Result<ClientId, CredentialsError> {
    text.parse().map_err(CredentialsError::ClientId)
}

/// Spec: RFC 6749 §2.3.1 (both halves are form-encoded before they are joined), RFC 7617 §2
fn basic_credentials(value: &[u8]) -> Option<(ClientId, String, String)> {
    let text = std::str::from_utf8(value).ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let decode = |half: &str| {
        form_urlencoded::parse(format!("v={}", half.replace('&', "%26")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((decode(id)?.parse().ok()?, decode(secret)?, secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(authorization: Option<&str>, form: &str) -> Result<String, CredentialsError> {
        let mut headers = HeaderMap::new();
        if let Some(text) = authorization {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(text).unwrap());
        }
        let found = Credentials::read(&headers, &Form::parse(form.as_bytes()).unwrap())?;
        let secret: String = found.secrets().take(1).map(|secret| format!(" {secret}")).collect();
        Ok(format!("{} {}{secret}", found.method(), found.client_id()))
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }

    /// Spec: RFC 6749 §2.3, §2.3.1
    #[test]
    fn one_method_names_one_client() {
        assert_eq!(read(None, "client_id=bot").unwrap(), "none bot");
        assert_eq!(read(None, "client_id=bot&client_secret=s").unwrap(), "client_secret_post bot s");
        assert_eq!(read(Some(&basic("bot:s")), "").unwrap(), "client_secret_basic bot s");
        assert_eq!(read(Some(&basic("a%3Ab:p%2Bq+r")), "client_id=a%3Ab").unwrap(), "client_secret_basic a:b p+q r");
        let assertion = format!("client_id=bot&client_assertion=x&client_assertion_type={ASSERTION_TYPE}");
        assert_eq!(read(None, &assertion).unwrap(), "private_key_jwt bot");
    }

    /// Postman, and many that call HTTP Basic what it is elsewhere, put the secret there as it is.
    ///
    /// Field: A14
    #[test]
    fn a_secret_that_was_not_encoded_is_read_as_it_is_too() {
        let headers =
            HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(&basic("bot:z/t+Z9%Vw:x=")).unwrap())]);
        let found = Credentials::read(&headers, &Form::default()).unwrap();
        assert_eq!(found.secrets().collect::<Vec<_>>(), ["z/t Z9%Vw:x=", "z/t+Z9%Vw:x="]);
    }

    /// Spec: RFC 6749 §2.3 ("MUST NOT use more than one authentication method in each request")
    #[test]
    fn several_methods_or_two_names_are_nobody() {
        use CredentialsError::{AssertionType, Authorization, ClientId, Form, Several};
        let assertion = format!("client_assertion=x&client_assertion_type={ASSERTION_TYPE}");
        for (authorization, form, expected) in [
            (Some(basic("bot:s")), "client_secret=s".to_owned(), Several),
            (Some(basic("bot:s")), assertion.clone(), Several),
            (None, format!("{assertion}&client_secret=s"), Several),
            (Some(basic("bot:s")), "client_id=other".to_owned(), Several),
            (Some("Bearer x".to_owned()), String::new(), Authorization),
            (Some("Basic !".to_owned()), String::new(), Authorization),
            (Some(basic("bot")), String::new(), Authorization),
            (None, "client_id=bot&client_assertion=x&client_assertion_type=saml".to_owned(), AssertionType),
            (None, "client_id=bot&client_assertion=x".to_owned(), AssertionType),
            (None, String::new(), Form(no_client())),
            (None, "client_id=a%20b".to_owned(), ClientId("a client_id has 1 to 512 visible ASCII characters")),
        ] {
            assert_eq!(read(authorization.as_deref(), &form), Err(expected), "{authorization:?} {form}");
        }
    }
}
