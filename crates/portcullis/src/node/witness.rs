//! An outside witness: it keeps the size and the root of our log where nobody who puts our directory back can reach them.
//!
//! A start asks it whether it knows a longer log than the one that was opened. A running node shows it each new head soon,
//! and the head with a revocation at once.
//!
//! Spec: C2SP tlog-witness.

use std::time::Duration;

use anyhow::{Context, Result};
use audit::{Checkpoint, Cosigner, NoteError, add_checkpoint};
use http::{HeaderMap, Method, StatusCode};
use model::config::WitnessConfig;
use store::{Store, StoreError};

/// A witness that is asked.
pub struct Witness {
    url: String,
    cosigner: Cosigner,
    client: net::WebClient,
    /// So many records it has seen, as far as we know.
    seen: u64,
}

/// Why a head has no cosignature.
#[derive(Debug, thiserror::Error)]
pub enum Unwitnessed {
    /// It has seen more than there is.
    #[error(
        "the witness has seen {seen} records of this log, and the store has {size}: an older copy of it was put back. \
         What was revoked since is not revoked here. Put the newer one back, or read docs/operations.md, \"Restore\""
    )]
    Older {
        /// How many the witness has seen.
        seen: u64,
        /// How many there are.
        size: u64,
    },
    /// It has seen other records.
    #[error("the witness has seen another log of this name: the one in the store does not continue it")]
    Forked,
    /// It has not been told about us.
    #[error("the witness does not accept this log ({0}): give its operator `data_dir/audit.vkey`")]
    Stranger(StatusCode),
    /// It did not answer, or not as a witness does.
    #[error("{0}")]
    Away(String),
    /// Its signature is not that of the key that is configured.
    #[error("what the witness signed does not hold: {0}")]
    Signature(#[from] NoteError),
    /// The log could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Between two heads that are shown.
const SHOW_EVERY: Duration = Duration::from_secs(10);
/// A head is asked for again so often, when others are faster.
const TRIES: usize = 5;

impl Witness {
    /// As configured. `extra_ca_pem`: certificate authorities beside the public ones.
    pub fn new(config: &WitnessConfig, extra_ca_pem: Option<&[u8]>) -> Result<Self> {
        let cosigner = Cosigner::parse(&config.key).context("audit.witness.key")?;
        let url = format!("{}/add-checkpoint", config.url.trim_end_matches('/'));
        Ok(Self { url, cosigner, client: net::WebClient::new(extra_ca_pem).context("audit.witness")?, seen: 0 })
    }

    /// Shows it the head of the log; returns how many records it has seen now.
    pub async fn show(&mut self, store: &Store) -> Result<u64, Unwitnessed> {
        let mut answer = Ok(0);
        for _ in 0..TRIES {
            answer = self.show_once(store).await;
            match &answer {
                // Somebody else showed it another head: from there on.
                Err(Unwitnessed::Older { seen, .. }) if *seen != self.seen => self.seen = *seen,
                _ => break,
            }
        }
        answer
    }

    async fn show_once(&mut self, store: &Store) -> Result<u64, Unwitnessed> {
        let note = store.checkpoint().await?;
        let head = Checkpoint::open(&note, store.log_origin(), &store.log_public_key())?;
        if head.size < self.seen {
            return Err(Unwitnessed::Older { seen: self.seen, size: head.size });
        }
        let proof = store.consistency_proof(self.seen, head.size).await?;
        let body = add_checkpoint(self.seen, &proof, &note);
        let answer = self.client.request(Method::POST, &self.url, HeaderMap::new(), body).await;
        let answer = answer.map_err(|error| Unwitnessed::Away(error.to_string()))?;
        match answer.status {
            StatusCode::OK => {
                self.cosigner.signed_at(&head, &answer.text())?;
                self.seen = head.size;
                Ok(head.size)
            }
            StatusCode::CONFLICT if answer.header("content-type") == Some("text/x.tlog.size") => {
                match answer.text().trim_end().parse() {
                    // The same size and not the same root.
                    Ok(seen) if seen == self.seen => Err(Unwitnessed::Forked),
                    Ok(seen) => Err(Unwitnessed::Older { seen, size: head.size }),
                    Err(_) => Err(Unwitnessed::Away("the witness answered 409 without a size".into())),
                }
            }
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => Err(Unwitnessed::Forked),
            status @ (StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) => Err(Unwitnessed::Stranger(status)),
            status => Err(Unwitnessed::Away(format!("the witness answered {status}"))),
        }
    }

    /// Shows it each new head, until the store does not go on: because of what the witness knows, perhaps.
    pub async fn keep_shown(mut self, store: Store) {
        let mut epochs = store.epochs();
        let mut away: u64 = 0;
        loop {
            let shown = self.show(&store).await;
            match shown {
                Ok(_) => {
                    if std::mem::take(&mut away) > 0 {
                        tracing::warn!(
                            event = "witness_back",
                            witness = self.cosigner.name(),
                            "the witness answers again"
                        );
                    }
                }
                Err(error @ (Unwitnessed::Older { .. } | Unwitnessed::Forked)) => {
                    tracing::error!(event = "log_forked", witness = self.cosigner.name(), %error);
                    return store.give_up();
                }
                Err(error) => {
                    if away.is_multiple_of(60) {
                        tracing::warn!(event = "witness_away", witness = self.cosigner.name(), %error);
                    }
                    away += 1;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(SHOW_EVERY) => {}
                changed = epochs.changed() => if changed.is_err() { return },
            }
        }
    }
}
