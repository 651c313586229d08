//! Clients: what they say of themselves.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::Text;
use crate::{Assurance, ClientId, Id, Person, Timestamp, text_enum};

/// A client's metadata document was read, for the first time or again.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ClientRead {
    /// Its URL.
    pub client: ClientId,
    /// The name it gives itself.
    pub client_name: Option<String>,
    /// How well its identity is proven.
    pub assurance: Option<Assurance>,
    /// How the document compares with the one before.
    pub change: DocumentChange,
    /// SHA-256 of the document.
    pub document: String,
    /// How many of its members mean nothing here.
    pub ignored: Option<u64>,
    /// The first of them.
    pub ignored_first: Option<String>,
    /// Why it could not be read.
    pub cause: Option<FetchFailure>,
    /// When the copy was read that stands in.
    pub read_at: Option<Text<Timestamp>>,
}

/// A client's metadata document was refused, and why.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ClientRefused {
    /// Its URL.
    pub client: ClientId,
    /// Who wanted to use it.
    pub person: Id<Person>,
    /// Why.
    pub reason: String,
}

/// How a metadata document compares with the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentChange {
    /// There was none.
    First,
    /// It is the same.
    None,
    /// It is another one.
    Changed,
    /// It could not be read; the copy of the one before stands in.
    NotRead,
}

/// Why something could not be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FetchFailure {
    /// The URL is none that is fetched.
    BadUrl,
    /// The host is not on the public internet.
    NotPublic,
    /// Too much is fetched already.
    Busy,
    /// The host could not be reached.
    Unreachable,
    /// The connection could not be made safe.
    Tls,
    /// It took too long.
    TimedOut,
    /// The host sends elsewhere.
    Redirected,
    /// The host answered with another status than 200.
    Status,
    /// The answer is not JSON.
    NotJson,
    /// The answer is encoded.
    Encoded,
    /// The answer is too long.
    TooLarge,
}

text_enum!(FetchFailure {
    BadUrl => "bad_url",
    NotPublic => "not_public",
    Busy => "busy",
    Unreachable => "unreachable",
    Tls => "tls",
    TimedOut => "timed_out",
    Redirected => "redirected",
    Status => "status",
    NotJson => "not_json",
    Encoded => "encoded",
    TooLarge => "too_large",
});
