//! `audit`: who outside watches over the log.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// `audit`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    /// A witness that remembers how long the log was: it notices when the whole `data_dir` is put back.
    ///
    /// A start without it is refused. Spec: C2SP tlog-witness.
    #[serde(default)]
    pub witness: Option<WitnessConfig>,
}

/// A C2SP witness.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Its submission prefix: `/add-checkpoint` is asked below it.
    pub url: String,
    /// Its verifier key, `name+hash+base64`, of type 4 (Ed25519 cosignatures).
    pub key: String,
    /// A PEM file of certificate authorities to trust for it, beside the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}
