//! A small world to test the gate in: the real binary, a protected server, people with browsers,
//! and the clients everybody uses.
//!
//! Nothing here looks inside. [`World`] starts `portcullis serve` as a child process from one
//! configuration file, [`Browser`] reads its pages as a person does, and [`Driver`] runs an
//! official SDK that knows nothing of this product. The tests are in `tests/`.

mod browser;
mod callers;
mod config;
mod database;
mod documents;
mod driver;
mod forwarder;
mod html;
mod person;
mod portcullis;
mod postgres;
mod raw;
mod wires;
mod world;

pub mod fixture;
pub mod shim;

pub use browser::{Browser, Visit};
pub use callers::Callers;
pub use config::{Protected, WorldConfig};
pub use database::on_postgres;
pub use documents::{Documents, REDIRECT_URI};
pub use driver::{Driver, Said, Sdk, skipped};
pub use forwarder::Forwarder;
pub use html::{Form, Page};
pub use person::Person;
pub use portcullis::{Finished, Portcullis, run};
pub use postgres::Postgres;
pub use raw::{Answer, Raw};
pub use wires::Wires;
pub use world::{Era, Node, World};
