//! What is promised, and whether it holds.

use std::{num::NonZero, thread::available_parallelism};

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::{
    guards::{Guard, Guards},
    state::{Left, MARGIN, Node, Process, Revoker, State, WRITER},
    steps::Step,
};

/// No node acts for the revoked agent after the acknowledgement.
pub const REVOKED_EVERYWHERE: &str = "after the acknowledgement no node accepts";
/// Nor does the node that wrote it, from its own answer on.
pub const REVOKED_HERE: &str = "after its answer the node that wrote it does not accept";
/// What is acknowledged is there.
pub const NOT_HOLLOW: &str = "what was taken back before its acknowledgement is not acknowledged";

/// Who revokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revokes {
    /// A command that visits the store.
    Visitor,
    /// The writer of a node.
    Node,
}

/// A model with these guards, these faults and this revoker.
#[derive(Clone, Debug)]
pub struct Protocol {
    pub guards: Guards,
    pub left: Left,
    pub by: Revokes,
    /// The promise is asked for from nodes, too, that can not keep it.
    pub to_everybody: bool,
}

impl Protocol {
    pub fn new(left: Left, by: Revokes) -> Self {
        Self { guards: Guards::all(), left, by, to_everybody: false }
    }

    /// No order of steps breaks it, and what it is about does happen.
    pub fn holds(self) {
        let checked = self.clone().checker().threads(threads()).finish_when(HasDiscoveries::AnyFailures);
        let checked = checked.spawn_bfs().join();
        for promise in [REVOKED_EVERYWHERE, REVOKED_HERE, NOT_HOLLOW] {
            if let Some(path) = checked.discovery(promise) {
                panic!("{self:?} breaks `{promise}`: {:?}", path.into_actions());
            }
        }
        let happens = [(true, ACTS), (self.left.time, SILENT), (self.left.restores > 0, CLOSES)];
        for (_, what) in happens.into_iter().filter(|(can, _)| *can) {
            assert!(checked.discovery(what).is_some(), "{self:?}: never `{what}`");
        }
    }

    /// Some order of steps breaks `promise`. Any will do, so it is looked for in depth.
    pub fn breaks(self, promise: &'static str) {
        let found = HasDiscoveries::AnyOf([promise].into());
        let checked = self.clone().checker().threads(threads()).finish_when(found).spawn_dfs().join();
        assert!(checked.discovery(promise).is_some(), "{self:?} keeps `{promise}`");
    }
}

fn threads() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

/// A node that gives no sign of life is not waited for.
const SILENT: &str = "it is acknowledged while a node has not seen it";
/// What the promise is for.
const ACTS: &str = "it is acknowledged, and every node serves the others";
/// And what becomes of a node that has seen what is gone.
const CLOSES: &str = "a node closes";

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        // What a clock that goes on may miss is what the margin is for.
        let goes_on = self.guards.has(Guard::ClockGoesOn);
        let missed = if goes_on { self.left.missed.min(MARGIN) } else { self.left.missed };
        vec![State::first(self.by == Revokes::Node, Left { missed, ..self.left })]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        Step::all(state, self.guards, steps);
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        step.take(state, self.guards)
    }

    /// A revocation that failed is not promised: whoever asked was told so.
    fn within_boundary(&self, state: &State) -> bool {
        state.revoker != Revoker::Failed
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(REVOKED_EVERYWHERE, |model: &Self, state: &State| {
                state.revoker != Revoker::Acknowledged || !state.nodes.iter().any(|node| model.is_broken(state, node))
            }),
            Property::always(REVOKED_HERE, |model: &Self, state: &State| {
                !state.answered || !model.is_broken(state, &state.nodes[WRITER])
            }),
            Property::always(NOT_HOLLOW, |_, state: &State| !state.hollow),
            Property::sometimes(SILENT, |_, state: &State| {
                state.revoker == Revoker::Acknowledged && state.nodes.iter().any(|node| !node.shown.revoked)
            }),
            Property::sometimes(ACTS, |_, state: &State| {
                state.revoker == Revoker::Acknowledged
                    && state.nodes.iter().all(|node| node.is_fresh() && node.shown.revoked)
            }),
            Property::sometimes(CLOSES, |_, state: &State| {
                state.nodes.iter().any(|node| node.process == Process::Closed)
            }),
        ]
    }
}

impl Protocol {
    /// Does that node act for the revoked agent, although it must know better?
    ///
    /// A node that never saw the revocation can not know that it was taken back.
    fn is_broken(&self, state: &State, node: &Node) -> bool {
        node.accepts() && (!state.is_taken_back() || node.saw || self.to_everybody)
    }
}
