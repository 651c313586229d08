//! The id of a session, as a header carries it.
//!
//! Spec: MCP 2025-11-25 basic/transports (session management).

use http::{HeaderMap, HeaderValue};

/// The header's name.
pub const HEADER: &str = "mcp-session-id";

/// A longer id is not read.
pub const LONGEST: usize = 2048;

/// The header is there twice, or is too long: it names no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOneSession;

/// The session that a request or a response names, if it names one.
pub fn named(headers: &HeaderMap) -> Result<Option<&HeaderValue>, NotOneSession> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(id) = values.next() else { return Ok(None) };
    if values.next().is_some() || id.len() > LONGEST { Err(NotOneSession) } else { Ok(Some(id)) }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[test]
    fn one_id_of_bounded_length_names_a_session() {
        let with = |ids: &[&str]| {
            let mut headers = HeaderMap::new();
            for id in ids {
                headers.append(HeaderName::from_static(HEADER), HeaderValue::from_str(id).unwrap());
            }
            named(&headers).map(|id| id.map(|id| id.to_str().unwrap().len()))
        };
        assert_eq!(with(&[]), Ok(None));
        assert_eq!(with(&["abc"]), Ok(Some(3)));
        assert_eq!(with(&["abc", "abc"]), Err(NotOneSession));
        assert_eq!(with(&[&"x".repeat(LONGEST)]), Ok(Some(LONGEST)));
        assert_eq!(with(&[&"x".repeat(LONGEST + 1)]), Err(NotOneSession));
    }
}
