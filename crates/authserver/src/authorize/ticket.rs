//! What ties a consent form to the request it answers, the session it was shown to, and one use.
//!
//! The form carries the request's link, sealed under a key of this installation for one session. It opens for
//! nobody else, it ends, and its number can be used once.
//!
//! Spec: MCP security best practices (consent UI requirements); RFC 9700 §4.7.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use model::Timestamp;
use pages::SignedIn;
use serde::{Deserialize, Serialize};
use token::random;

use crate::{cx::Cx, error::PageError};

/// The sealed content.
#[derive(Serialize, Deserialize)]
pub(super) struct Ticket {
    /// The query of the authorization request.
    pub(super) query: String,
    /// What the page showed would be granted.
    pub(super) shown: String,
    /// Used once.
    pub(super) number: String,
    /// Until when it may be answered.
    pub(super) not_after: Timestamp,
}

/// Seals a ticket for the form shown to `person`.
pub(super) fn seal(cx: &Cx, query: &str, shown: String, person: &SignedIn) -> String {
    let number = BASE64_URL_SAFE_NO_PAD.encode(random::<16>());
    let not_after = cx.store.now().after(cx.config.tokens.flow);
    let ticket = Ticket { query: query.to_owned(), shown, number, not_after };
    // INVARIANT: strings and a number always serialise.
    let plain = serde_json::to_vec(&ticket).unwrap_or_default();
    BASE64_URL_SAFE_NO_PAD.encode(cx.store.master().seal(&purpose(person), &plain))
}

/// Opens a ticket that was sealed for this very session and has not ended.
pub(super) fn open(cx: &Cx, text: &str, person: &SignedIn) -> Result<Ticket, PageError> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| PageError::Stale)?;
    let plain = cx.store.master().open(&purpose(person), &sealed).map_err(|_| PageError::Stale)?;
    let ticket: Ticket = serde_json::from_slice(&plain).map_err(|_| PageError::Stale)?;
    if cx.store.now() < ticket.not_after { Ok(ticket) } else { Err(PageError::Stale) }
}

fn purpose(person: &SignedIn) -> String {
    format!("consent {} {}", person.person.id, person.session.digest.to_hex())
}
