//! Forms and query strings, read strictly: a parameter that is there twice is nobody's parameter.
//!
//! Spec: RFC 6749 §3.1, §3.2 ("parameters MUST NOT be included more than once").

use axum::{
    extract::{FromRequest, Request},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use net::ReadError;

use crate::problem;

/// The largest form a page of ours accepts, in bytes.
pub const FORM_BYTES: usize = 64 * 1024;

const MOST_FIELDS: usize = 64;

/// The parameters of an `application/x-www-form-urlencoded` body or a query string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

/// Why a form is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The parameter is there more than once.
    #[error("parameter `{0}` is there more than once; send it once")]
    Repeated(String),
    /// More parameters than any form of ours has.
    #[error("there are more than {MOST_FIELDS} parameters")]
    TooMany,
    /// The text behind the percent-encoding is not UTF-8.
    #[error("a parameter is not UTF-8")]
    NotUtf8,
    /// A parameter that is needed is absent or empty.
    #[error("parameter `{0}` is missing")]
    Missing(String),
}

impl Form {
    /// Reads a form in which nothing may be there twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormError> {
        Self::parse_allowing(bytes, &[])
    }

    /// Reads a form in which only the parameters named in `repeatable` may be there more than once.
    pub fn parse_allowing(bytes: &[u8], repeatable: &[&str]) -> Result<Self, FormError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if fields.len() == MOST_FIELDS {
                return Err(FormError::TooMany);
            }
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let name = decode(&pair[..at])?;
            let value = decode(pair.get(at + 1..).unwrap_or_default())?;
            if !repeatable.contains(&name.as_str()) && fields.iter().any(|(seen, _)| *seen == name) {
                return Err(FormError::Repeated(name.chars().filter(|c| !c.is_control()).take(40).collect()));
            }
            fields.push((name, value));
        }
        Ok(Self(fields))
    }

    /// The value of a parameter; `None` when it is absent or empty.
    ///
    /// Spec: RFC 6749 §3.1 ("parameters sent without a value MUST be treated as if they were omitted")
    pub fn value(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The value of a parameter that has to be there.
    pub fn require(&self, name: &str) -> Result<&str, FormError> {
        self.value(name).ok_or_else(|| FormError::Missing(name.to_owned()))
    }

    /// Every value of a parameter that may be repeated, in order, without the empty ones.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let name = name.to_owned();
        self.0.iter().filter(move |(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

fn decode(bytes: &[u8]) -> Result<String, FormError> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let mut plain = Vec::with_capacity(spaced.len());
    let mut rest = spaced.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        let digit = |at: usize| tail.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                plain.push((high * 16 + low) as u8);
                rest = &tail[2..];
            }
            _ => {
                plain.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(plain).map_err(|_| FormError::NotUtf8)
}

/// The body of a post from a page of ours; refused with a page that says why.
impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let media_type = request.headers().get(header::CONTENT_TYPE).map(|value| value.as_bytes());
        let is_form = media_type.is_some_and(|text| {
            let essence = text.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
            essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
        });
        if !is_form {
            return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "This address takes only HTML forms."));
        }
        let body = net::receive(request.into_body(), FORM_BYTES).await.map_err(|error| unread(&error))?;
        Self::parse(&body)
            .map_err(|error| refuse(StatusCode::BAD_REQUEST, &format!("The form was not accepted: {error}.")))
    }
}

fn unread(error: &ReadError) -> Response {
    match error {
        ReadError::TooLarge { .. } => refuse(StatusCode::PAYLOAD_TOO_LARGE, "The form is too large."),
        ReadError::TooSlow => refuse(StatusCode::REQUEST_TIMEOUT, "The form did not arrive in time."),
        ReadError::Broken(_) => refuse(StatusCode::BAD_REQUEST, "The form broke off before its end."),
        ReadError::NoRoom => {
            let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, "Too much is being sent here at the moment.");
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            response
        }
    }
}

fn refuse(status: StatusCode, happened: &str) -> Response {
    problem(status, "That form could not be read", happened, "Go back, reload the page and try again.", None)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    /// Spec: RFC 6749 §3.1
    #[test]
    fn a_parameter_sent_twice_is_refused_even_when_both_agree_or_one_is_disguised() {
        for body in ["a=1&a=1", "a=1&b=2&a=", "a=1&%61=2", "redirect_uri=x&redirect_uri=y"] {
            assert!(matches!(Form::parse(body.as_bytes()), Err(FormError::Repeated(_))), "{body}");
        }
    }

    /// Spec: RFC 8707 §2 (`resource` may be there more than once)
    #[test]
    fn only_what_may_be_repeated_may_be_repeated() {
        let form = Form::parse_allowing(b"resource=a&resource=b&scope=x", &["resource"]).unwrap();
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["a", "b"]);
        assert!(Form::parse_allowing(b"resource=a&scope=x&scope=x", &["resource"]).is_err());
    }

    #[test]
    fn values_are_decoded_once() {
        let form = Form::parse(b"next=%2Fme%3Fa%3D1+2&plus=%2B&pct=%2541&odd=100%&&x").unwrap();
        assert_eq!(form.value("next"), Some("/me?a=1 2"));
        assert_eq!((form.value("plus"), form.value("pct"), form.value("odd")), (Some("+"), Some("%41"), Some("100%")));
    }

    #[test]
    fn an_empty_parameter_counts_as_absent() {
        let form = Form::parse(b"a=&b").unwrap();
        assert_eq!(form.value("a"), None);
        assert_eq!(form.require("b"), Err(FormError::Missing("b".into())));
    }

    #[test]
    fn too_many_parameters_and_other_encodings_are_refused() {
        let many: String = (0..65).map(|at| format!("p{at}=1&")).collect();
        assert_eq!(Form::parse(many.as_bytes()), Err(FormError::TooMany));
        assert_eq!(Form::parse(b"a=%ff%fe"), Err(FormError::NotUtf8));
        assert_eq!(Form::parse(b"a=\xff"), Err(FormError::NotUtf8));
    }

    async fn posted(media_type: &str, body: Vec<u8>) -> Result<Form, StatusCode> {
        let request = Request::post("/x").header(header::CONTENT_TYPE, media_type).body(Body::from(body)).unwrap();
        Form::from_request(request, &()).await.map_err(|refusal| refusal.status())
    }

    #[tokio::test]
    async fn a_post_is_read_only_as_a_form_of_reasonable_size() {
        let form = "application/x-www-form-urlencoded";
        assert!(posted("Application/X-WWW-Form-Urlencoded; charset=UTF-8", b"a=1".to_vec()).await.is_ok());
        assert_eq!(posted("text/plain", b"a=1".to_vec()).await, Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        assert_eq!(posted("application/json", b"{}".to_vec()).await, Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        assert_eq!(posted(form, vec![b'a'; FORM_BYTES + 1]).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(posted(form, b"a=1&a=2".to_vec()).await, Err(StatusCode::BAD_REQUEST));
    }
}
