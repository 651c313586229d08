//! Sessions of the old era, bound to whom they were opened for.
//!
//! Our session id is the upstream's, sealed together with a digest of the principal. So no node has to
//! remember it, a client can not guess or learn the upstream's id, and an id in other hands opens
//! nothing. It is never a credential: every request brings its token.
//!
//! Spec: MCP 2025-11-25 basic/transports (session management), security best practices (session hijacking).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue};
use token::{Digest, MasterKey};

use crate::{live::Live, refusal::Refusal};

/// The header's name.
pub const HEADER: &str = "mcp-session-id";

const PURPOSE: &str = "mcp-session";

/// A longer id is not read.
const LONGEST: usize = 2048;

/// A session as the client names it and as the upstream names it.
#[derive(Debug, Clone)]
pub struct Session {
    ours: HeaderValue,
    theirs: HeaderValue,
}

/// Seals and opens session ids.
#[derive(Debug)]
pub struct Sessions {
    key: MasterKey,
}

impl Sessions {
    /// Under a key of their own, the same on every node.
    pub fn new(master: &MasterKey) -> Self {
        Self { key: master.derive("session") }
    }

    /// The session that a request names, if it names one.
    ///
    /// Spec: MCP 2025-11-25 basic/transports (unknown session: 404).
    pub fn named(&self, headers: &HeaderMap, live: &Live) -> Result<Option<Session>, Refusal> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(ours) = values.next() else { return Ok(None) };
        if values.next().is_some() || ours.len() > LONGEST {
            return Err(Refusal::UnknownSession);
        }
        let theirs = self.open(ours.as_bytes(), live).ok_or(Refusal::UnknownSession)?;
        Ok(Some(Session { ours: ours.clone(), theirs }))
    }

    /// What the client is told when the upstream says `theirs`; unchanged when it is the session of the request.
    pub fn seal(&self, theirs: &HeaderValue, of_request: Option<&Session>, live: &Live) -> Option<HeaderValue> {
        if let Some(session) = of_request.filter(|session| session.theirs == theirs) {
            return Some(session.ours.clone());
        }
        let mut plain = principal(live).bytes().to_vec();
        plain.extend_from_slice(theirs.as_bytes());
        let sealed = self.key.seal(PURPOSE, &plain);
        HeaderValue::try_from(BASE64_URL_SAFE_NO_PAD.encode(sealed)).ok().filter(|ours| ours.len() <= LONGEST)
    }

    fn open(&self, ours: &[u8], live: &Live) -> Option<HeaderValue> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(ours).ok()?;
        let plain = self.key.open(PURPOSE, &sealed).ok()?;
        let (owner, theirs) = plain.split_at_checked(32)?;
        if owner != principal(live).bytes() {
            return None;
        }
        HeaderValue::from_bytes(theirs).ok()
    }
}

impl Session {
    /// The upstream's id.
    pub fn theirs(&self) -> &HeaderValue {
        &self.theirs
    }
}

/// Whose session it is: of one agent, for one person, under one grant, on one server.
fn principal(live: &Live) -> Digest {
    let grant = live.grant();
    let person = grant.person.as_ref().map_or("", |person| person.as_str());
    Digest::of(&format!("{}\n{}\n{}\n{}", grant.id, grant.agent, person, grant.server))
}
