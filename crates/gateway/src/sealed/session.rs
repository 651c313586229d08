//! Sessions of the old era, bound to whom they were opened for.
//!
//! Our session id is the upstream's, [sealed](crate::sealing) for its principal.
//!
//! Spec: MCP 2025-11-25 basic/transports (session management), security best practices (session hijacking).

use http::{HeaderMap, HeaderValue};
use mcp::session::{LONGEST, named};

use crate::{
    principal::Principal,
    sealed::seals::{Seals, owner},
};

const PURPOSE: &str = "mcp-session";
/// Of a client that said, when its session began, that it can send its person to an address.
const OPENS_URLS: &str = "mcp-session-opens-urls";

/// The session is not known, not this principal's, or over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownSession;

/// A session as the client names it and as the upstream names it.
#[derive(Debug, Clone)]
pub struct Session {
    ours: HeaderValue,
    theirs: HeaderValue,
    opens_urls: bool,
}

impl Session {
    /// The session that a request names, if it names one.
    ///
    /// Spec: MCP 2025-11-25 basic/transports (unknown session: 404).
    pub fn named(headers: &HeaderMap, seals: &Seals, principal: &Principal) -> Result<Option<Self>, UnknownSession> {
        let Some(ours) = named(headers).map_err(|_| UnknownSession)? else { return Ok(None) };
        let open = |purpose| seals.open(purpose, &owner(principal), ours.as_bytes());
        let (theirs, opens_urls) = match open(PURPOSE) {
            Ok(theirs) => (theirs, false),
            Err(_) => (open(OPENS_URLS).map_err(|_| UnknownSession)?, true),
        };
        let theirs = HeaderValue::from_bytes(&theirs).map_err(|_| UnknownSession)?;
        Ok(Some(Self { ours: ours.clone(), theirs, opens_urls }))
    }

    /// What the client is told when the upstream says `theirs`; unchanged when it is the session of the request. What the
    /// client can do goes with it, because it says so but once.
    pub fn told(
        theirs: &HeaderValue,
        (of_request, opens_urls): (Option<&Self>, bool),
        seals: &Seals,
        principal: &Principal,
    ) -> Option<HeaderValue> {
        if let Some(session) = of_request.filter(|session| session.theirs == theirs) {
            return Some(session.ours.clone());
        }
        let purpose = if opens_urls { OPENS_URLS } else { PURPOSE };
        let ours = seals.seal(purpose, &owner(principal), theirs.as_bytes());
        HeaderValue::try_from(ours).ok().filter(|ours| ours.len() <= LONGEST)
    }

    /// Can the client send its person to an address?
    pub fn opens_urls(&self) -> bool {
        self.opens_urls
    }

    /// The upstream's id.
    pub fn theirs(&self) -> &HeaderValue {
        &self.theirs
    }
}
