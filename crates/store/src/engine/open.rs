//! Opening an installation's store, and making it the first time.

use std::{path::Path, sync::Arc};

use sqlx::{AssertSqlSafe, raw_sql};

use crate::{
    engine::{
        installation_keys::{self, Keys},
        options::{Missing, OpenOptions},
        start::{Parts, start},
        store::Store,
    },
    epoch::{
        lease::{self, NodeName},
        uptime::Uptime,
        view::Seen,
    },
    error::StoreError,
    files::{
        data_dir::{self, SQLITE_FILE, VERIFIER_KEY_FILE},
        disk_reserve,
        open_file::OpenFile,
        permissions::open_to_others,
    },
    log::{
        signer::{LogName, LogSigner},
        witness_file::{self, LAST_HEAD_FILE},
    },
    open_error::OpenError,
    sql::{
        connect::{Connect, Dialect},
        damage::{self, Which},
        schema,
    },
};

impl Store {
    /// Opens the store; makes the directory, the master key, the schema and the keys when they are missing and may
    /// be made.
    ///
    /// Several processes may do so at the same time.
    pub async fn open(options: OpenOptions) -> Result<Self, OpenError> {
        let data_dir = options.data_dir.clone();
        match Self::open_once(options.clone()).await {
            // Whoever only visits may be here to stop somebody, and even that needs a little room.
            Err(OpenError::Store(error)) if error.is_disk_full() && disk_reserve::give_back(&data_dir) => {
                Self::open_once(options).await
            }
            opened => opened,
        }
    }

    async fn open_once(mut options: OpenOptions) -> Result<Self, OpenError> {
        let began = Uptime::now();
        // Two processes that were given one name are still two.
        let boot = format!("{:08x}", u32::from_ne_bytes(crypto::random()));
        let node = options.node.take().map(|name| NodeName { name: format!("{name}-{boot}"), boot });
        match (options.missing, options.url.sqlite_directory()) {
            (Missing::IsMade, directory) => {
                data_dir::directory(&options.data_dir)?;
                if let Some(directory) = directory {
                    data_dir::directory(&directory)?;
                    let file = directory.join(SQLITE_FILE);
                    if !file.exists() && options.data_dir.join(LAST_HEAD_FILE).exists() {
                        return Err(OpenError::DatabaseGone { file, head: options.data_dir.join(LAST_HEAD_FILE) });
                    }
                    data_dir::touch(&file)?;
                }
            }
            (Missing::IsRefused | Missing::IsMigrated, Some(directory)) if !directory.join(SQLITE_FILE).exists() => {
                return Err(OpenError::NothingThere(directory.join(SQLITE_FILE).display().to_string()));
            }
            (Missing::IsRefused | Missing::IsMigrated, _) => {}
        }
        let connect = Connect::new(&options.url, options.store_silence.duration())?;
        let mut connection = connect.first().await?;
        let file = options.url.sqlite_directory().and_then(|directory| OpenFile::at(&directory.join(SQLITE_FILE)));
        connect.begin(&mut connection).await?;
        if connect.dialect == Dialect::Postgres {
            // Only one process at a time may look whether the tables are there, and making them may take a while.
            raw_sql(
                "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '30s';
                 SET LOCAL idle_in_transaction_session_timeout = '30s'; SELECT pg_advisory_xact_lock(7093321)",
            )
            .execute(&mut connection)
            .await
            .map_err(StoreError::from)?;
        }
        // A small one as a whole; of a large one the rest is looked at while it serves.
        let mut is_looked_at = true;
        if let Some(directory) = options.url.sqlite_directory().filter(|_| node.is_some()) {
            let path = directory.join(SQLITE_FILE);
            is_looked_at = std::fs::metadata(&path).is_ok_and(|found| found.len() <= damage::AT_ONCE);
            damage::refuse(&mut connection, path.clone(), Which::First).await?;
            if is_looked_at {
                damage::refuse(&mut connection, path, Which::Rest).await?;
            }
            for exposed in open_to_others(&options.data_dir, &options.url) {
                tracing::warn!(event = "exposed", path = %exposed.path.display(), "{exposed}");
            }
        }
        match options.missing {
            Missing::IsMade => schema::make(&mut connection).await?,
            Missing::IsMigrated => {
                schema::is_there(&mut connection, connect.dialect, &options.url.shown()).await?;
                let from = schema::migrate(&mut connection).await?;
                tracing::info!(event = "store_migrated", from, to = schema::known());
            }
            Missing::IsRefused => schema::is_current(&mut connection, connect.dialect, &options.url.shown()).await?,
        }
        if connect.dialect == Dialect::Postgres && options.missing == Missing::IsRefused {
            // Nothing is made: whoever visits, to stop somebody perhaps, waits for the head of the log no longer than a
            // writer does.
            let silence = format!("SET LOCAL lock_timeout = {}", connect.silence().as_millis());
            raw_sql(AssertSqlSafe(silence)).execute(&mut connection).await.map_err(StoreError::from)?;
        }
        let opened = installation_keys::read_or_make(&mut connection, connect.dialect, &options).await?;
        witness_file::check(&mut connection, &options.data_dir, &opened.signer, &opened.known).await?;
        let seen = Seen::read(&mut connection, &opened.master, Arc::default()).await?;
        // From its first moment others wait for it.
        if let Some(node) = &node {
            let size = opened.known.head.size;
            // Its row says that it knows this much: it must not forget that.
            let (data_dir, note) = (options.data_dir.clone(), opened.known.head.note.clone());
            witness_file::keep(data_dir, note, size, LogName::of(&opened.signer)).await;
            lease::renew(&mut connection, node, &seen.epoch.stamp, size).await?;
        }
        raw_sql("COMMIT").execute(&mut connection).await.map_err(StoreError::from)?;
        verifier_key(&options.data_dir, &opened.signer)?;
        if opened.signer.origin != options.origin {
            tracing::warn!(event = "log_origin_kept", origin = opened.signer.origin, wanted = options.origin);
        }
        let Keys { master, signer, known, .. } = opened;
        let parts =
            Parts { options, connect, connection, master, signer, known, seen, node, file, is_looked_at, began };
        Ok(start(parts))
    }
}

/// Writes the verifier key beside the master key, and refuses when another one is there: then the log that
/// this directory belonged to is gone, and somebody should know.
fn verifier_key(data_dir: &Path, signer: &LogSigner) -> Result<(), OpenError> {
    let path = data_dir.join(VERIFIER_KEY_FILE);
    let line = format!("{}\n", audit::verifier_key(&signer.origin, &signer.public));
    // On a full disk nothing can be written, and whoever comes then may be here to stop somebody.
    if !path.exists() {
        match data_dir::publish(&path, line.as_bytes(), 0o644) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(data_dir::io(&path)(error)),
            _ => {}
        }
    }
    let found = std::fs::read_to_string(&path).map_err(data_dir::io(&path))?;
    if found.trim() == line.trim() { Ok(()) } else { Err(OpenError::OtherLog(path)) }
}
