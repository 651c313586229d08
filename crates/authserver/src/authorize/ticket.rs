//! What ties a consent form to the request it answers, the person and browser it was shown to, and one use.
//!
//! The form carries the request's link, sealed under a key of this installation for one person in one browser. It opens
//! for nobody else, it ends, and its number can be used once. It outlives the session: people log in again in a second
//! tab while this one shows the form.
//!
//! Spec: MCP security best practices (consent UI requirements); RFC 9700 §4.7.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use crypto::{Digest, Opaque};
use login::SignedIn;
use model::Timestamp;
use serde::{Deserialize, Serialize};
use store::secrets::Vault;
use web::BadPage;

use crate::{context::Context, error::PageError};

/// The sealed content.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Ticket {
    /// The query of the authorization request.
    pub(super) query: String,
    /// What the page showed would be granted.
    pub(super) shown: String,
    /// Used once: 256 random bits that leave this installation sealed only.
    pub(super) number: String,
    /// Until when it may be answered.
    pub(super) not_after: Timestamp,
}

/// Seals a ticket for the form shown to `person`.
pub(super) fn seal(cx: &Context, query: &str, shown: String, person: &SignedIn) -> String {
    let number = Opaque::nonce();
    let not_after = cx.store.now().after(cx.config.tokens.flow);
    let ticket = Ticket { query: query.to_owned(), shown, number, not_after };
    // INVARIANT: strings and a number always serialise.
    let plain = serde_json::to_vec(&ticket).unwrap_or_default();
    BASE64_URL_SAFE_NO_PAD
        .encode(Vault::of(&cx.store).master().seal(&purpose(person, &person.browser.digest()), &plain))
}

/// Opens a ticket that was sealed for this person in this browser and has not ended.
pub(super) fn open(cx: &Context, text: &str, person: &SignedIn) -> Result<Ticket, PageError> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| BadPage::Stale)?;
    let mut browsers = person.browser.digests();
    let plain =
        browsers.find_map(|browser| Vault::of(&cx.store).master().open(&purpose(person, &browser), &sealed).ok());
    let plain = plain.ok_or(BadPage::Stale)?;
    let ticket: Ticket = serde_json::from_slice(&plain).map_err(|_| BadPage::Stale)?;
    if cx.store.now() < ticket.not_after { Ok(ticket) } else { Err(BadPage::Stale.into()) }
}

impl Ticket {
    /// The code that an answer to this form is worth: always the same one, and nobody's without the form and our key.
    pub(super) fn code(&self, cx: &Context) -> Opaque {
        Opaque::following("code", Vault::of(&cx.store).master(), &self.number, "the code of a consent")
    }

    /// The flow that waits when the answer is not enough.
    pub(super) fn flow(&self, cx: &Context) -> Opaque {
        Opaque::following("flow", Vault::of(&cx.store).master(), &self.number, "the flow of a consent")
    }
}

fn purpose(person: &SignedIn, browser: &Digest) -> String {
    format!("consent {} {}", person.person.id, browser.to_hex())
}
