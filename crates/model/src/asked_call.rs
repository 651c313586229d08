//! Asked calls: one exact call that was refused for want of an approval, kept for as long as it may be asked for.
//!
//! An approval of a capability says nothing about what will be done with it. So what a person approves in the high tier is a
//! call: this agent, this tool as its definition was accepted, these arguments; and what was approved is what runs, once.
//!
//! Who leaves an asked call has asked nobody for anything: the person the agent acts for sees it, and may.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{Grant, Id, Installation, Scope, Task, Timestamp, id::Minted};

/// One exact call that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedCall {
    /// Its id. Equal calls under one grant have the same.
    pub id: Id<AskedCall>,
    /// The grant under which it came.
    pub grant: Id<Grant>,
    /// The task in which it was called.
    pub task: Option<Id<Task>>,
    /// The scope that it needs, which names the tool.
    pub scope: Scope,
    /// SHA-256 of the accepted definition by which the arguments were checked, in hex; none for what has no definition.
    pub definition: Option<String>,
    /// What the log says of the arguments: SHA-256 of `salt` and their canonical JSON, in hex.
    pub arguments: String,
    /// 64 hexadecimal digits, so that nobody can guess arguments from what the log says of them.
    pub salt: String,
    /// The installation that called.
    pub installation: Option<Id<Installation>>,
    /// When it came last.
    pub asked_at: Timestamp,
    /// From then on nobody can ask for it, unless it is called again.
    pub not_after: Timestamp,
    /// When somebody asked for it last.
    pub requested_at: Option<Timestamp>,
}

impl AskedCall {
    /// May somebody ask for it at `now`? Once for each time that it was refused.
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.not_after && self.requested_at.is_none_or(|requested| requested < self.asked_at)
    }
}

impl Minted for AskedCall {
    const PREFIX: &'static str = "ask";
}

/// The one call that an elevation is good for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExactCall {
    /// Which asked call: its id stands for grant, tool, definition and arguments.
    pub asked: Id<AskedCall>,
    /// As [`AskedCall::definition`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// As [`AskedCall::arguments`].
    pub arguments: String,
    /// The installation that may make it; any of the grant when there is none, as for an agent that holds a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<Id<Installation>>,
    /// What of it may differ, where its approver allowed that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude: Option<Latitude>,
}

/// What of an approved call may differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latitude {
    /// The name of the call without what may differ.
    pub rest: Id<AskedCall>,
    /// Arguments that may be anything, or absent.
    pub any: BTreeSet<String>,
    /// Numbers that may be this or less, and not below zero.
    pub at_most: BTreeMap<String, String>,
}

impl From<&AskedCall> for ExactCall {
    fn from(asked: &AskedCall) -> Self {
        Self {
            asked: asked.id.clone(),
            definition: asked.definition.clone(),
            arguments: asked.arguments.clone(),
            installation: asked.installation.clone(),
            latitude: None,
        }
    }
}

/// Why a call is not the one that was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherCall {
    /// Other arguments.
    Arguments,
    /// The tool is not what it was when the call was approved.
    Definition,
    /// Another installation of the client.
    Installation,
}

impl ExactCall {
    /// Is `call` it?
    ///
    /// # Errors
    /// What is different.
    pub fn is(&self, call: &ThisCall) -> Result<(), OtherCall> {
        if self.installation.is_some() && self.installation != call.installation {
            return Err(OtherCall::Installation);
        }
        if self.asked == call.asked {
            return Ok(());
        }
        Err(if self.definition == call.definition { OtherCall::Arguments } else { OtherCall::Definition })
    }
}

/// A call that is being decided on, as an approval of an exact call is held against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThisCall {
    /// The id that an asked call like it has.
    pub asked: Id<AskedCall>,
    /// As [`AskedCall::definition`].
    pub definition: Option<String>,
    /// The installation that makes it.
    pub installation: Option<Id<Installation>>,
    /// Its canonical arguments.
    pub text: Arc<str>,
}

impl fmt::Display for OtherCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arguments => "its arguments are not the ones that were approved",
            Self::Definition => "the tool has changed since it was approved",
            Self::Installation => "it was approved for another login of this client",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(installation: Option<&str>) -> ExactCall {
        ExactCall {
            asked: "ask_1".parse().unwrap(),
            definition: Some("aa".into()),
            arguments: "bb".into(),
            installation: installation.map(|id| id.parse().unwrap()),
            latitude: None,
        }
    }

    fn this(asked: &str, definition: &str, installation: &str) -> ThisCall {
        ThisCall {
            asked: asked.parse().unwrap(),
            definition: Some(definition.into()),
            installation: Some(installation.parse().unwrap()),
            text: "{}".into(),
        }
    }

    #[test]
    fn only_the_very_call_that_was_approved_is_it_and_what_differs_is_named() {
        let mine = exact(Some("ins_1"));
        assert_eq!(mine.is(&this("ask_1", "aa", "ins_1")), Ok(()));
        assert_eq!(mine.is(&this("ask_2", "aa", "ins_1")), Err(OtherCall::Arguments));
        assert_eq!(mine.is(&this("ask_2", "cc", "ins_1")), Err(OtherCall::Definition));
        assert_eq!(mine.is(&this("ask_1", "aa", "ins_2")), Err(OtherCall::Installation));
        assert_eq!(
            mine.is(&ThisCall { installation: None, ..this("ask_1", "aa", "ins_1") }),
            Err(OtherCall::Installation)
        );
        assert_eq!(exact(None).is(&this("ask_1", "aa", "ins_2")), Ok(()));
    }
}
