//! Calls whose intent is in the log and whose end is not.
//!
//! Which ones these are stands in the head of the log, in the row that every change locks, reads and writes anyway:
//! whoever writes the end of a call takes it off the list in the same transaction. So each intent has one end,
//! whoever writes it, and a call costs no statement for it.
//!
//! Spec: docs/decisions/0022-one-end-for-each-call.md.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{
    Actor, Event,
    event::{CallDecided, CallEnded, Done, Outcome, What},
};
use serde_json::Value;
use sqlx::AnyConnection;

use crate::{
    error::StoreError,
    log::{
        open_call_list::{decode, put_node},
        rows,
    },
};

/// Most ends that are written for others in one transaction: each needs its intent to be read.
pub(crate) const PAGE: usize = 64;

/// The open calls, as one writer knows them.
#[derive(Default)]
pub(crate) struct OpenCalls {
    /// The name of this node; a visitor makes no calls, and has none.
    node: Option<String>,
    /// Calls of this process: by the correlation id, the index of the intent.
    held: HashMap<Box<str>, u64>,
    /// The same indexes, in order.
    order: BTreeSet<u64>,
    /// Listed under this node, and nobody here will write an end.
    orphans: BTreeSet<u64>,
    /// What stands under the names of others.
    others: BTreeMap<String, BTreeSet<u64>>,
    /// Listed, and no intent stands there: the list is not signed. They go with the next transaction.
    no_calls: BTreeSet<u64>,
    /// What the head said when this was last compared with it; `None` when that is in doubt.
    seen: Option<Vec<u8>>,
}

/// What a transaction does to the list, to be undone when it fails.
#[derive(Default)]
pub(crate) struct Moves {
    opened: Vec<(Box<str>, u64)>,
    ended: Vec<(Box<str>, u64)>,
}

impl OpenCalls {
    /// Those of `node`.
    pub(crate) fn of(node: Option<String>) -> Self {
        Self { node, ..Self::default() }
    }

    /// Compares with what stands in the head, under its lock.
    pub(crate) fn follow(&mut self, listed: &[u8]) {
        if self.seen.as_deref() == Some(listed) {
            return;
        }
        self.seen = Some(listed.to_vec());
        self.others = match decode(listed) {
            Ok(nodes) => nodes,
            Err(error) => {
                // No reason to serve nobody: what this node knows is written again.
                tracing::error!(event = "open_calls_lost", %error, "calls of other nodes may stay without an end");
                self.others.clear();
                return;
            }
        };
        for open in self.others.values_mut() {
            open.retain(|index| !self.no_calls.contains(index));
        }
        let mine = self.node.as_ref().and_then(|node| self.others.remove(node)).unwrap_or_default();
        // Ended by somebody who was right to take this node for dead.
        self.held.retain(|_, index| mine.contains(index));
        self.order.retain(|index| mine.contains(index));
        // Nobody here was told that these were recorded: nothing was sent, or nobody knows.
        self.orphans = mine.difference(&self.order).copied().collect();
    }

    /// May `event` be written? The end of a call only by whoever has it on the list.
    pub(crate) fn may_end(&self, event: &Event) -> bool {
        match &event.what {
            What::CallEnded(call) => self.node.is_none() || self.held.contains_key(&*call.request),
            _ => true,
        }
    }

    /// `event` is about to be written as the record `index`.
    pub(crate) fn note(&mut self, event: &Event, index: u64, moves: &mut Moves) {
        if self.node.is_none() {
            return;
        }
        match &event.what {
            What::CallDecided(call) => {
                self.held.insert(call.request.clone(), index);
                self.order.insert(index);
                moves.opened.push((call.request.clone(), index));
            }
            What::CallEnded(call) => {
                if let Some((request, index)) = self.held.remove_entry(&*call.request) {
                    self.order.remove(&index);
                    moves.ended.push((request, index));
                }
            }
            _ => {}
        }
    }

    /// The transaction failed, or nobody was told that it did not. Which of the two is asked of the head next time.
    pub(crate) fn undo(&mut self, moves: Moves) {
        for (request, index) in moves.ended {
            self.order.insert(index);
            self.held.insert(request, index);
        }
        for (request, index) in moves.opened {
            self.order.remove(&index);
            self.held.remove(&request);
        }
        self.seen = None;
    }

    /// The transaction that brings the list `listed` is committed.
    pub(crate) fn committed(&mut self, listed: Vec<u8>) {
        self.seen = Some(listed);
    }

    /// Nobody in this process will write any more ends.
    pub(crate) fn orphan_all(&mut self) {
        self.held.clear();
        self.orphans.append(&mut self.order);
    }

    /// Are there calls whose end somebody has to write in place of their own?
    pub(crate) fn has_orphans(&self) -> bool {
        !self.orphans.is_empty()
    }

    /// Is it in doubt what stands in the head?
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.seen.is_none() && self.node.is_some()
    }

    /// Takes at most `limit` orphans of this node off the list, and says what their ends are.
    pub(crate) async fn end_orphans(
        &mut self,
        connection: &mut AnyConnection,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let Some(node) = self.node.clone() else { return Ok(Vec::new()) };
        // An error drops the transaction, and then the head is asked again.
        self.seen = None;
        let page: Vec<u64> = self.orphans.iter().copied().take(limit).collect();
        let ends = self.ends(connection, &node, &page).await?;
        self.orphans.retain(|index| !page.contains(index));
        Ok(ends)
    }

    /// Takes at most `limit` calls of `node`, which is gone, off the list, and says what their ends are.
    pub(crate) async fn end_of(
        &mut self,
        connection: &mut AnyConnection,
        node: &str,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let Some(open) = self.others.get(node) else { return Ok(Vec::new()) };
        self.seen = None;
        let page: Vec<u64> = open.iter().copied().take(limit).collect();
        let ends = self.ends(connection, node, &page).await?;
        if let Some(open) = self.others.get_mut(node) {
            open.retain(|index| !page.contains(index));
        }
        Ok(ends)
    }

    /// The ends of the calls whose intents stand at `page`.
    async fn ends(
        &mut self,
        connection: &mut AnyConnection,
        node: &str,
        page: &[u64],
    ) -> Result<Vec<Event>, StoreError> {
        let mut ends = Vec::new();
        for index in page {
            let found = rows::records(connection, *index, 1).await?;
            match found.first().and_then(|(_, record)| end(record, node)) {
                Some(end) => ends.push(end),
                None => drop(self.no_calls.insert(*index)),
            }
        }
        Ok(ends)
    }

    /// As it stands in the head after this transaction.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, open) in &self.others {
            put_node(&mut out, name, open.len(), open.iter());
        }
        if let Some(name) = &self.node {
            let mine = self.order.len() + self.orphans.len();
            if self.orphans.is_empty() {
                put_node(&mut out, name, mine, self.order.iter());
            } else {
                put_node(&mut out, name, mine, self.order.union(&self.orphans));
            }
        }
        out
    }
}

/// The end of a call of which nobody knows how it ended; `None` when `record` is not the intent of one.
fn end(record: &[u8], node: &str) -> Option<Event> {
    let intent: Value = serde_json::from_slice(record).ok()?;
    if intent.get("event")?.as_str()? != CallDecided::NAME {
        return None;
    }
    let text = |field| intent.get(field).and_then(Value::as_str);
    let end = CallEnded {
        agent: text("agent").and_then(|name| name.parse().ok()),
        server: text("server").and_then(|name| name.parse().ok()),
        request: text("request")?.into(),
        outcome: Outcome::NotKnown,
        done: Done::Unknown,
        bytes: None,
        status: None,
        node: Some(node.to_owned()),
    };
    Some(end.by(Actor::System))
}

#[cfg(test)]
mod tests {
    use model::event::examples;

    use super::*;

    fn begun(request: &str) -> Event {
        examples::call_decided(request).by(Actor::System)
    }

    fn over(request: &str) -> Event {
        examples::call_ended(request).by(Actor::System)
    }

    fn with_open(node: &str, open: &[(&str, u64)]) -> OpenCalls {
        let mut calls = OpenCalls::of(Some(node.into()));
        calls.follow(&[]);
        for (id, index) in open {
            calls.note(&begun(id), *index, &mut Moves::default());
        }
        calls
    }

    #[test]
    fn the_list_reads_back_and_is_empty_when_nothing_is_open() {
        let mut calls = with_open("a", &[("x", 3), ("y", 300), ("z", 1 << 40)]);
        assert_eq!(decode(&calls.encode()).unwrap()["a"], BTreeSet::from([3, 300, 1 << 40]));
        for id in ["x", "y", "z"] {
            calls.note(&over(id), 1 << 41, &mut Moves::default());
        }
        assert!(calls.encode().is_empty());
    }

    #[test]
    fn a_call_that_is_not_on_the_list_can_not_be_ended() {
        let mut calls = with_open("a", &[("x", 3)]);
        let end = over("x");
        assert!(calls.may_end(&end));
        assert!(!calls.may_end(&over("y")));
        // Somebody took this node for dead.
        calls.follow(&with_open("b", &[("other", 9)]).encode());
        assert!(!calls.may_end(&end));
        assert!(OpenCalls::of(None).may_end(&end), "who makes no calls has no list");
    }

    #[test]
    fn what_nobody_was_told_is_an_orphan_and_what_was_not_written_is_open_still() {
        let mut calls = with_open("a", &[("x", 3)]);
        let before = calls.encode();
        let mut moves = Moves::default();
        calls.note(&over("x"), 4, &mut moves);
        calls.note(&begun("y"), 5, &mut moves);
        let after = calls.encode();
        calls.undo(moves);
        assert!(calls.is_in_doubt());
        calls.follow(&before);
        assert!(calls.may_end(&over("x")) && !calls.has_orphans());
        // It was written after all.
        calls.undo(Moves::default());
        calls.follow(&after);
        assert!(!calls.may_end(&over("x")) && calls.has_orphans());
        assert_eq!(calls.encode(), after);
    }

    #[test]
    fn an_end_is_written_for_an_intent_alone() {
        let at = model::Timestamp::default();
        let intent = begun("x").to_record(at);
        let end = end(&intent, "a").unwrap();
        let What::CallEnded(end) = end.what else { panic!("{end:?}") };
        assert_eq!((end.done, end.agent), (Done::Unknown, Some("claude-code@ada".parse().unwrap())));
        for record in [over("x").to_record(at), b"{}".to_vec(), b"x".to_vec()] {
            assert_eq!(super::end(&record, "a"), None);
        }
    }
}
