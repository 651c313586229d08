//! The accepted definition of a tool, ready to check the arguments of a call.
//!
//! Read from the store once for each digest, and kept: what a digest says does not change.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use catalogue::{ArgumentSchema, Definition, Fault, SchemaError};
use crypto::Digest;
use mcp::json;
use model::{ToolName, server::Kind};
use serde_json::Value;
use store::StoreError;

use crate::protected_server::ProtectedServer;

/// An accepted definition, ready to check by.
#[derive(Debug)]
pub struct Checked {
    digest: Digest,
    schema: Result<Option<ArgumentSchema>, SchemaError>,
}

/// Those of a server.
#[derive(Debug, Default)]
pub struct Checks(RwLock<HashMap<ToolName, Arc<Checked>>>);

impl Checked {
    /// The digest of the definition.
    pub fn digest(&self) -> Digest {
        self.digest
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
    fn kept(&self, name: &ToolName, digest: &Digest) -> Option<Arc<Checked>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(name).filter(|checked| checked.digest == *digest).cloned()
    }

    fn keep(&self, name: ToolName, checked: Arc<Checked>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name, checked);
    }
}

impl ProtectedServer {
    /// The accepted definition of `tool`; `None` when there is none, or when it does not matter.
    pub async fn checked(&self, tool: &ToolName) -> Result<Option<Arc<Checked>>, StoreError> {
        let Kind::Tool(_) = tool.kind() else { return Ok(None) };
        if !self.definitions.are_pinned() {
            return Ok(None);
        }
        let Some(digest) = self.definitions.pins().accepted(&self.id, tool) else { return Ok(None) };
        if let Some(kept) = self.definitions.checks.kept(tool, &digest) {
            return Ok(Some(kept));
        }
        let unreadable =
            || StoreError::Unreadable { what: "definition", why: "its text is not what was accepted".into() };
        let text = self.definitions.store.definition(&digest).await?.ok_or_else(unreadable)?;
        let definition = Definition::kept(tool.clone(), &text).filter(|kept| kept.digest() == digest);
        let definition = definition.ok_or_else(unreadable)?;
        let schema = json::check(text.as_bytes()).ok().and_then(|text| text.member("inputSchema"));
        self.param_headers.learn(tool.as_str(), schema);
        let checked = Arc::new(Checked { digest, schema: ArgumentSchema::of(&definition) });
        self.definitions.checks.keep(tool.clone(), checked.clone());
        Ok(Some(checked))
    }
}
