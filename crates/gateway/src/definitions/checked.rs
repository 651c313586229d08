//! The accepted definition of a tool or prompt, ready to check the arguments of a call.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use catalogue::{ArgumentSchema, Definition, Fault, SchemaError};
use crypto::Digest;
use model::ToolName;
use policy::InputType;
use serde_json::Value;

/// An accepted definition, ready to check by.
#[derive(Debug)]
pub struct Checked {
    digest: Digest,
    schema: Result<Option<ArgumentSchema>, SchemaError>,
    input: InputType,
}

/// Those of a server. What a digest says does not change, so each is read once.
#[derive(Debug, Default)]
pub struct Checks(RwLock<HashMap<ToolName, Arc<Checked>>>);

impl From<&Definition> for Checked {
    fn from(definition: &Definition) -> Self {
        let input = privilege::catalogue::input(definition);
        Self { digest: definition.digest(), schema: ArgumentSchema::of(definition), input }
    }
}

impl Checked {
    /// The digest of the definition.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What policies can name of its arguments.
    pub fn input(&self) -> &InputType {
        &self.input
    }

    /// Checks arguments as they were sent; none are none at all.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self, arguments: Option<&[u8]>) -> Result<(), Vec<Fault>> {
        let unchecked = |what: String| vec![Fault { place: String::new(), what }];
        let schema = match &self.schema {
            Ok(Some(schema)) => schema,
            Ok(None) => return Ok(()),
            Err(why) => return Err(unchecked(why.to_string())),
        };
        let value = match arguments {
            None => Value::Object(serde_json::Map::new()),
            Some(text) => serde_json::from_slice(text).map_err(|_| unchecked("they are no JSON".to_owned()))?,
        };
        schema.check(&value)
    }
}

impl Checks {
    /// The one of that digest, if it was read before.
    pub fn kept(&self, name: &ToolName, digest: &Digest) -> Option<Arc<Checked>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(name).filter(|checked| checked.digest == *digest).cloned()
    }

    /// Keeps it, in the place of the one before. There are no more than names that are accepted.
    pub fn keep(&self, name: ToolName, checked: Arc<Checked>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name, checked);
    }
}
