//! Who is told of what, and where messages wait.
//!
//! The writer puts messages into the outbox together with the events that cause them. Who sends them has a connection of
//! its own, because the writer must not wait for that.

use std::sync::{Arc, Mutex, PoisonError};

use crypto::mint;
use model::{Id, Message, MessageKind, Server, Timestamp};
use sqlx::{AnyConnection, Connection};
use tokio::sync::Mutex as AsyncMutex;

use crate::{
    error::StoreError,
    sql::connect::{Connect, Purpose},
    tables::outbox,
};

/// Who is told of what.
#[derive(Clone, Debug, Default)]
pub struct Subscriptions {
    /// What links begin with.
    pub public_url: String,
    /// Who is told.
    pub subscribers: Vec<Subscriber>,
}

/// Who is told, and of what.
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// The name of the receiver.
    pub receiver: String,
    /// What it is told of; everything when there is none.
    pub kinds: Option<Vec<MessageKind>>,
    /// The servers of which it is told; of everything when there are none.
    pub servers: Option<Vec<Id<Server>>>,
}

/// What the writer and the senders share.
pub(crate) struct Outbox {
    subscriptions: Mutex<Arc<Subscriptions>>,
    connect: Connect,
    connection: AsyncMutex<Option<AnyConnection>>,
}

impl Outbox {
    /// One that tells nobody yet.
    pub(crate) fn new(connect: Connect) -> Self {
        Self { subscriptions: Mutex::default(), connect, connection: AsyncMutex::default() }
    }

    /// Puts what is to be told into the outbox, in the transaction of what it tells of.
    pub(crate) async fn put(
        &self,
        connection: &mut AnyConnection,
        messages: &[Message],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if messages.is_empty() {
            return Ok(());
        }
        let subscriptions = self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for message in messages {
            let body = message.body(&subscriptions.public_url, now);
            for subscriber in subscriptions.subscribers.iter().filter(|it| it.wants(message)) {
                outbox::put(connection, &subscriber.receiver, (&mint(), message, &body), now).await?;
            }
        }
        Ok(())
    }

    /// From now on, who is told of what.
    pub(crate) fn set(&self, subscriptions: Subscriptions) {
        *self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(subscriptions);
    }

    /// Runs a step on the connection of the senders; one at a time, none for longer than the store may be silent.
    pub(crate) async fn step<T>(
        &self,
        step: impl AsyncFnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut kept = self.connection.lock().await;
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => self.connect.connect(Purpose::Write).await?,
        };
        let _lock = self.connect.writer_lock().await;
        // A connection on which something failed is not used again.
        let done = self.connect.patience().wait(step(&mut connection)).await?;
        *kept = Some(connection);
        Ok(done)
    }

    /// Lets the database go.
    pub(crate) async fn close(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            let _ = connection.close().await;
        }
    }
}

impl Subscriber {
    fn wants(&self, message: &Message) -> bool {
        let about = |server: &Id<Server>| message.server() == Some(server.as_str());
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&message.kind))
            && self.servers.as_ref().is_none_or(|servers| servers.iter().any(about))
    }
}
