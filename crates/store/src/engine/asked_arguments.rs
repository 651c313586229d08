//! What an asked call is called, and its arguments at rest.
//!
//! The id is computed from the call, so equal calls are one, on every node; and nobody without the key of the installation
//! can try out which arguments an id stands for. What the log says of arguments is salted for the same reason.

use crypto::{Digest, MasterKey};
use model::{AskedCall, Grant, Id, Scope, Task};

use crate::{Store, StoreError};

/// How a call is called, and what the log says of its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallName {
    /// Its id, the same for every call like it.
    pub id: Id<AskedCall>,
    /// What the arguments are salted with, in hex.
    pub salt: String,
    /// SHA-256 of `salt` and the canonical arguments, in hex.
    pub arguments: String,
}

impl Store {
    /// The name of the call of `scope` under `grant`, in that task, whose tool is what `definition` says, with these canonical arguments.
    pub fn name_call(
        &self,
        (grant, task): (&Id<Grant>, Option<&Id<Task>>),
        scope: &Scope,
        definition: Option<&Digest>,
        arguments: &str,
    ) -> CallName {
        let definition = definition.map(Digest::to_hex).unwrap_or_default();
        let task = task.map(Id::as_str).unwrap_or_default();
        // None of the first four holds a line break.
        let call = format!("{grant}\n{task}\n{scope}\n{definition}\n{arguments}");
        let key = self.master().derive(PURPOSE);
        let (id, salt) =
            (key.authenticate(&format!("id\n{call}")), key.authenticate(&format!("salt\n{call}")).to_hex());
        let arguments = Digest::of(&format!("{salt}{arguments}")).to_hex();
        let mut bits = [0; 16];
        bits.copy_from_slice(&id.bytes()[..16]);
        CallName { id: Id::from_entropy(bits), salt, arguments }
    }

    /// The canonical arguments of an asked call, as they are kept.
    pub fn seal_arguments(&self, asked: &Id<AskedCall>, arguments: &str) -> Vec<u8> {
        self.master().seal(&purpose(asked), arguments.as_bytes())
    }

    /// The canonical arguments of an asked call; `None` when they are not kept any more.
    ///
    /// # Errors
    /// The store failed, or they are not what was sealed for this call.
    pub async fn asked_arguments(&self, asked: &AskedCall) -> Result<Option<String>, StoreError> {
        let Some(sealed) = self.sealed_arguments(&asked.id).await? else { return Ok(None) };
        let text = opened(self.master(), asked, &sealed).map_err(|why| StoreError::Unreadable {
            what: "asked call",
            why: format!("the arguments of {}: {why}", asked.id),
        })?;
        Ok(Some(text))
    }
}

/// Whoever can write into the database must not be able to show an approver other arguments than the ones that will run.
fn opened(master: &MasterKey, asked: &AskedCall, sealed: &[u8]) -> Result<String, String> {
    let plain = master.open(&purpose(&asked.id), sealed).map_err(|error| error.to_string())?;
    let text = String::from_utf8(plain.to_vec()).map_err(|_| "they are no text".to_owned())?;
    match Digest::of(&format!("{}{text}", asked.salt)).to_hex() == asked.arguments {
        true => Ok(text),
        false => Err("they are not the ones that its digest names".to_owned()),
    }
}

fn purpose(asked: &Id<AskedCall>) -> String {
    format!("{PURPOSE}/{asked}")
}

const PURPOSE: &str = "asked_call";
