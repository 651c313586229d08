//! An outside witness: it keeps the size and the root of our log where nobody who puts our directory back can reach them.
//!
//! A start asks it whether it knows a longer log than the one that was opened. A running node shows it each new head soon,
//! and the head with a revocation at once.
//!
//! Spec: C2SP tlog-witness.

use std::time::Duration;

use anyhow::{Context, Result};
use audit::{Checkpoint, Cosigner, NoteError, add_checkpoint};
use http::{HeaderMap, Method, StatusCode, header};
use model::{Outages, Over, Span, Timestamp, config::WitnessConfig};
use net::WebResponse;
use store::{Store, StoreError};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// A witness that is asked.
pub struct Witness {
    url: String,
    cosigner: Cosigner,
    client: net::WebClient,
    /// So many records it has signed for us.
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
    /// Its signature is of another time: that of an answer which somebody kept, perhaps, to show an older log with it.
    #[error(
        "the witness's signature is from {signed}, and this machine's clock says {now}: it is an old answer in the place of a new \
         one, or one of the two clocks is wrong"
    )]
    Old {
        /// When it signed.
        signed: Timestamp,
        /// When we heard of it.
        now: Timestamp,
    },
    /// The log could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Between two heads that are shown.
const SHOW_EVERY: Duration = Duration::from_secs(10);
/// A head is asked for again so often, when others are faster.
const TRIES: usize = 5;
/// How long all of that may take: a start waits for it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Signatures are a few lines.
const LONGEST_ANSWER: usize = 64 << 10;
/// How far its clock may be from ours.
const APART: Span = Span::from_minutes(10);
/// How often the log says that it is away: longer than from one head to the next.
const SAID_EVERY: Duration = Duration::from_secs(60);
/// What ends a node is asked for once more, after this.
const ASK_AGAIN: Duration = Duration::from_secs(3);

impl Witness {
    /// As configured.
    pub fn new(config: &WitnessConfig) -> Result<Self> {
        let cosigner = Cosigner::parse(&config.key).context("audit.witness.key")?;
        let url = format!("{}/add-checkpoint", config.url.trim_end_matches('/'));
        let authorities = match &config.ca_file {
            None => None,
            Some(file) => Some(
                std::fs::read(file)
                    .with_context(|| format!("audit.witness.ca_file: {} can not be read", file.display()))?,
            ),
        };
        let client = net::WebClient::new(authorities.as_deref()).context("audit.witness.ca_file")?;
        Ok(Self { url, cosigner, client, seen: 0 })
    }

    /// Shows it the head of the log; returns how many records it has seen now. Whatever it does, this ends in time.
    pub async fn show(&mut self, store: &Store) -> Result<u64, Unwitnessed> {
        let answered = timeout(PATIENCE, self.try_to_show(store)).await;
        let late = || Unwitnessed::Away(format!("the witness did not answer within {} s", PATIENCE.as_secs()));
        self.seen = answered.unwrap_or_else(|_| Err(late()))?;
        Ok(self.seen)
    }

    async fn try_to_show(&self, store: &Store) -> Result<u64, Unwitnessed> {
        // Nobody signed what it says it has seen: that is for the next try, and not for the next head.
        let mut seen = self.seen;
        let mut answer = self.show_once(store, seen).await;
        for _ in 1..TRIES {
            match &answer {
                // Somebody else showed it another head: from there on.
                Err(Unwitnessed::Older { seen: later, .. }) if *later != seen => seen = *later,
                _ => break,
            }
            answer = self.show_once(store, seen).await;
        }
        answer
    }

    async fn show_once(&self, store: &Store, seen: u64) -> Result<u64, Unwitnessed> {
        let note = store.checkpoint().await?;
        let head = Checkpoint::open(&note, store.log_origin(), &store.log_public_key())?;
        if head.size < seen {
            return Err(Unwitnessed::Older { seen, size: head.size });
        }
        let proof = store.consistency_proof(seen, head.size).await?;
        let answer = self.ask(add_checkpoint(seen, &proof, &note)).await?;
        match answer.status {
            StatusCode::OK => {
                let signed = self.cosigner.signed_at(&head, &answer.text())?;
                self.is_of_now(signed, store.now())?;
                Ok(head.size)
            }
            StatusCode::CONFLICT if answer.header("content-type") == Some("text/x.tlog.size") => {
                match answer.text().trim_end().parse() {
                    // The same size and not the same root.
                    Ok(said) if said == seen => Err(Unwitnessed::Forked),
                    Ok(said) => Err(Unwitnessed::Older { seen: said, size: head.size }),
                    Err(_) => Err(Unwitnessed::Away("the witness answered 409 without a size".into())),
                }
            }
            StatusCode::CONFLICT => Err(Unwitnessed::Away("the witness answered 409 without a size".into())),
            StatusCode::UNPROCESSABLE_ENTITY => Err(Unwitnessed::Forked),
            status @ (StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) => Err(Unwitnessed::Stranger(status)),
            status if status.is_redirection() => {
                let to = answer.header(header::LOCATION.as_str()).unwrap_or("nowhere").to_owned();
                Err(Unwitnessed::Away(format!(
                    "the witness answered {status} and names {to:?}; put that into audit.witness.url"
                )))
            }
            status => Err(Unwitnessed::Away(format!("the witness answered {status}"))),
        }
    }

    /// One question, and the whole of its answer.
    async fn ask(&self, body: String) -> Result<WebResponse, Unwitnessed> {
        let away = |error: &dyn std::fmt::Display| Unwitnessed::Away(error.to_string());
        let answer = self.client.stream(Method::POST, &self.url, HeaderMap::new(), body).await;
        let (head, body) = answer.map_err(|error| away(&error))?.into_parts();
        let body = net::read_body(body, LONGEST_ANSWER).await.map_err(|error| away(&error))?;
        Ok(WebResponse { status: head.status, headers: head.headers, body })
    }

    /// An answer that somebody kept holds for ever: only its time says that it is none to what was asked just now.
    fn is_of_now(&self, signed: u64, now: Timestamp) -> Result<(), Unwitnessed> {
        let signed = Timestamp::from_seconds(i64::try_from(signed).unwrap_or(i64::MAX));
        if signed < now.before(APART) || signed > now.after(APART) {
            return Err(Unwitnessed::Old { signed, now });
        }
        Ok(())
    }

    /// Shows it each new head, until the store does not go on: because of what the witness knows, perhaps.
    pub async fn keep_shown(mut self, store: Store) {
        let (mut epochs, outages) = (store.epochs(), Outages::said_every(SAID_EVERY));
        let mut was_verdict = false;
        let mut ticks = interval(SHOW_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut now = ticks.tick().await.into_std();
        loop {
            let shown = self.show(&store).await;
            let is_verdict = matches!(shown, Err(Unwitnessed::Older { .. } | Unwitnessed::Forked));
            match shown {
                Ok(_) => {
                    if let Some(Over { lasted, count }) = outages.ends(AWAY, now) {
                        let witness = self.cosigner.name();
                        tracing::warn!(
                            event = "witness_back",
                            witness,
                            after_seconds = lasted.as_secs(),
                            failures = count
                        );
                    }
                }
                // Nobody signs a refusal: one that ends a node has to be said twice.
                Err(error) if is_verdict && was_verdict => {
                    tracing::error!(event = "log_forked", witness = self.cosigner.name(), %error);
                    return store.give_up();
                }
                Err(error) => {
                    if let Some(count) = outages.fails(AWAY, now) {
                        tracing::warn!(event = AWAY, witness = self.cosigner.name(), %error, count);
                    }
                }
            }
            was_verdict = is_verdict;
            if is_verdict {
                sleep(ASK_AGAIN).await;
                continue;
            }
            tokio::select! {
                at = ticks.tick() => now = at.into_std(),
                changed = epochs.changed() => if changed.is_err() { return },
            }
        }
    }
}

/// How the log calls a witness that shows nothing.
const AWAY: &str = "witness_away";
