//! What there is: one store, two nodes, one revocation.

/// How many nodes.
pub const NODES: usize = 2;
/// The node whose writer commits; the other one only looks.
pub const WRITER: usize = 0;
/// `store_silence`, in ticks.
pub const SILENCE: u8 = 1;
/// So much longer waits the waiter.
pub const MARGIN: u8 = 1;
/// The most entries of a log.
const LONGEST: usize = 5;

/// An entry of the log. Its id never comes again in any history, so the last id stands for the root of a Merkle tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entry {
    pub id: u8,
    pub what: What,
}

/// What an entry did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum What {
    /// A record that takes nothing away.
    #[default]
    Record,
    /// The revocation of somebody else, with an epoch.
    Other,
    /// The revocation that the promise is about, with an epoch.
    Revocation,
}

/// The history of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Log {
    entries: [Entry; LONGEST],
    len: u8,
}

/// An epoch, and whether the revocation is in force under it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Epoch {
    pub number: u8,
    pub stamp: u8,
    pub revoked: bool,
}

/// The head of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Head {
    pub size: u8,
    pub root: u8,
}

/// A node: its process, and its data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    pub process: Process,
    /// What the view shows.
    pub shown: Epoch,
    /// The writer has shown something since the look began.
    pub interrupted: bool,
    /// The watcher has followed the log since the writer committed.
    pub overtaken: bool,
    /// The head that the watcher compares.
    pub watched: Head,
    /// The head that the writer compares.
    pub known: Head,
    /// The last head in the data directory.
    pub kept: Head,
    /// Ticks of this node's clock since its lease began.
    pub lease: u8,
    pub look: Look,
    pub write: Write,
    /// A call that was found fresh and waits for a read.
    pub call: bool,
    /// The row in the store: the epoch it names.
    pub row: Option<Epoch>,
    /// This node has acted on the revocation; its data directory is one that did.
    pub saw: bool,
}

/// The process of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Process {
    Down,
    /// Its row is written, and it does not serve yet. With the ticks since it began.
    Opening(u8),
    Serving,
    /// It has seen that its history is gone.
    Closed,
}

/// How far a look of the watcher is, with the ticks since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    Idle,
    /// There is nothing new.
    Same(u8),
    /// There is another epoch; the head was compared and kept, and the blocks were read.
    Read(u8, Epoch),
    /// The row is written. Nobody has answered yet.
    Signed,
}

/// How far the writer is with what it committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    Idle,
    /// The database has it.
    Committed(What, Epoch, Head),
    /// The head is kept, or the epoch is shown: what came first.
    Half(What, Epoch, Head),
}

/// How far the revocation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Revoker {
    Thinks,
    /// A node writes it.
    Writes,
    /// It is committed, and the goal is not read yet.
    Wrote,
    /// For the epoch of that number; with the ticks since each row was written, or the wait began.
    Waits(u8, [u8; NODES]),
    /// It was told that no node acts for the revoked agent any more.
    Acknowledged,
    /// It was told that this is not known.
    Failed,
}

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub log: Log,
    pub nodes: [Node; NODES],
    pub revoker: Revoker,
    /// The node that writes at all writes the revocation too; otherwise a visitor does.
    pub by_node: bool,
    /// The id of the revocation; 0 before it is committed.
    pub revocation: u8,
    /// The node that wrote it was answered.
    pub answered: bool,
    /// It was acknowledged while the store did not have it.
    pub hollow: bool,
    pub next_id: u8,
    pub left: Left,
}

/// How many faults may still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Left {
    /// Time passes.
    pub time: bool,
    /// Writes that are not the revocation.
    pub writes: u8,
    pub restores: u8,
    pub crashes: u8,
    /// Ticks that a clock of a node misses.
    pub missed: u8,
}

impl Log {
    fn first() -> Self {
        let mut log = Self { entries: [Entry::default(); LONGEST], len: 0 };
        log.push(Entry { id: 1, what: What::Other });
        log
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries[..usize::from(self.len)]
    }

    pub fn is_full(&self) -> bool {
        usize::from(self.len) == LONGEST
    }

    pub fn push(&mut self, entry: Entry) {
        self.entries[usize::from(self.len)] = entry;
        self.len += 1;
    }

    /// Takes a suffix back.
    pub fn cut(&mut self, len: u8) {
        self.entries[usize::from(len)..].fill(Entry::default());
        self.len = len;
    }

    pub fn epoch(&self) -> Epoch {
        let mut epoch = Epoch::default();
        for entry in self.entries().iter().filter(|entry| entry.what != What::Record) {
            epoch.number += 1;
            epoch.stamp = entry.id;
            epoch.revoked |= entry.what == What::Revocation;
        }
        epoch
    }

    pub fn head(&self) -> Head {
        Head { size: self.len, root: self.entries().last().map_or(0, |entry| entry.id) }
    }

    /// Does it begin with what `head` is the head of?
    pub fn continues(&self, head: Head) -> bool {
        head.size == 0 || self.entries().get(usize::from(head.size) - 1).is_some_and(|entry| entry.id == head.root)
    }

    pub fn has(&self, id: u8) -> bool {
        self.entries().iter().any(|entry| entry.id == id)
    }
}

impl State {
    /// Two nodes that serve, and whoever will revoke.
    pub fn first(by_node: bool, left: Left) -> Self {
        let log = Log::first();
        let (epoch, head) = (log.epoch(), log.head());
        let node = Node {
            process: Process::Serving,
            shown: epoch,
            interrupted: false,
            overtaken: false,
            watched: head,
            known: head,
            kept: head,
            lease: 0,
            look: Look::Idle,
            write: Write::Idle,
            call: false,
            row: Some(epoch),
            saw: false,
        };
        Self {
            log,
            nodes: [node; NODES],
            revoker: Revoker::Thinks,
            by_node,
            revocation: 0,
            answered: false,
            hollow: false,
            next_id: 2,
            left,
        }
    }

    /// Was nothing of the history ever taken back?
    pub fn is_whole(&self) -> bool {
        self.log.len + 1 == self.next_id
    }

    /// Was the revocation taken back with a part of the history?
    pub fn is_taken_back(&self) -> bool {
        self.revocation != 0 && !self.log.has(self.revocation)
    }

    /// Forgets what nothing asks for any more, so that states that behave alike are one.
    pub fn forget(&mut self) {
        let is_safe = self.left.restores == 0 && self.is_whole();
        let writes = self.left.writes > 0;
        if self.revoker == Revoker::Acknowledged {
            self.nodes.iter_mut().for_each(|node| node.row = None);
        }
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if matches!(node.process, Process::Down | Process::Closed) {
                (node.look, node.interrupted) = (Look::Idle, false);
                (node.write, node.overtaken) = (Write::Idle, false);
                (node.lease, node.watched, node.known) = (SILENCE + 1, Head::default(), Head::default());
                if !node.call {
                    node.shown = Epoch::default();
                }
            }
            if node.process == Process::Closed && self.left.crashes == 0 {
                (node.kept, node.saw) = (Head::default(), false);
            }
            if is_safe {
                (node.watched, node.kept, node.saw) = (Head::default(), Head::default(), false);
            }
            if is_safe || index != WRITER || (!writes && (!self.by_node || self.revoker != Revoker::Thinks)) {
                node.known = Head::default();
            }
            if node.process != Process::Down && self.left.crashes == 0 {
                node.kept = Head::default();
            }
        }
    }
}

impl Node {
    /// Has it heard from its store?
    pub fn is_fresh(&self) -> bool {
        self.process == Process::Serving && self.lease <= SILENCE
    }

    /// Would it accept a call of the revoked agent now?
    pub fn accepts(&self) -> bool {
        (self.is_fresh() || self.call) && !self.shown.revoked
    }

    /// Keeps a head in the data directory.
    pub fn keep(&mut self, head: Head) {
        if head.size > self.kept.size {
            self.kept = head;
        }
    }

    pub fn show(&mut self, epoch: Epoch) {
        self.shown = epoch;
        self.saw |= epoch.revoked;
    }
}
