//! Who is told of what, as the configuration has it.

use std::collections::BTreeSet;

use model::{Id, MessageKind, Server, config::Config};
use store::{Subscriber, Subscriptions};

/// Who is told of what. No secret is read for it, so whoever changes something from the command line tells of it as well.
pub fn of(config: &Config) -> Subscriptions {
    let webhooks = config.notify.webhooks.iter().map(|(name, it)| subscriber(name, &it.events, &it.servers));
    let mail = config.notify.mail.iter().map(|(name, it)| subscriber(name, &it.events, &it.servers));
    Subscriptions { public_url: config.public_url.as_str().to_owned(), subscribers: webhooks.chain(mail).collect() }
}

fn subscriber(
    name: &str,
    events: &Option<BTreeSet<MessageKind>>,
    servers: &Option<BTreeSet<Id<Server>>>,
) -> Subscriber {
    Subscriber {
        receiver: name.to_owned(),
        kinds: events.as_ref().map(|events| events.iter().copied().collect()),
        servers: servers.as_ref().map(|servers| servers.iter().cloned().collect()),
    }
}
