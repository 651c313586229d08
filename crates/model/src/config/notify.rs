//! `notify`: who outside is told of what happens here.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Id, MessageKind, Secret, Server};

/// `notify`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NotifyConfig {
    /// Receivers of signed messages, by name.
    pub webhooks: BTreeMap<String, WebhookConfig>,
    /// Receivers of mail, by name.
    pub mail: BTreeMap<String, MailConfig>,
    /// `host` (any port) or `host:port` that may be on private or loopback addresses, and may be spoken to in plain: over http,
    /// or to a mail server without STARTTLS.
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
    /// Only of what is about one of these servers; of everything when left out.
    #[serde(default)]
    pub servers: Option<BTreeSet<Id<Server>>>,
}

/// One receiver of mail.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// The mail server: `smtps://HOST` (465), or `smtp://HOST` (587), which has to offer STARTTLS.
    pub server: String,
    /// The sender, like `Portcullis <portcullis@acme.example>`.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// The name to log in with at the server.
    #[serde(default)]
    pub username: Option<String>,
    /// The password to log in with, as `${file:…}` or `${env:…}`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Of what it is told; of everything when left out.
    #[serde(default)]
    pub events: Option<BTreeSet<MessageKind>>,
    /// Only of what is about one of these servers; of everything when left out.
    #[serde(default)]
    pub servers: Option<BTreeSet<Id<Server>>>,
}

impl NotifyConfig {
    /// The names of all receivers, with where each stands in the file.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let webhooks = self.webhooks.keys().map(|name| ("notify.webhooks", name.as_str()));
        webhooks.chain(self.mail.keys().map(|name| ("notify.mail", name.as_str())))
    }
}
