//! Strict I-JSON: one reading of a text, or none.
//!
//! The gateway decides on what it read, and another program runs what *it* read. Three advisories
//! of 2026 are the same bug: the two readings differed (duplicate members, folded case, trailing
//! bytes). So a text that two parsers could read differently is refused before anybody decides
//! anything. [`check`] walks the text once; [`Strict::members`] and [`Strict::elements`] then take apart
//! what passed, without copying and without a tree.
//!
//! Spec: RFC 8259, RFC 7493 §2 (I-JSON).

mod canonical;
mod escape;
mod scan;
mod strict;
mod write;

pub use scan::{MAX_DEPTH, NotStrict};
pub use strict::{Strict, check, grammar};
pub use write::{array, begin_member, object, push_string};

#[cfg(test)]
mod tests;
