//! What a server gave to one principal and gets back, bound to this principal on its way.
//!
//! Session ids, event ids and request states are the server's. A server may take whoever brings one for whom it gave it
//! to, and all principals share its one connection to us. So each leaves sealed together with a digest of its owner: no
//! node has to remember it, nobody can guess or learn what the server wrote, and in other hands it opens nothing. None
//! of them is a credential: every request brings its token.
//!
//! Spec: MCP security best practices (session hijacking), MCP 2026-07-28 basic/patterns/mrtr (integrity of `requestState`);
//! docs/decisions/0019-what-comes-back.md.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use crypto::{Digest, MasterKey};

use crate::principal::Principal;

/// Seals what leaves and opens what comes back.
#[derive(Debug)]
pub struct Seals {
    key: MasterKey,
}

/// Why something does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// Nothing that was sealed here for this purpose.
    Unknown,
    /// It was sealed for another owner.
    Foreign,
}

impl Seals {
    /// Under a key of their own, the same on every node.
    pub fn new(master: &MasterKey) -> Self {
        Self { key: master.derive("session") }
    }

    /// As text for headers, lines of events and JSON.
    pub fn seal(&self, purpose: &str, owner: &Digest, theirs: &[u8]) -> String {
        let mut plain = Vec::with_capacity(32 + theirs.len());
        plain.extend_from_slice(owner.bytes().as_slice());
        plain.extend_from_slice(theirs);
        BASE64_URL_SAFE_NO_PAD.encode(self.key.seal(purpose, &plain))
    }

    /// What the server wrote.
    pub fn open(&self, purpose: &str, owner: &Digest, ours: &[u8]) -> Result<Vec<u8>, NotOpened> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(ours).map_err(|_| NotOpened::Unknown)?;
        let plain = self.key.open(purpose, &sealed).map_err(|_| NotOpened::Unknown)?;
        let (sealed_for, theirs) = plain.split_at_checked(32).ok_or(NotOpened::Unknown)?;
        if sealed_for == owner.bytes() { Ok(theirs.to_vec()) } else { Err(NotOpened::Foreign) }
    }
}

/// Whose it is: of one agent, for one person, under one grant, on one server.
pub fn owner(principal: &Principal) -> Digest {
    let grant = principal.grant();
    let person = grant.person.as_ref().map_or("", |person| person.as_str());
    Digest::of(&format!("{}\n{}\n{}\n{}", grant.id, grant.agent, person, grant.server))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: S6, S7
    #[test]
    fn what_was_sealed_opens_for_its_owner_and_its_purpose_alone() {
        let seals = Seals::new(&MasterKey::from_bytes([7; 32]));
        let (ada, bob) = (Digest::of("ada"), Digest::of("bob"));
        let ours = seals.seal("event-id", &ada, b"7");
        assert!(!ours.contains('7') || ours.len() > 60, "{ours}");
        assert_eq!(seals.open("event-id", &ada, ours.as_bytes()), Ok(b"7".to_vec()));
        assert_eq!(seals.open("event-id", &bob, ours.as_bytes()), Err(NotOpened::Foreign));
        assert_eq!(seals.open("request-state", &ada, ours.as_bytes()), Err(NotOpened::Unknown));
        let other_installation = Seals::new(&MasterKey::from_bytes([8; 32]));
        assert_eq!(other_installation.open("event-id", &ada, ours.as_bytes()), Err(NotOpened::Unknown));
        for unknown in ["", "7", &ours[1..], &ours[..ours.len() - 1], &format!("{ours}A")] {
            assert_eq!(seals.open("event-id", &ada, unknown.as_bytes()), Err(NotOpened::Unknown), "{unknown}");
        }
    }
}
