//! Who is told of what, as the configuration has it.

use model::config::Config;
use store::{Subscriber, Subscriptions};

/// Who is told of what. No secret is read for it, so whoever changes something from the command line tells of it as well.
pub fn of(config: &Config) -> Subscriptions {
    let subscribers = config.notify.webhooks.iter().map(|(name, webhook)| Subscriber {
        receiver: name.clone(),
        kinds: webhook.events.as_ref().map(|events| events.iter().copied().collect()),
    });
    Subscriptions { public_url: config.public_url.as_str().to_owned(), subscribers: subscribers.collect() }
}
