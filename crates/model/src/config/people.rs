//! The `people` and `agents` tables.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::ChallengeStyle;
use crate::{Group, Id, Person, Role, Secret, Server};

/// One person. `password` or `password_hash`; with neither, an enrolment link sets one, and the person changes it at `/me/account`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonConfig {
    /// The name on pages; the login name when left out.
    #[serde(default)]
    pub name: Option<String>,
    /// The password, as `${file:…}` or `${env:…}`. A literal works for tests and `check` warns of it.
    #[serde(default)]
    pub password: Option<Secret>,
    /// An Argon2id hash in PHC form: `$argon2id$v=19$…`.
    #[serde(default)]
    pub password_hash: Option<Secret>,
    /// What the person may do besides consenting for themselves.
    #[serde(default)]
    pub roles: BTreeSet<Role>,
    /// The groups that the person is in: policies see them, and `servers.*.for` names them.
    #[serde(default)]
    pub groups: BTreeSet<Id<Group>>,
    /// Who they are at identity providers of `trusted_idps`: the subject (`sub`) that each calls them by.
    #[serde(default)]
    pub identities: BTreeMap<String, String>,
}

/// One autonomous agent: it has a key pair and no browser.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// The person who answers for it: of `people`, or added by `person add`. Consents to its medium tier, and never approves its high tier.
    pub owner: Id<Person>,
    /// Who answers for what it is for, beside its owner. Policies see them (`principal.sponsor`), and pages name them.
    #[serde(default)]
    pub sponsor: Option<Id<Person>>,
    /// Why it exists.
    pub purpose: String,
    /// The name on pages; the agent's name when left out.
    #[serde(default)]
    pub title: Option<String>,
    /// Its public key: a JWK, or a JWK set. Private members are refused.
    #[schemars(with = "serde_json::Value")]
    pub public_key: serde_json::Value,
    /// The servers it may ask tokens for.
    pub servers: BTreeSet<Id<Server>>,
    /// What it is told while a person decides on what it asked for.
    #[serde(default)]
    pub pending: WhilePending,
    /// How it is told that a call needs a consent or an approval: `http`, `tool_error` or `both`. With `tool_error` the
    /// refused call itself asks for it.
    #[serde(default)]
    pub challenge: Option<ChallengeStyle>,
    /// It gets no token without a proof of a key (RFC 9449 §5.2).
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
}

/// What an autonomous agent is told while a person decides on what it asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhilePending {
    /// The token endpoint answers `authorization_pending`, and is asked again.
    #[default]
    Poll,
    /// The token endpoint answers with what can be had now, and the call says in its result what it waits for. For
    /// the official SDKs, which take `authorization_pending` for the end.
    Token,
}
