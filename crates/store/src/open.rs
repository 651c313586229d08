//! Opening an installation's store, and making it the first time.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use model::{
    Actor, Clock, Span, Timestamp,
    config::StoreUrl,
    event::{KeyMade, LogStarted},
};

use sqlx::{AnyConnection, AssertSqlSafe, query, raw_sql};
use token::{LogKey, MasterKey, SigningKey};

use crate::{
    Store, StoreError,
    access_keys::ACCESS,
    append::LogSigner,
    columns::Columns,
    connect::{Connect, Dialect, SQLITE_FILE},
    damage::{self, Which},
    exposed::exposed,
    identity::OpenFile,
    key_file::{self, MASTER_KEY_FILE},
    known::{Head, Known},
    last_head::{self, LAST_HEAD_FILE},
    reserve, schema,
    store::Parts,
    uptime::Uptime,
    view::Seen,
    watch::{self, LogName, NodeName},
    what_stands::NAMES,
};

/// The verifier key of the log inside the data directory, for whoever checks it from outside.
pub(crate) const VERIFIER_KEY_FILE: &str = "audit.vkey";

/// What [`Store::open`] needs to know.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Where the database is.
    pub url: StoreUrl,
    /// The directory of the master key; made when it is missing.
    pub data_dir: PathBuf,
    /// The name of the audit log in its checkpoints, such as `mcp.acme.example/audit`.
    pub origin: String,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// The name of this node, to which the store adds something of its own. `None` for a command-line visitor,
    /// for which nobody waits.
    pub node: Option<String>,
    /// What happens when there is no store yet, or one of an older version.
    pub missing: Missing,
    /// After how long without an answer a node counts as gone, and answers no more itself.
    pub store_silence: Span,
}

/// What happens when there is no store where one is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is made.
    IsMade,
    /// None is made, and one of an older version is brought up to date. A node that runs on it closes.
    IsMigrated,
    /// Nothing is made or changed.
    IsRefused,
}

/// Why a store did not open, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The path of the data directory is something else.
    #[error("`{0}` is not a directory; choose another data_dir")]
    NotADirectory(PathBuf),
    /// The operating system refused.
    #[error("`{path}`: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others on this machine could read the master key.
    #[error("`{0}` can be read by others; run `chmod 600 {0}`")]
    KeyExposed(PathBuf),
    /// The master key file does not have 32 bytes.
    #[error("`{0}` is not a master key: it must have exactly 32 bytes")]
    NotAKey(PathBuf),
    /// The database has sealed keys, but the master key is gone.
    #[error("`{0}` is missing, and the database was made with it; restore the file")]
    KeyMissing(PathBuf),
    /// The master key is not the one this database was made with.
    #[error("`{0}` is not the master key of this database; restore the key file that belongs to it")]
    WrongMasterKey(PathBuf),
    /// The verifier key in the data directory is of another log.
    #[error("`{0}` belongs to another log than this database holds; if that log may go, move the file away")]
    OtherLog(PathBuf),
    /// The log has fewer records than were seen from here.
    #[error(
        "the log has {size} records, but `{path}` shows that there were {seen}: it was cut off, its write-ahead log \
         (`-wal`) was lost or broken, or an older backup was restored. Restore the newest database. If the loss is known and accepted, keep `{path}` elsewhere as evidence, \
         move it away and start again"
    )]
    LogCut {
        /// The head that was seen.
        path: PathBuf,
        /// Its size.
        seen: u64,
        /// The size of the log now.
        size: u64,
    },
    /// The log does not begin with the records that were seen from here.
    #[error(
        "the first {seen} records of the log are not those that `{path}` was written for: history was rewritten. Keep \
         a copy of the database, run `portcullis audit verify`, and restore a database that begins with them"
    )]
    LogRewritten {
        /// The head that was seen.
        path: PathBuf,
        /// Its size.
        seen: u64,
    },
    /// The database is gone, and it is known that there was one.
    #[error(
        "the database `{file}` is gone, but `{head}` shows that there was one: restore it. If the loss is known and \
         accepted, keep the data directory elsewhere as evidence, and start with an empty one"
    )]
    DatabaseGone {
        /// Where it was.
        file: PathBuf,
        /// What is known of it.
        head: PathBuf,
    },
    /// Pages of the database file are not what SQLite wrote.
    #[error(
        "the database `{file}` is damaged: {why}. Stop every node, keep a copy of the file, and restore the newest \
         backup (docs/operations.md); `portcullis audit verify` says what of the log is left"
    )]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// What SQLite found.
        why: String,
    },
    /// The file of the last head is not one of this log.
    #[error("`{path}` is not a head of this log: {why}; if its log may go, move the file away")]
    NotAHead {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The database could not be reached or opened.
    #[error("the database {shown} can not be opened: {reason}")]
    Unreachable {
        /// The URL without its password.
        shown: String,
        /// What the driver said.
        reason: String,
    },
    /// A newer version of this program wrote the database.
    #[error("the database has schema {found}, this version knows {known}: run the newer version")]
    NewerSchema {
        /// What was found.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// There is no store here, and whoever asks does not make one.
    #[error("there is no store at {0} yet; `portcullis serve` makes it. Is this the configuration that it runs with?")]
    NothingThere(String),
    /// A store of an older version, and whoever asks does not change it.
    #[error(
        "the database has schema {found}, this version needs {known}: stop the nodes of the version before, take a \
         backup, and run `portcullis store migrate`"
    )]
    OlderSchema {
        /// What was found.
        found: i64,
        /// What this program needs.
        known: i64,
    },
    /// A first read or write failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpenError {
    /// Is there simply nothing yet?
    pub fn is_nothing_yet(&self) -> bool {
        matches!(self, Self::NothingThere(_))
    }
}

impl Store {
    /// Opens the store; makes the directory, the master key, the schema and the keys when they are missing and may
    /// be made.
    ///
    /// Several processes may do so at the same time.
    pub async fn open(options: OpenOptions) -> Result<Self, OpenError> {
        let data_dir = options.data_dir.clone();
        match Self::open_once(options.clone()).await {
            // Whoever only visits may be here to stop somebody, and even that needs a little room.
            Err(OpenError::Store(error)) if error.is_disk_full() && reserve::give_back(&data_dir) => {
                Self::open_once(options).await
            }
            opened => opened,
        }
    }

    async fn open_once(mut options: OpenOptions) -> Result<Self, OpenError> {
        let began = Uptime::now();
        // Two processes that were given one name are still two.
        let boot = format!("{:08x}", u32::from_ne_bytes(token::random()));
        let node = options.node.take().map(|name| NodeName { name: format!("{name}-{boot}"), boot });
        match (options.missing, options.url.sqlite_directory()) {
            (Missing::IsMade, directory) => {
                key_file::directory(&options.data_dir)?;
                if let Some(directory) = directory {
                    key_file::directory(&directory)?;
                    let file = directory.join(SQLITE_FILE);
                    if !file.exists() && options.data_dir.join(LAST_HEAD_FILE).exists() {
                        return Err(OpenError::DatabaseGone { file, head: options.data_dir.join(LAST_HEAD_FILE) });
                    }
                    key_file::touch(&file)?;
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
            for exposed in exposed(&options.data_dir, &options.url) {
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
        let opened = keys(&mut connection, connect.dialect, &options).await?;
        last_head::check(&mut connection, &options.data_dir, &opened.signer, &opened.known).await?;
        let seen = Seen::read(&mut connection, &opened.master).await?;
        // From its first moment others wait for it.
        if let Some(node) = &node {
            let size = opened.known.head.size;
            // Its row says that it knows this much: it must not forget that.
            let (data_dir, note) = (options.data_dir.clone(), opened.known.head.note.clone());
            last_head::keep(data_dir, note, size, LogName::of(&opened.signer)).await;
            watch::sign_of_life(&mut connection, node, &seen.epoch.stamp, size).await?;
        }
        raw_sql("COMMIT").execute(&mut connection).await.map_err(StoreError::from)?;
        verifier_key(&options.data_dir, &opened.signer)?;
        if opened.signer.origin != options.origin {
            tracing::warn!(event = "log_origin_kept", origin = opened.signer.origin, wanted = options.origin);
        }
        let Keys { master, signer, known, .. } = opened;
        let parts =
            Parts { options, connect, connection, master, signer, known, seen, node, file, is_looked_at, began };
        Ok(Self::start(parts))
    }
}

/// The keys of an installation.
struct Keys {
    master: MasterKey,
    signer: LogSigner,
    known: Known,
}

/// Reads the keys; makes them, and begins the log, the first time.
async fn keys(connection: &mut AnyConnection, dialect: Dialect, options: &OpenOptions) -> Result<Keys, OpenError> {
    let sql = "SELECT purpose, name, sealed FROM signing_key ORDER BY made_at DESC, name";
    let rows = query(sql).fetch_all(&mut *connection).await.map_err(StoreError::from)?;
    let path = options.data_dir.join(MASTER_KEY_FILE);
    let master = match key_file::read(&options.data_dir)? {
        Some(master) => master,
        None if rows.is_empty() => key_file::make(&options.data_dir)?,
        None => return Err(OpenError::KeyMissing(path)),
    };
    if rows.is_empty() {
        // All of a database that was never checkpointed is in its write-ahead log, and can be lost with that.
        let head = options.data_dir.join(LAST_HEAD_FILE);
        if head.exists() {
            return Err(OpenError::DatabaseGone { file: options.url.shown().into(), head });
        }
        return first_keys(connection, options, master).await;
    }
    let (head, _) = Head::lock(connection, dialect).await?;
    let mut signer = None;
    for row in &rows {
        let mut columns = Columns::of("signing key", row);
        let (purpose, name, sealed) = (columns.text()?, columns.text()?, columns.bytes()?);
        let pkcs8 = master.open(&purpose, &sealed).map_err(|_| OpenError::WrongMasterKey(path.clone()))?;
        let unreadable = |error: token::KeyError| columns.unreadable(error.to_string());
        if purpose == LOG {
            signer = Some(LogSigner::new(LogKey::from_pkcs8(&pkcs8).map_err(unreadable)?, name));
        }
    }
    let missing = |why: &str| StoreError::Unreadable { what: "signing key", why: why.into() };
    let signer = signer.ok_or_else(|| missing("the key of the log is not there"))?;
    let known = Known::first(connection, &signer, head).await?;
    Ok(Keys { master, signer, known })
}

/// What the sealed key of the log is for; bound into the seal.
const LOG: &str = "log";

async fn first_keys(
    connection: &mut AnyConnection,
    options: &OpenOptions,
    master: MasterKey,
) -> Result<Keys, OpenError> {
    let now = options.clock.now();
    let access = SigningKey::generate();
    let signer = LogSigner::new(LogKey::generate(), options.origin.clone());
    put_key(connection, access.kid(), ACCESS, master.seal(ACCESS, &access.to_pkcs8()), now).await?;
    put_key(connection, &signer.origin, LOG, master.seal(LOG, &signer.key.to_pkcs8()), now).await?;
    let records: Vec<_> = [
        LogStarted { origin: signer.origin.clone(), names: Some(NAMES) }.by(Actor::System),
        KeyMade { key: access.kid().to_owned(), purpose: ACCESS, signs_from: None, old_gone_at: None, retired: None }
            .by(Actor::System),
    ]
    .iter()
    .map(|event| event.to_record(now))
    .collect();
    let empty = signer.begin(connection).await?;
    let known = signer.append(connection, &empty, &records, Vec::new(), now).await?;
    Ok(Keys { master, signer, known })
}

async fn put_key(
    connection: &mut AnyConnection,
    name: &str,
    purpose: &str,
    sealed: Vec<u8>,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO signing_key (name, purpose, sealed, made_at) VALUES ($1, $2, $3, $4)")
        .bind(name)
        .bind(purpose)
        .bind(sealed)
        .bind(now.micros())
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes the verifier key beside the master key, and refuses when another one is there: then the log that
/// this directory belonged to is gone, and somebody should know.
fn verifier_key(data_dir: &Path, signer: &LogSigner) -> Result<(), OpenError> {
    let path = data_dir.join(VERIFIER_KEY_FILE);
    let line = format!("{}\n", audit::verifier_key(&signer.origin, &signer.public));
    // On a full disk nothing can be written, and whoever comes then may be here to stop somebody.
    if !path.exists() {
        match key_file::publish(&path, line.as_bytes(), 0o644) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(key_file::io(&path)(error)),
            _ => {}
        }
    }
    let found = std::fs::read_to_string(&path).map_err(key_file::io(&path))?;
    if found.trim() == line.trim() { Ok(()) } else { Err(OpenError::OtherLog(path)) }
}
