//! The steps of sending a message: taken under a lease, then sent or not.

use model::{Span, Timestamp};

use crate::{
    engine::{outbox::Subscriptions, store::Store},
    error::StoreError,
    tables::outbox::{self, Posting},
};

impl Store {
    /// From now on, who is told of what.
    pub fn tell(&self, subscriptions: Subscriptions) {
        self.shared.outbox.set(subscriptions);
    }

    /// Takes the message that has waited longest for a receiver: nobody else sends it for `lasts`. `lease` is a text that
    /// nobody else has.
    pub async fn take_message(&self, receiver: &str, lease: &str, lasts: Span) -> Result<Option<Posting>, StoreError> {
        let now = self.now();
        let times = (now, now.after(lasts));
        self.shared.outbox.step(async |connection| outbox::take(connection, receiver, lease, times).await).await
    }

    /// The receiver took it.
    pub async fn message_sent(&self, posting: &Posting, lease: &str) -> Result<(), StoreError> {
        let now = self.now();
        self.shared.outbox.step(async |connection| outbox::sent(connection, posting, lease, now).await).await
    }

    /// It did not, and `said` this; it is tried again at `next`. When the receiver is `away`, all that waits for it is tried no
    /// sooner.
    pub async fn message_failed(
        &self,
        posting: &Posting,
        lease: &str,
        said: (&str, bool),
        next: Timestamp,
    ) -> Result<(), StoreError> {
        let times = (self.now(), next);
        self.shared.outbox.step(async |connection| outbox::failed(connection, posting, lease, said, times).await).await
    }
}
