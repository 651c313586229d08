//! The keys of an installation: the master key in its file, and those that are sealed with it in the database.

use crypto::{LogKey, MasterKey, SigningKey};
use model::{
    Actor, Timestamp,
    event::{KeyMade, LogStarted},
};
use sqlx::{AnyConnection, query};

use crate::{
    engine::options::OpenOptions,
    error::StoreError,
    files::data_dir::{self, MASTER_KEY_FILE},
    log::{
        contradictions::record::NAMES, head::Head, known_head::KnownHead, signer::LogSigner,
        witness_file::LAST_HEAD_FILE,
    },
    open_error::OpenError,
    sql::{columns::Columns, connect::Dialect},
    tables::access_keys::ACCESS,
};

/// The keys of an installation.
pub(super) struct Keys {
    pub(super) master: MasterKey,
    pub(super) signer: LogSigner,
    pub(super) known: KnownHead,
}

/// Reads the keys; makes them, and begins the log, the first time.
pub(super) async fn read_or_make(
    connection: &mut AnyConnection,
    dialect: Dialect,
    options: &OpenOptions,
) -> Result<Keys, OpenError> {
    let sql = "SELECT purpose, name, sealed FROM signing_key ORDER BY made_at DESC, name";
    let rows = query(sql).fetch_all(&mut *connection).await.map_err(StoreError::from)?;
    let path = options.data_dir.join(MASTER_KEY_FILE);
    let master = match data_dir::read(&options.data_dir)? {
        Some(master) => master,
        None if rows.is_empty() => data_dir::make(&options.data_dir)?,
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
        let unreadable = |error: crypto::KeyError| columns.unreadable(error.to_string());
        if purpose == LOG {
            signer = Some(LogSigner::new(LogKey::from_pkcs8(&pkcs8).map_err(unreadable)?, name));
        }
    }
    let missing = |why: &str| StoreError::Unreadable { what: "signing key", why: why.into() };
    let signer = signer.ok_or_else(|| missing("the key of the log is not there"))?;
    let known = KnownHead::first(connection, &signer, head).await?;
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
