//! `notify`: who outside is told of what happens here.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{MessageKind, Secret};

/// `notify`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NotifyConfig {
    /// Receivers of signed messages, by name.
    pub webhooks: BTreeMap<String, WebhookConfig>,
    /// `host` (any port) or `host:port` that may be on private or loopback addresses, and may be spoken to over plain http.
    pub exempt_hosts: Vec<String>,
    /// A PEM file of certificate authorities to trust for them, beside the public ones.
    pub extra_ca_file: Option<PathBuf>,
}

/// One receiver of signed messages. Spec: Standard Webhooks.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where messages are sent: https, without a user or a password. Nothing of it but the host is ever shown.
    pub url: Secret,
    /// What messages are signed with: `whsec_` and 24 to 64 bytes in base64, as `${file:…}` or `${env:…}`.
    pub secret: Secret,
    /// The secret before, while the receiver is moved to the new one: messages are signed with both.
    #[serde(default)]
    pub previous_secret: Option<Secret>,
    /// Of what it is told; of everything when left out.
    #[serde(default)]
    pub events: Option<BTreeSet<MessageKind>>,
}

impl WebhookConfig {
    /// Is it told of that?
    pub fn wants(&self, kind: MessageKind) -> bool {
        self.events.as_ref().is_none_or(|events| events.contains(&kind))
    }
}
