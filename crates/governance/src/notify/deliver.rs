//! Sending what waits in the outbox.
//!
//! A kill between the answer of a receiver and the note of it sends the message again, under the same `webhook-id`: receivers
//! that must not do something twice look at that.

use std::sync::Arc;

use model::{
    Actor, Span, Timestamp,
    event::{MessagesGivenUp, ReceiverSwitched},
};
use store::{Commit, Posting, Store, StoreError};

use super::{
    pause,
    receivers::{Answer, Receivers},
};

/// Sends, for one node.
#[derive(Clone)]
pub struct Notifier {
    store: Store,
    receivers: Arc<Receivers>,
}

/// What came of one round for one receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Messages that were taken.
    pub taken: u32,
    /// Messages that were not.
    pub failed: u32,
}

impl Notifier {
    /// To these receivers, what waits in that store.
    pub fn new(store: Store, receivers: Arc<Receivers>) -> Self {
        Self { store, receivers }
    }

    /// The receivers for whom something is to be sent now.
    pub async fn due(&self) -> Result<Vec<String>, StoreError> {
        self.store.receivers_due(self.store.now()).await
    }

    /// Sends what is due to one receiver, one message after the other, until it takes one no more.
    pub async fn deliver(&self, receiver: &str) -> Result<Delivered, StoreError> {
        let mut delivered = Delivered::default();
        while delivered.taken + delivered.failed < IN_A_ROUND {
            // Nobody else has it, not even another round of this node.
            let lease = format!("{:032x}", u128::from_ne_bytes(crypto::random()));
            let Some(posting) = self.store.take_message(receiver, &lease, LEASE).await? else { break };
            let tried = self.receivers.send(receiver, (posting.id.as_str(), &posting.body), self.store.now()).await;
            match tried.unwrap_or_else(unknown) {
                Answer::Taken(_) => {
                    self.store.message_sent(&posting, &lease).await?;
                    delivered.taken += 1;
                }
                Answer::Gone => {
                    self.switch_off(receiver).await?;
                    delivered.failed += 1;
                    break;
                }
                Answer::Failed { said, away, retry_after } => {
                    self.not_taken(&posting, &lease, (&said, away), retry_after).await?;
                    delivered.failed += 1;
                    if away {
                        break;
                    }
                }
            }
        }
        Ok(delivered)
    }

    async fn not_taken(
        &self,
        posting: &Posting,
        lease: &str,
        (said, away): (&str, bool),
        retry_after: Option<u64>,
    ) -> Result<(), StoreError> {
        let now = self.store.now();
        let tries = posting.attempts + 1;
        let next = now.after(pause::after(posting.id.as_str(), posting.attempts, retry_after));
        // At once, and then ever more rarely, with how often.
        if tries.is_power_of_two() {
            let (receiver, kind) = (posting.receiver.as_str(), posting.kind.as_str());
            tracing::warn!(event = "message_failed", receiver, kind, said, tries, "it is tried again");
        }
        self.store.message_failed(posting, lease, (said, away), next).await?;
        if posting.since.after(GIVEN_UP_AFTER) <= now {
            self.give_up(posting, now.before(GIVEN_UP_AFTER), tries, said).await?;
        }
        Ok(())
    }

    /// Gives up that message, and all that have waited for as long.
    async fn give_up(&self, posting: &Posting, since: Timestamp, tries: u32, said: &str) -> Result<(), StoreError> {
        let (id, receiver, said) = (posting.id.clone(), posting.receiver.clone(), said.to_owned());
        let given_up = self.store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let messages = tx.give_up_messages(&receiver, since, &id).await?;
                if messages == 0 {
                    return Ok(Commit::nothing(0));
                }
                let message = id.to_string();
                let event = MessagesGivenUp { receiver, message, messages, attempts: tries, said };
                Ok(Commit::with(event.by(Actor::System), messages))
            })
        });
        let messages = given_up.await?;
        tracing::error!(event = "messages_given_up", receiver = posting.receiver, messages, "nobody was told");
        Ok(())
    }

    /// It said 410: it gets no more until somebody has looked.
    ///
    /// Spec: Standard Webhooks (410 Gone)
    async fn switch_off(&self, receiver: &str) -> Result<(), StoreError> {
        let name = receiver.to_owned();
        let switched = self.store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let Some(messages) = tx.switch_receiver_off(&name).await? else { return Ok(Commit::nothing(())) };
                let event = ReceiverSwitched { receiver: name, is_on: false, messages };
                Ok(Commit::with(event.by(Actor::System), ()))
            })
        });
        switched.await?;
        tracing::error!(
            event = "receiver_off",
            receiver,
            "it answered 410 and is told no more; `portcullis notify test` of it switches it on again"
        );
        Ok(())
    }
}

/// A receiver that wanted no more took something again; `false` when it was on.
pub async fn switch_on(store: &Store, receiver: &str) -> Result<bool, StoreError> {
    let name = receiver.to_owned();
    let switched = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            if !tx.switch_receiver_on(&name).await? {
                return Ok(Commit::nothing(false));
            }
            let event = ReceiverSwitched { receiver: name, is_on: true, messages: 0 };
            Ok(Commit::with(event.by(Actor::Operator), true))
        })
    });
    switched.await
}

/// It was taken out of the configuration, or this node has an older one than the one that put the message there.
fn unknown() -> Answer {
    Answer::Failed { said: "it is not in the configuration of this node".into(), away: true, retry_after: None }
}

/// Longer than a try takes, and short enough for the messages of a node that was killed.
const LEASE: Span = Span::from_seconds(60);
/// A message that nobody took for so long is of no use to anybody.
const GIVEN_UP_AFTER: Span = Span::from_minutes(24 * 60);
/// More go in the next round.
const IN_A_ROUND: u32 = 50;
