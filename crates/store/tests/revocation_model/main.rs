//! The protocol of revocation, checked as a small model: every order in which its steps can happen.
//!
//! There are one store, two nodes, a visitor, and one revocation that the promise is about. A node looks, writes, is
//! cut off, paused, slow, killed and started again; its clock misses time; the store loses a suffix of its history and
//! goes on with another one. `docs/revocation.md` says what is promised, and in what this differs from the code.
//!
//! With all guards the promise holds. Without any one of them the model finds how it is broken, so each is needed.
//!
//! Next: `state`, `steps`, `promise`, `guards`.

mod guards;
mod promise;
mod state;
mod steps;

use guards::{Guard, Guards};
use promise::{NOT_HOLLOW, Protocol, REVOKED_EVERYWHERE, REVOKED_HERE, Revokes};
use state::Left;

/// Nothing goes wrong, and no time passes.
const CALM: Left = Left { time: false, writes: 0, restores: 0, crashes: 0, missed: 0 };

#[test]
fn a_node_that_is_slow_paused_or_cut_off_does_not_break_the_promise() {
    for by in [Revokes::Visitor, Revokes::Node] {
        Protocol::new(Left { time: true, writes: 1, missed: 1, ..CALM }, by).holds();
    }
    Protocol::new(Left { time: true, crashes: 1, missed: 1, ..CALM }, Revokes::Visitor).holds();
}

#[test]
fn a_store_that_loses_a_part_of_its_history_does_not_break_the_promise() {
    for by in [Revokes::Visitor, Revokes::Node] {
        Protocol::new(Left { writes: 2, restores: 1, ..CALM }, by).holds();
        Protocol::new(Left { writes: 1, restores: 1, crashes: 1, ..CALM }, by).holds();
    }
}

#[test]
fn both_at_once_do_not_break_the_promise() {
    Protocol::new(Left { time: true, restores: 1, missed: 1, ..CALM }, Revokes::Visitor).holds();
    Protocol::new(Left { time: true, restores: 1, crashes: 1, ..CALM }, Revokes::Node).holds();
}

/// What can not be promised: who never saw a revocation can not know that it was taken back.
#[test]
fn a_node_that_never_saw_what_was_taken_back_goes_on() {
    let protocol = Protocol::new(Left { time: true, restores: 1, ..CALM }, Revokes::Visitor);
    Protocol { to_everybody: true, ..protocol }.breaks(REVOKED_EVERYWHERE);
}

macro_rules! each_guard_is_needed {
    ($($name:ident: $guard:ident, $promise:ident, $by:ident, $($left:ident: $value:literal),*;)+) => {
        $(
            #[test]
            fn $name() {
                let protocol = Protocol::new(Left { $($left: $value,)* ..CALM }, Revokes::$by);
                Protocol { guards: Guards::but(Guard::$guard), ..protocol }.breaks($promise);
            }
        )+

        #[test]
        fn no_guard_is_left_out() {
            assert_eq!(Guard::ALL, &[$(Guard::$guard),+]);
        }
    };
}

each_guard_is_needed! {
    equal_numbers_are_not_equal_histories:
        StampsAreCompared, REVOKED_EVERYWHERE, Visitor, time: true, writes: 1, restores: 1;
    a_row_of_another_history_is_no_acknowledgement:
        RowsNameStamps, REVOKED_EVERYWHERE, Visitor, writes: 1, restores: 1;
    the_newest_epoch_is_not_the_one_that_was_committed:
        TheGoalIsTheStamp, NOT_HOLLOW, Visitor, restores: 1;
    a_lease_does_not_begin_when_its_answer_comes:
        LeaseFromBefore, REVOKED_EVERYWHERE, Visitor, time: true;
    the_first_lease_does_not_begin_when_the_store_is_open:
        FirstLeaseFromBefore, REVOKED_EVERYWHERE, Visitor, time: true, crashes: 1;
    an_answer_from_elsewhere_is_no_lease:
        LeaseIsAWrite, REVOKED_EVERYWHERE, Visitor, time: true;
    a_clock_that_sleeps_is_no_clock_for_a_lease:
        ClockGoesOn, REVOKED_EVERYWHERE, Visitor, time: true, missed: 3;
    a_call_that_waited_is_not_fresh_any_more:
        AskedAfterWaiting, REVOKED_EVERYWHERE, Visitor, time: true;
    the_clocks_of_two_machines_are_not_compared:
        OwnClock, REVOKED_EVERYWHERE, Visitor, time: true;
    two_clocks_do_not_go_at_one_speed:
        Margin, REVOKED_EVERYWHERE, Visitor, time: true, missed: 1;
    another_epoch_is_not_acted_on_before_its_log_is_compared:
        HeadBeforeActing, REVOKED_EVERYWHERE, Visitor, writes: 2, restores: 1;
    what_a_node_wrote_is_part_of_what_it_saw:
        WatcherKnowsWrites, REVOKED_EVERYWHERE, Node, writes: 2, restores: 1;
    what_a_node_saw_is_part_of_what_it_writes_on:
        WriterKnowsLooks, REVOKED_EVERYWHERE, Visitor, writes: 1, restores: 1;
    a_restart_does_not_forget:
        LastHead, REVOKED_EVERYWHERE, Visitor, restores: 1, crashes: 1;
    a_crash_does_not_forget_what_was_shown:
        KeptBeforeShown, REVOKED_EVERYWHERE, Visitor, writes: 1, restores: 1, crashes: 1;
    the_watcher_does_not_show_what_is_older_than_what_was_written_here:
        WatcherNeverBack, REVOKED_HERE, Node, writes: 1;
    the_writer_does_not_show_what_is_older_than_what_was_seen:
        WriterNeverBack, REVOKED_EVERYWHERE, Visitor, writes: 1;
    a_store_put_back_without_its_nodes_does_not_know_whom_to_wait_for:
        RowsOutliveRestore, REVOKED_EVERYWHERE, Visitor, writes: 1, restores: 1;
}
