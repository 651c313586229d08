//! A few connections for reading, lent one at a time, and with them all that can be read of the tables.
//!
//! Not the driver's pool, because that one tests every connection again on each return: a read of the
//! gateway is one statement, and the test would double it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{AnyConnection, Connection};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::{
    error::StoreError,
    sql::connect::{Connect, Dialect, Purpose},
};

/// How long a reader waits for its turn.
const TO_BE_LENT: Duration = Duration::from_secs(5);

/// The connections. What can be asked through them is in `tables`, beside the statements.
pub struct Readers {
    connect: Connect,
    idle: Mutex<Vec<AnyConnection>>,
    permits: Semaphore,
}

/// A connection on loan. Dropped before [`Self::done`], as when a caller goes away, it is closed,
/// because a statement may still run on it.
pub(crate) struct Reader<'p> {
    readers: &'p Readers,
    connection: AnyConnection,
    _permit: SemaphorePermit<'p>,
}

impl Readers {
    pub(crate) fn new(connect: Connect) -> Self {
        let most = match connect.dialect {
            Dialect::Sqlite => 4,
            Dialect::Postgres => 16,
        };
        Self { connect, idle: Mutex::default(), permits: Semaphore::new(most) }
    }

    /// Lends a connection, and makes one when there is none idle.
    pub(crate) async fn lend(&self) -> Result<Reader<'_>, StoreError> {
        let permit = match timeout(TO_BE_LENT, self.permits.acquire()).await {
            Ok(permit) => permit.map_err(|_| StoreError::Closed)?,
            Err(_) => return Err(StoreError::Silent),
        };
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect.connect(Purpose::Read).await?,
        };
        Ok(Reader { readers: self, connection, _permit: permit })
    }

    /// Lets go of the idle ones: the server they go to may be gone.
    pub(crate) fn forget_idle(&self) {
        self.idle().clear();
    }

    /// Lends no more.
    pub(crate) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            let _ = connection.close().await;
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<AnyConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

impl Reader<'_> {
    pub(crate) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }

    /// Gives the connection back if all went well, and passes the outcome through.
    pub(crate) fn done<T>(self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        match &outcome {
            Err(StoreError::Database(_)) => self.readers.forget_idle(),
            _ if self.readers.permits.is_closed() => {}
            _ => self.readers.idle().push(self.connection),
        }
        outcome
    }
}
