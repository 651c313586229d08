//! A browser that logged in before is known when it comes again.
//!
//! What it carries opens nothing. It only tells its owner's tries from those of strangers, so that nobody who knows a
//! name can keep its owner out by trying passwords. It holds no name: for each of the last few people who logged in
//! with this browser, a random number and a proof over it and the name.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use crypto::Digest;
use http::{HeaderMap, HeaderValue};
use model::Span;
use store::secrets::Vault;
use web::Cookie;

use crate::context::Context;

/// What of the cookie is about `name`: the number of this browser, if it is known for that name.
pub(crate) fn known_for(cx: &Context, headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = cx.cookies.all(headers, Cookie::Device);
    let entries = cookies.iter().flat_map(|cookie| cookie.split(BETWEEN));
    let mut entries = entries.filter_map(|entry| entry.split_at_checked(NUMBER_LENGTH));
    entries.find(|(number, proof)| is_proof(cx, number, name, proof)).map(|(number, _)| number.to_owned())
}

/// The cookie by which this browser is known for `name` from now on, besides those it was known for.
pub(crate) fn remember(cx: &Context, headers: &HeaderMap, name: &str) -> HeaderValue {
    let number =
        known_for(cx, headers, name).unwrap_or_else(|| BASE64_URL_SAFE_NO_PAD.encode(crypto::random::<NUMBER_BYTES>()));
    let mut entries = vec![format!("{number}{}", proof(cx, &number, name))];
    let before = cx.cookies.all(headers, Cookie::Device);
    let others = before
        .iter()
        .flat_map(|cookie| cookie.split(BETWEEN))
        .filter(|entry| is_entry(entry) && !entry.starts_with(number.as_str()));
    entries.extend(others.take(MOST_PEOPLE - 1).map(str::to_owned));
    cx.cookies.set(Cookie::Device, &entries.join(BETWEEN), LASTS)
}

fn is_entry(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() == NUMBER_LENGTH + PROOF_LENGTH && text.bytes().all(plain)
}

fn is_proof(cx: &Context, number: &str, name: &str, presented: &str) -> bool {
    Digest::of(presented).same_as(&Digest::of(&proof(cx, number, name)))
}

fn proof(cx: &Context, number: &str, name: &str) -> String {
    let digest = Vault::of(&cx.store).derive("device").authenticate(&format!("{number} {name}"));
    let mut text = BASE64_URL_SAFE_NO_PAD.encode(digest.bytes());
    text.truncate(PROOF_LENGTH);
    text
}

const BETWEEN: &str = ".";
const NUMBER_BYTES: usize = 12;
/// 12 bytes in base64.
const NUMBER_LENGTH: usize = 16;
/// 192 bits.
const PROOF_LENGTH: usize = 32;
/// So many people are known on one browser; a cookie holds no more.
const MOST_PEOPLE: usize = 4;
const LASTS: Span = Span::from_minutes(180 * 24 * 60);
