//! What was allowed after an end: recomputed from the log alone, for each elevation and each task.
//!
//! *Residue* is the time from an end to the last call that was decided under it; nothing may be decided after an end, so
//! no residue is ever above zero. *Tail* is the time to the last outcome of such a call: what was under way, and was allowed
//! in time.
//!
//! An end is what comes first: the record of it, the time that the approval named, or a revocation that covers it. Records
//! of ends by themselves are written later than the end, and count only where nothing says it better.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;

/// What there is to say of one end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// The elevation or task.
    pub id: String,
    /// What ended it, in the word of the record; `until` when only time did.
    pub cause: String,
    /// When it ended: microseconds since 1970.
    pub ended_at: i64,
    /// Calls that were decided under it.
    pub calls: u64,
    /// From its end to the last of them: microseconds, never above zero. `None` without a call.
    pub residue: Option<i64>,
    /// From its end to the last outcome of one of them: microseconds.
    pub tail: Option<i64>,
    /// Calls that were refused because it was over. Only calls that name a task are refused for one.
    pub refused: u64,
}

/// What the log says, record by record.
#[derive(Debug, Default)]
pub struct Residue {
    lives: BTreeMap<String, Life>,
    /// Under what each call that is under way was decided.
    calls: HashMap<String, Vec<String>>,
}

#[derive(Debug, Default)]
struct Life {
    /// The latest that it may last.
    until: Option<i64>,
    ended: Option<(i64, String)>,
    agent: String,
    person: String,
    server: String,
    scope: String,
    grant: String,
    calls: u64,
    last_decided: Option<i64>,
    last_outcome: Option<i64>,
    refused: u64,
}

impl Residue {
    /// Hears the next record.
    pub fn hear(&mut self, record: &Value) {
        let text = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
        let at = record["at"].as_i64().unwrap_or_default();
        match record["event"].as_str().unwrap_or_default() {
            "elevation_approved" => {
                let life = self.of(text("elevation"));
                life.begins(record, at + record["lasts"].as_i64().unwrap_or_default().saturating_mul(1_000_000));
            }
            "task_opened" => {
                let deadline = record["deadline"].as_i64().unwrap_or(i64::MAX);
                self.of(text("task")).begins(record, deadline);
            }
            "elevation_ended" => self.of(text("elevation")).ends(at, text("cause")),
            "task_ended" => {
                let since = record["ended_at"].as_i64().unwrap_or(at);
                self.of(text("task")).ends(since, text("cause"));
            }
            "elevation_use_returned" if text("state") == "active" => self.of(text("elevation")).ended = None,
            "revoked" => {
                let (kind, name) = (text("target"), text("name"));
                for life in self.lives.values_mut().filter(|life| life.is_covered(&kind, &name)) {
                    life.ends(at, "revoked".into());
                }
            }
            "call_decided" => {
                let under: Vec<String> =
                    ["elevation", "task"].map(text).into_iter().filter(|id| !id.is_empty()).collect();
                for id in &under {
                    let life = self.of(id.clone());
                    life.calls += 1;
                    life.last_decided = life.last_decided.max(Some(at));
                }
                if !under.is_empty() {
                    self.calls.insert(text("request"), under);
                }
            }
            "call_ended" => {
                for id in self.calls.remove(&text("request")).into_iter().flatten() {
                    let life = self.of(id);
                    life.last_outcome = life.last_outcome.max(Some(at));
                }
            }
            "call_refused" if text("reason") == "task" => {
                // A task that nobody opened is not one.
                if let Some(life) = self.lives.get_mut(&text("task")) {
                    life.refused += 1;
                }
            }
            _ => {}
        }
    }

    fn of(&mut self, id: String) -> &mut Life {
        self.lives.entry(id).or_default()
    }

    /// Everything that is over at `now`.
    pub fn ended(&self, now: i64) -> Vec<Ended> {
        let over = self.lives.iter().filter_map(|(id, life)| {
            let by_time = life.until.filter(|until| *until <= now).map(|until| (until, "until".to_owned()));
            let (ended_at, cause) = match (life.ended.clone(), by_time) {
                (Some(ended), Some(by_time)) if by_time.0 < ended.0 => (by_time.0, ended.1),
                (Some(ended), _) => ended,
                (None, by_time) => by_time?,
            };
            let after = |at: i64| at - ended_at;
            Some(Ended {
                id: id.clone(),
                cause,
                ended_at,
                calls: life.calls,
                residue: life.last_decided.map(after),
                tail: life.last_outcome.map(after),
                refused: life.refused,
            })
        });
        over.collect()
    }
}

impl Life {
    fn begins(&mut self, record: &Value, until: i64) {
        let text = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
        self.until = Some(until);
        (self.agent, self.person, self.server) = (text("agent"), text("person"), text("server"));
        (self.scope, self.grant) = (text("scope"), text("grant"));
    }

    /// The first end counts.
    fn ends(&mut self, at: i64, cause: String) {
        if self.ended.as_ref().is_none_or(|(before, _)| at < *before) {
            self.ended = Some((at, cause));
        }
    }

    /// Does a revocation cover it? (Of clients the records of elevations say nothing: the record of the end counts.)
    fn is_covered(&self, kind: &str, name: &str) -> bool {
        self.ended.is_none()
            && match kind {
                "all" => true,
                "agent" => self.agent == name,
                "person" => self.person == name,
                "server" => !self.server.is_empty() && self.server == name,
                "tool" => self.scope == name,
                "grant" => self.grant == name,
                _ => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn heard(records: &[Value]) -> Vec<Ended> {
        let mut residue = Residue::default();
        records.iter().for_each(|record| residue.hear(record));
        residue.ended(100_000_000)
    }

    fn approved(lasts: u32) -> Value {
        json!({"event": "elevation_approved", "at": 1_000_000, "elevation": "elv_1", "lasts": lasts, "agent": "scribe"})
    }

    fn decided(at: i64) -> Value {
        json!({"event": "call_decided", "at": at, "elevation": "elv_1", "request": format!("r{at}")})
    }

    /// Field: K10
    #[test]
    fn a_call_that_was_decided_after_an_end_is_residue_and_one_that_finished_after_it_is_tail() {
        let ended = json!({"event": "elevation_ended", "at": 5_000_000, "elevation": "elv_1", "cause": "by_hand"});
        let outcome = json!({"event": "call_ended", "at": 7_000_000, "request": "r4000000"});
        let told = heard(&[approved(60), decided(4_000_000), ended.clone(), outcome]);
        assert_eq!((told[0].residue, told[0].tail, told[0].calls), (Some(-1_000_000), Some(2_000_000), 1));
        let told = heard(&[approved(60), ended, decided(5_000_001)]);
        assert_eq!(told[0].residue, Some(1));
    }

    /// Field: K10
    #[test]
    fn time_and_revocations_end_it_although_the_record_comes_later() {
        let late = json!({"event": "elevation_ended", "at": 9_000_000, "elevation": "elv_1", "cause": "time_over"});
        let told = heard(&[approved(3), decided(4_000_001), late.clone()]);
        assert_eq!((told[0].ended_at, told[0].residue), (4_000_000, Some(1)));
        let revoked = json!({"event": "revoked", "at": 2_000_000, "target": "agent", "name": "scribe"});
        let told = heard(&[approved(60), revoked, decided(2_000_001), late]);
        assert_eq!((told[0].cause.as_str(), told[0].residue), ("revoked", Some(1)));
        assert!(heard(&[approved(600), decided(4_000_001)]).is_empty(), "it is in force");
    }

    #[test]
    fn a_probe_of_a_task_that_is_over_is_counted() {
        let opened = json!({"event": "task_opened", "at": 1, "task": "tsk_1", "deadline": 99});
        let ended = json!({"event": "task_ended", "at": 3, "task": "tsk_1", "ended_at": 2, "cause": "idle"});
        let probe = json!({"event": "call_refused", "at": 4, "task": "tsk_1", "reason": "task"});
        let told = heard(&[opened, ended, probe]);
        assert_eq!((told[0].ended_at, told[0].refused, told[0].residue), (2, 1, None));
    }
}
