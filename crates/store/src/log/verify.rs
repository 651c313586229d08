//! Verifying the log of a stopped or running installation.

use std::{fs, path::Path};

use audit::{
    Checkpoint, Finding, LogSource, Report, StoredBatch, StoredHead, StoredTile, parse_verifier_key, verify_log,
};
use model::config::StoreUrl;
use sqlx::{AnyConnection, query, raw_sql};
use tokio::{runtime::Handle, task::spawn_blocking};

use crate::{
    error::StoreError,
    files::data_dir::VERIFIER_KEY_FILE,
    log::{
        contradictions::{Contradiction, contradictions},
        witness_file::{self, LAST_HEAD_FILE},
    },
    sql::{
        columns::Columns,
        connect::{Connect, Dialect, Purpose},
    },
};

/// Why a log does not verify, or could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log is not what was signed.
    #[error(transparent)]
    Finding(Finding),
    /// It could not be read.
    #[error("the log can not be read: {0}")]
    Unreadable(String),
    /// The verifier key is missing or malformed.
    #[error("`{path}` is not a verifier key: {why}")]
    VerifierKey {
        /// Where it was looked for.
        path: std::path::PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The verifier key that was given is malformed.
    #[error("the given verifier key can not be used: {0}")]
    GivenKey(String),
    /// A witness's checkpoint is not one of this log.
    #[error("a checkpoint to compare with can not be used: {0}")]
    Witness(String),
}

/// What a verification may rest on besides the database.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerifyOptions<'o> {
    /// A checkpoint that was kept elsewhere: the text of the signed note.
    pub witness: Option<&'o str>,
    /// The verifier key (`name+hash+base64`). `None` takes `audit.vkey` in the data directory, which proves
    /// less: whoever changed the database may have changed the file beside it.
    pub verifier_key: Option<&'o str>,
}

/// A log that verifies, and how the rest of the database goes with it.
#[derive(Debug)]
pub struct Verification {
    /// What was read and hashed.
    pub report: Report,
    /// What stands in the database and is not what the log says.
    pub contradictions: Vec<Contradiction>,
}

/// Recomputes the whole log and compares all that is stored with it, and with older checkpoints: that of
/// the witness, and the last one seen from `data_dir`, if there is one. Then compares what stands in the
/// database with what the log says. The database is opened read-only.
pub async fn verify(url: &StoreUrl, data_dir: &Path, options: VerifyOptions<'_>) -> Result<Verification, VerifyError> {
    let (origin, public) = verifier_key(&data_dir.join(VERIFIER_KEY_FILE), options.verifier_key)?;
    // Before the log is looked at: it may grow meanwhile, and the file with it.
    let last_head = witness_file::read(data_dir)
        .map_err(|error| VerifyError::Witness(format!("`{}`: {error}", data_dir.join(LAST_HEAD_FILE).display())))?;
    let mut witnesses = Vec::new();
    for (name, note) in [("the witness", options.witness), (LAST_HEAD_FILE, last_head.as_deref())] {
        let Some(note) = note else { continue };
        let witness = Checkpoint::open(note, &origin, &public);
        witnesses.push(witness.map_err(|error| VerifyError::Witness(format!("{name}: {error}")))?);
    }
    let unreadable = |error: &dyn std::fmt::Display| VerifyError::Unreadable(error.to_string());
    let connect = Connect::read_only(url).map_err(|error| unreadable(&error))?;
    let mut connection = connect.connect(Purpose::Read).await.map_err(|error| unreadable(&error))?;
    // One state of the log, however it grows.
    raw_sql(match connect.dialect {
        Dialect::Sqlite => "BEGIN",
        Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    })
    .execute(&mut connection)
    .await
    .map_err(|error| unreadable(&error))?;
    let runtime = Handle::current();
    let (report, mut connection) = spawn_blocking(move || {
        let mut reader = LogReader { connection, runtime };
        (verify_log(&mut reader, &origin, &public, &witnesses), reader.connection)
    })
    .await
    .map_err(|error| unreadable(&error))?;
    let report = report.map_err(|finding| match finding {
        Finding::Unreadable { why } => VerifyError::Unreadable(why),
        finding => VerifyError::Finding(finding),
    })?;
    let contradictions = contradictions(&mut connection).await.map_err(|error| unreadable(&error))?;
    Ok(Verification { report, contradictions })
}

fn verifier_key(path: &Path, given: Option<&str>) -> Result<(String, [u8; 32]), VerifyError> {
    if let Some(given) = given {
        return parse_verifier_key(given).map_err(|error| VerifyError::GivenKey(error.to_string()));
    }
    let why = |why: String| VerifyError::VerifierKey { path: path.to_owned(), why };
    let text = fs::read_to_string(path).map_err(|error| why(error.to_string()))?;
    parse_verifier_key(&text).map_err(|error| why(error.to_string()))
}

/// A stored log, read from a thread that may wait.
struct LogReader {
    connection: AnyConnection,
    runtime: Handle,
}

/// How many rows are read at a time.
const AT_ONCE: i64 = 64;

impl LogSource for LogReader {
    type Error = StoreError;

    fn head(&mut self) -> Result<StoredHead, StoreError> {
        self.runtime.block_on(async {
            let sql = "SELECT checkpoint, size, frontier FROM audit_head WHERE one = 1";
            let row = query(sql).fetch_one(&mut self.connection).await?;
            let mut columns = Columns::of("head of the log", &row);
            Ok(StoredHead { checkpoint: columns.text()?, size: columns.number()?, frontier: columns.bytes()? })
        })
    }

    fn batches(&mut self, first: u64) -> Result<Vec<StoredBatch>, StoreError> {
        let Ok(from) = i64::try_from(first) else { return Ok(Vec::new()) };
        // A row before the first record is none that this program wrote.
        let from = if from == 0 { i64::MIN } else { from };
        self.runtime.block_on(async {
            let sql = "SELECT first_seq, count, entries, hashes FROM audit_batch WHERE first_seq >= $1
                       ORDER BY first_seq LIMIT $2";
            let rows = query(sql).bind(from).bind(AT_ONCE).fetch_all(&mut self.connection).await?;
            rows.iter()
                .map(|row| {
                    let mut columns = Columns::of("log", row);
                    Ok(StoredBatch {
                        first: columns.number()?,
                        count: columns.number()?,
                        entries: columns.bytes()?,
                        hashes: columns.bytes()?,
                    })
                })
                .collect()
        })
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<Option<StoredTile>, StoreError> {
        self.runtime.block_on(async {
            let row = query("SELECT root, hashes FROM audit_tile WHERE level = $1 AND idx = $2")
                .bind(i64::from(level))
                .bind(index as i64)
                .fetch_optional(&mut self.connection)
                .await?;
            let Some(row) = row else { return Ok(None) };
            let mut columns = Columns::of("tile", &row);
            Ok(Some(StoredTile { root: columns.bytes()?, hashes: columns.bytes()? }))
        })
    }

    fn tiles(&mut self) -> Result<u64, StoreError> {
        self.runtime.block_on(async {
            let row = query("SELECT COUNT(*) FROM audit_tile").fetch_one(&mut self.connection).await?;
            Columns::of("tile", &row).number()
        })
    }
}
