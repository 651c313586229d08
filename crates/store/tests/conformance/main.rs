//! What every database must do for the store, run on each of them.
//!
//! SQLite always, in a directory of its own. PostgreSQL when `PORTCULLIS_TEST_POSTGRES` names a server
//! (`postgres://superuser@host:port/postgres`), in a database of its own for every test.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests, and what they share")]

extern crate portcullis_store as store;

mod place;
#[macro_use]
mod on_both;

mod checkpoint;
mod clock;
mod crashes;
mod damage;
mod duties;
mod elevations;
mod epoch;
mod forks;
mod history;
mod installations;
mod log;
mod log_index;
mod open_calls;
mod opening;
mod outbox;
mod pages;
mod races;
mod rows;
mod stopped;
mod turns;
mod versions;
mod what_stands;
mod writing;
