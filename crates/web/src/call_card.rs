//! One exact call on a page: what somebody asks for, or decides on, or has decided.
//!
//! The agent's own words are values in it, and are marked as such: a text can not pass for a part of the page.

use askama::Template;
use catalogue::{Before, Shown, ShownArgument};

/// The arguments of a call, for a page to hold.
#[derive(Clone, Debug, Template)]
#[template(path = "call_card.html")]
pub struct CallCard {
    tool: String,
    arguments: Vec<ShownArgument>,
    /// Does anything differ from the call that was approved last?
    differs: bool,
}

impl CallCard {
    /// Of a call of `tool`.
    pub fn of(tool: String, arguments: Vec<ShownArgument>) -> Self {
        let differs = arguments.iter().any(|argument| argument.before.is_some());
        Self { tool, arguments, differs }
    }
}
