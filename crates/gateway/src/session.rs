//! Sessions of the old era, bound to whom they were opened for.
//!
//! Our session id is the upstream's, [sealed](crate::sealing) for its principal.
//!
//! Spec: MCP 2025-11-25 basic/transports (session management), security best practices (session hijacking).

use http::{HeaderMap, HeaderValue};
use mcp::session::{LONGEST, named};

use crate::{
    live::Live,
    refusal::Refusal,
    sealing::{Seals, owner},
};

const PURPOSE: &str = "mcp-session";

/// A session as the client names it and as the upstream names it.
#[derive(Debug, Clone)]
pub struct Session {
    ours: HeaderValue,
    theirs: HeaderValue,
}

impl Session {
    /// The session that a request names, if it names one.
    ///
    /// Spec: MCP 2025-11-25 basic/transports (unknown session: 404).
    pub fn named(headers: &HeaderMap, seals: &Seals, live: &Live) -> Result<Option<Self>, Refusal> {
        let Some(ours) = named(headers).map_err(|_| Refusal::UnknownSession)? else { return Ok(None) };
        let theirs = seals.open(PURPOSE, &owner(live), ours.as_bytes()).map_err(|_| Refusal::UnknownSession)?;
        let theirs = HeaderValue::from_bytes(&theirs).map_err(|_| Refusal::UnknownSession)?;
        Ok(Some(Self { ours: ours.clone(), theirs }))
    }

    /// What the client is told when the upstream says `theirs`; unchanged when it is the session of the request.
    pub fn told(theirs: &HeaderValue, of_request: Option<&Self>, seals: &Seals, live: &Live) -> Option<HeaderValue> {
        if let Some(session) = of_request.filter(|session| session.theirs == theirs) {
            return Some(session.ours.clone());
        }
        let ours = seals.seal(PURPOSE, &owner(live), theirs.as_bytes());
        HeaderValue::try_from(ours).ok().filter(|ours| ours.len() <= LONGEST)
    }

    /// The upstream's id.
    pub fn theirs(&self) -> &HeaderValue {
        &self.theirs
    }
}
