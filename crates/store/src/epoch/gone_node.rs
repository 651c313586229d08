//! A node that gives no sign of life any more, and the ends of its calls.
//!
//! Spec: docs/decisions/0022-one-end-for-each-call.md.

use model::Event;
use sqlx::AnyConnection;

use crate::{
    epoch::lease::last_sign,
    error::StoreError,
    log::open_calls::{OpenCalls, PAGE},
};

/// A node that looks gone, and its last sign of life as it was seen: `None` when it has no row.
#[derive(Debug)]
pub(crate) struct GoneNode {
    pub(crate) name: String,
    pub(crate) sign: Option<i64>,
}

impl GoneNode {
    /// The ends of a page of its calls, taken off the list; none when it has given a sign of life since. The caller
    /// holds the head of the log.
    pub(crate) async fn ends(
        &self,
        connection: &mut AnyConnection,
        calls: &mut OpenCalls,
    ) -> Result<Vec<Event>, StoreError> {
        if last_sign(connection, &self.name).await? != self.sign {
            return Ok(Vec::new());
        }
        calls.end_of(connection, &self.name, PAGE).await
    }
}
