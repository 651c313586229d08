//! What can happen next, in the order in which the code does it; anything may come in between.
//!
//! A pause, a partition and a slow answer are steps that are not taken while others are.

use crate::{
    guards::{Guard, Guards},
    state::{Entry, Epoch, Head, Log, Look, MARGIN, NODES, Process, Revoker, SILENCE, State, WRITER, What, Write},
};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Time passes. The clock of that node misses it.
    Tick(Option<usize>),
    /// A visitor commits.
    Visit(What),
    /// The waiter reads for what it waits.
    Goal,
    /// The waiter sees what it waited for.
    Acknowledge,
    /// The writer of a node commits.
    Commit(What),
    /// The writer of a node does the next thing with what it committed.
    Write,
    /// The answer of the database never comes.
    LoseAnswer,
    /// The watcher of a node looks at the epoch.
    Look(usize),
    /// The watcher of a node does the next thing.
    Watch(usize),
    /// A standby, or the primary of another history, answers a node.
    Elsewhere(usize),
    /// A call is found fresh, and waits.
    Call(usize),
    /// The head is kept now and then.
    Keep(usize),
    Crash(usize),
    Open(usize),
    Serve(usize),
    /// A failover, or a backup that is put back: so many entries are left.
    Restore(u8),
}

impl Step {
    /// What could happen.
    pub fn all(state: &State, guards: Guards, steps: &mut Vec<Self>) {
        if state.left.writes > 0 {
            steps.push(Self::Visit(What::Other));
            // Only heads are compared for what it changes, and only a history that is gone makes them differ.
            if state.left.restores > 0 || !state.is_whole() {
                steps.push(Self::Visit(What::Record));
            }
        }
        steps.extend([Self::Visit(What::Revocation), Self::Goal, Self::Acknowledge]);
        steps.extend([Self::Commit(What::Other), Self::Commit(What::Revocation), Self::Write, Self::LoseAnswer]);
        if state.left.time {
            steps.push(Self::Tick(None));
        }
        for node in 0..NODES {
            steps.extend([Self::Look(node), Self::Watch(node), Self::Crash(node), Self::Open(node), Self::Serve(node)]);
            if state.left.time && state.left.missed > 0 {
                steps.push(Self::Tick(Some(node)));
            }
            if !guards.has(Guard::LeaseIsAWrite) {
                steps.push(Self::Elsewhere(node));
            }
            if !guards.has(Guard::AskedAfterWaiting) {
                steps.push(Self::Call(node));
            }
            if !guards.has(Guard::KeptBeforeShown) {
                steps.push(Self::Keep(node));
            }
        }
        if state.left.restores > 0 {
            steps.extend((1..state.log.head().size).map(Self::Restore));
        }
    }

    /// The state after it; `None` when it can not be taken.
    pub fn take(self, state: &State, guards: Guards) -> Option<State> {
        let mut next = *state;
        match self {
            Self::Tick(missed_by) => next.tick(missed_by)?,
            Self::Visit(What::Revocation) => {
                (!next.by_node && next.revoker == Revoker::Thinks).then_some(())?;
                next.append(What::Revocation)?;
                next.wrote(guards);
            }
            Self::Visit(what) => next.append(what)?,
            Self::Goal => {
                (next.revoker == Revoker::Wrote).then_some(())?;
                next.revoker = Revoker::Waits(next.log.epoch().number, [0; NODES]);
            }
            Self::Acknowledge => next.acknowledge(guards)?,
            Self::Commit(what) => next.commit(what, guards)?,
            Self::Write => next.write(guards)?,
            Self::LoseAnswer => {
                let Write::Committed(what, ..) = next.nodes[WRITER].write else { return None };
                (next.nodes[WRITER].write, next.nodes[WRITER].overtaken) = (Write::Idle, false);
                if what == What::Revocation {
                    next.revoker = Revoker::Failed;
                }
            }
            Self::Look(node) => next.look(node, guards)?,
            Self::Watch(node) => next.watch(node, guards)?,
            Self::Elsewhere(node) => {
                (next.nodes[node].process == Process::Serving).then(|| next.nodes[node].lease = 0)?;
            }
            Self::Call(node) => next.nodes[node].is_fresh().then(|| next.nodes[node].call = true)?,
            Self::Keep(node) => {
                let node = &mut next.nodes[node];
                (node.process == Process::Serving).then(|| node.keep(node.known))?;
            }
            Self::Crash(node) => next.crash(node)?,
            Self::Open(node) => next.open(node, guards)?,
            Self::Serve(node) => {
                let node = &mut next.nodes[node];
                let Process::Opening(age) = node.process else { return None };
                node.process = Process::Serving;
                node.lease = if guards.has(Guard::FirstLeaseFromBefore) { age } else { 0 };
            }
            Self::Restore(len) => next.restore(len, guards),
        }
        next.forget();
        (next != *state).then_some(next)
    }
}

impl State {
    /// Before and after the wait no time passes: what is older accepts less, so that would break nothing.
    fn tick(&mut self, missed_by: Option<usize>) -> Option<()> {
        let Revoker::Waits(_, silent) = &mut self.revoker else { return None };
        for age in silent {
            *age = (*age + 1).min(SILENCE + MARGIN + 1);
        }
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if missed_by == Some(index) {
                self.left.missed = self.left.missed.checked_sub(1)?;
                continue;
            }
            let older = |age: &mut u8| *age = (*age + 1).min(SILENCE + 1);
            older(&mut node.lease);
            if let Process::Opening(age) = &mut node.process {
                older(age);
            }
            match &mut node.look {
                Look::Same(age) | Look::Read(age, _) => older(age),
                Look::Idle | Look::Signed => {}
            }
        }
        Some(())
    }

    fn append(&mut self, what: What) -> Option<()> {
        if self.log.is_full() {
            return None;
        }
        self.log.push(Entry { id: self.next_id, what });
        if what == What::Revocation {
            self.revocation = self.next_id;
        } else {
            self.left.writes = self.left.writes.checked_sub(1)?;
        }
        self.next_id += 1;
        Some(())
    }

    /// The revocation is committed, and whoever asked for it was told.
    fn wrote(&mut self, guards: Guards) {
        self.revoker = match guards.has(Guard::TheGoalIsTheStamp) {
            true => Revoker::Waits(self.log.epoch().number, [0; NODES]),
            false => Revoker::Wrote,
        };
    }

    fn acknowledge(&mut self, guards: Guards) -> Option<()> {
        let Revoker::Waits(goal, silent) = self.revoker else { return None };
        if guards.has(Guard::TheGoalIsTheStamp) && self.is_taken_back() {
            self.revoker = Revoker::Failed;
            return Some(());
        }
        let patience = if guards.has(Guard::Margin) { SILENCE + MARGIN } else { SILENCE };
        let mut nodes = self.nodes.iter().enumerate();
        let everywhere = nodes.all(|(index, node)| {
            let Some(row) = node.row else { return true };
            let is_of_this_history = !guards.has(Guard::RowsNameStamps) || self.log.has(row.stamp);
            // The wall clock of the second node is hours behind.
            let is_old = !guards.has(Guard::OwnClock) && index == 1;
            (is_of_this_history && row.number >= goal) || silent[index] > patience || is_old
        });
        everywhere.then(|| {
            self.revoker = Revoker::Acknowledged;
            self.hollow = self.is_taken_back();
        })
    }

    fn commit(&mut self, what: What, guards: Guards) -> Option<()> {
        let node = &self.nodes[WRITER];
        (node.process == Process::Serving && node.write == Write::Idle).then_some(())?;
        if what == What::Revocation {
            (self.by_node && self.revoker == Revoker::Thinks).then_some(())?;
        } else if self.left.writes == 0 {
            return None;
        }
        let knows = |log: &Log| {
            log.continues(node.known) && (log.continues(node.watched) || !guards.has(Guard::WriterKnowsLooks))
        };
        if !knows(&self.log) {
            self.nodes[WRITER].process = Process::Closed;
            return Some(());
        }
        self.append(what)?;
        if what == What::Revocation {
            self.revoker = Revoker::Writes;
        }
        self.nodes[WRITER].write = Write::Committed(what, self.log.epoch(), self.log.head());
        self.nodes[WRITER].overtaken = false;
        Some(())
    }

    fn write(&mut self, guards: Guards) -> Option<()> {
        let node = &mut self.nodes[WRITER];
        let (what, seen, head, is_first) = match node.write {
            Write::Idle => return None,
            Write::Committed(what, seen, head) => (what, seen, head, true),
            Write::Half(what, seen, head) => (what, seen, head, false),
        };
        node.write = if is_first { Write::Half(what, seen, head) } else { Write::Idle };
        if is_first == guards.has(Guard::KeptBeforeShown) {
            node.keep(head);
        } else {
            self.publish(seen, head, guards)?;
        }
        if !is_first && what == What::Revocation && self.nodes[WRITER].process == Process::Serving {
            self.answered = true;
            self.wrote(guards);
        }
        Some(())
    }

    fn publish(&mut self, seen: Epoch, head: Head, guards: Guards) -> Option<()> {
        let node = &mut self.nodes[WRITER];
        let (mut seen, mut head) = (seen, head);
        node.known = head;
        if std::mem::take(&mut node.overtaken) && guards.has(Guard::WriterNeverBack) {
            // The watcher followed the log meanwhile, to something newer or to something else: what is it?
            if !self.log.continues(head) || !self.log.continues(node.watched) {
                node.process = Process::Closed;
                return Some(());
            }
            (seen, head) = (self.log.epoch(), self.log.head());
            if guards.has(Guard::KeptBeforeShown) {
                node.keep(head);
            }
        }
        if guards.has(Guard::WatcherKnowsWrites) {
            node.watched = head;
        }
        node.show(seen);
        node.interrupted = matches!(node.look, Look::Read(..));
        Some(())
    }

    fn look(&mut self, index: usize, guards: Guards) -> Option<()> {
        let (epoch, head) = (self.log.epoch(), self.log.head());
        let node = &mut self.nodes[index];
        (node.process == Process::Serving && node.look == Look::Idle).then_some(())?;
        let compares = guards.has(Guard::HeadBeforeActing);
        let differs = match guards.has(Guard::StampsAreCompared) {
            true => epoch.stamp != node.shown.stamp,
            false => epoch.number != node.shown.number,
        };
        let is_other = head.size < node.watched.size || (differs && !self.log.continues(node.watched));
        if (compares && is_other) || (differs && epoch.number <= node.shown.number) {
            node.process = Process::Closed;
            return Some(());
        }
        node.look = Look::Same(0);
        if differs {
            node.watched = head;
            node.keep(head);
            node.look = Look::Read(0, epoch);
            node.overtaken = node.write != Write::Idle;
        }
        Some(())
    }

    fn watch(&mut self, index: usize, guards: Guards) -> Option<()> {
        let node = &mut self.nodes[index];
        (node.process == Process::Serving).then_some(())?;
        let age = match node.look {
            Look::Idle => return None,
            Look::Signed => {
                node.lease = 0;
                node.look = Look::Idle;
                return Some(());
            }
            Look::Read(age, seen) => {
                if !node.interrupted || !guards.has(Guard::WatcherNeverBack) {
                    node.show(seen);
                }
                age
            }
            Look::Same(age) => age,
        };
        node.interrupted = false;
        node.row = Some(node.shown);
        node.look = Look::Signed;
        if guards.has(Guard::LeaseFromBefore) {
            node.lease = node.lease.min(age);
            node.look = Look::Idle;
        }
        if let Revoker::Waits(_, silent) = &mut self.revoker {
            silent[index] = 0;
        }
        Some(())
    }

    fn crash(&mut self, index: usize) -> Option<()> {
        let node = &mut self.nodes[index];
        matches!(node.process, Process::Serving | Process::Closed).then_some(())?;
        self.left.crashes = self.left.crashes.checked_sub(1)?;
        // Nobody waits for the old row longer than for silence: that it is gone at once says more.
        (node.process, node.look, node.write, node.call, node.row) =
            (Process::Down, Look::Idle, Write::Idle, false, None);
        node.interrupted = false;
        if self.by_node
            && index == WRITER
            && matches!(self.revoker, Revoker::Writes | Revoker::Wrote | Revoker::Waits(..))
        {
            self.revoker = Revoker::Failed;
        }
        Some(())
    }

    fn open(&mut self, index: usize, guards: Guards) -> Option<()> {
        let (head, epoch) = (self.log.head(), self.log.epoch());
        let node = &mut self.nodes[index];
        (node.process == Process::Down).then_some(())?;
        (self.log.continues(node.kept) || !guards.has(Guard::LastHead)).then_some(())?;
        if guards.has(Guard::KeptBeforeShown) {
            node.kept = head;
        }
        (node.watched, node.known, node.row) = (head, head, Some(epoch));
        node.show(epoch);
        node.process = Process::Opening(0);
        Some(())
    }

    fn restore(&mut self, len: u8, guards: Guards) {
        self.left.restores -= 1;
        self.log.cut(len);
        if !guards.has(Guard::RowsOutliveRestore) {
            self.nodes.iter_mut().for_each(|node| node.row = None);
        }
    }
}
