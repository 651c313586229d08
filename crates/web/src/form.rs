//! A form that a page of ours sent, read strictly.
//!
//! Spec: RFC 6749 §3.1 ("parameters MUST NOT be included more than once").

use axum::{
    extract::{FromRequest, Request},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use net::ReadError;
use oauth::Form;

use crate::problem::problem;

/// The largest form a page of ours accepts, in bytes.
pub const FORM_BYTES: usize = 64 * 1024;

/// A form that was posted; what is none is refused with a page that says why.
#[derive(Debug)]
pub struct Posted(pub Form);

impl<S: Send + Sync> FromRequest<S> for Posted {
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
        Form::parse(&body)
            .map(Self)
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

    async fn posted(media_type: &str, body: Vec<u8>) -> Result<Form, StatusCode> {
        let request = Request::post("/x").header(header::CONTENT_TYPE, media_type).body(Body::from(body)).unwrap();
        Posted::from_request(request, &()).await.map(|Posted(form)| form).map_err(|refusal| refusal.status())
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
