//! What a server offers, as it says so itself: read, named by a digest, compared, judged, and used to check arguments.
//!
//! Nothing in here is trusted, and nothing is decided: whether a definition counts is in the crate `privilege`.
//!
//! Next: [`Definition`].

mod arguments;
mod call_card;
mod definition;
mod difference;
mod list_digest;
mod listed;
mod look_alike;
mod note;
pub mod proposal;
mod schema_error;
mod weight;

pub use arguments::{ArgumentSchema, Fault};
pub use call_card::{Before, Shown, ShownArgument, shown_arguments};
pub use definition::{Definition, NoDefinition, is_version};
pub use difference::{Difference, differences};
pub use list_digest::list_digest;
pub use listed::Listed;
pub use look_alike::{Shape, shape};
pub use note::{Note, hides_characters, is_plain, notes};
pub use schema_error::SchemaError;
