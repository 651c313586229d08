//! What a code is due for, once nothing stands in the way.

use login::SignedIn;
use model::{Agent, Grant, Id, Installation, ScopeSet, Task};

use super::request::AuthorizeRequest;

/// What a code is due for.
pub(super) struct CodeRequest<'a> {
    pub(super) wanted: &'a AuthorizeRequest,
    pub(super) agent: Id<Agent>,
    pub(super) grant: Id<Grant>,
    pub(super) installation: Id<Installation>,
    pub(super) scopes: ScopeSet,
    /// The task that the token belongs to.
    pub(super) task: Option<Id<Task>>,
    pub(super) person: &'a SignedIn,
}
