//! Callers that never stop, and what they were answered.
//!
//! An accept is stale when its call began after a revocation was acknowledged: what began before may have been decided
//! before.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::JoinSet;

use crate::Raw;

/// Between two calls of one caller: what is tried here is faults, not load.
const BETWEEN: Duration = Duration::from_millis(4);
/// The same after a call that was not carried out.
const AFTER_REFUSAL: Duration = Duration::from_millis(15);
/// How long a test waits for an answer of some kind.
const PATIENCE: Duration = Duration::from_secs(60);

/// Some callers of one agent at one node.
pub struct Callers {
    asked: Arc<Mutex<Vec<Asked>>>,
    _callers: JoinSet<()>,
}

/// One call.
#[derive(Clone, Copy)]
struct Asked {
    began: Instant,
    took: Duration,
    said: Said,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    /// Carried out.
    Done,
    /// Answered with this status instead.
    Status(u16),
    /// Nobody answered.
    Nothing,
}

impl Callers {
    /// `count` callers.
    pub fn of(agent: &Raw, count: usize) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut callers = JoinSet::new();
        for _ in 0..count {
            callers.spawn(call(agent.clone(), asked.clone()));
        }
        Self { asked, _callers: callers }
    }

    /// How many calls were carried out.
    pub fn accepted(&self) -> usize {
        self.count(|asked| asked.said == Said::Done)
    }

    /// How many calls that began after `when` were carried out.
    pub fn accepted_after(&self, when: Instant) -> usize {
        self.count(|asked| asked.began > when && asked.said == Said::Done)
    }

    /// How many calls that began after `when` were answered at all.
    pub fn asked_after(&self, when: Instant) -> usize {
        self.count(|asked| asked.began > when && asked.said != Said::Nothing)
    }

    /// How many calls were answered in which way.
    pub fn answers(&self) -> BTreeMap<String, usize> {
        let mut answers = BTreeMap::new();
        for asked in self.asked().iter() {
            *answers.entry(format!("{:?}", asked.said)).or_default() += 1;
        }
        answers
    }

    /// The longest that anybody waited for an answer.
    pub fn longest(&self) -> Duration {
        self.asked().iter().map(|asked| asked.took).max().unwrap_or_default()
    }

    /// Waits until calls that began after `when` are carried out.
    pub async fn until_accepted_after(&self, when: Instant) {
        self.until(|| self.accepted_after(when) > 2).await;
    }

    /// Waits until a call that began after `when` was answered with `status`.
    pub async fn until_answered(&self, status: u16, when: Instant) {
        self.until(|| self.count(|asked| asked.began > when && asked.said == Said::Status(status)) > 0).await;
    }

    /// Waits, without an opinion on how long it takes.
    async fn until(&self, what: impl Fn() -> bool) {
        let began = Instant::now();
        while !what() {
            assert!(began.elapsed() < PATIENCE, "it never came: {:?}", self.answers());
            tokio::time::sleep(BETWEEN).await;
        }
    }

    fn count(&self, what: impl Fn(&Asked) -> bool) -> usize {
        self.asked().iter().filter(|asked| what(asked)).count()
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn call(agent: Raw, all: Arc<Mutex<Vec<Asked>>>) {
    loop {
        let began = Instant::now();
        let said = once(&agent).await;
        let asked = Asked { began, took: began.elapsed(), said };
        all.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        tokio::time::sleep(if said == Said::Done { BETWEEN } else { AFTER_REFUSAL }).await;
    }
}

async fn once(agent: &Raw) -> Said {
    let call = json!({"name": "get_ticket", "arguments": {"id": "T-1041"}});
    let Ok(response) = agent.try_open("tools/call", call).await else { return Said::Nothing };
    let status = response.status().as_u16();
    match response.text().await {
        Ok(body) if status == 200 && body.contains("\"result\"") => Said::Done,
        Ok(_) => Said::Status(status),
        // Its head said yes, so it was accepted, whatever became of the rest.
        Err(_) if status == 200 => Said::Done,
        Err(_) => Said::Nothing,
    }
}
