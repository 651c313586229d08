//! Agents.

use model::{Agent, AgentState, ClientId, Id, Person};

use crate::{Store, StoreError, Tx};

impl Store {
    /// The agent of that name.
    pub async fn agent(&self, id: &Id<Agent>) -> Result<Option<Agent>, StoreError> {
        todo!()
    }

    /// Every agent, by name.
    pub async fn agents(&self) -> Result<Vec<Agent>, StoreError> {
        todo!()
    }

    /// The delegated agent that presents `client` and acts for `owner`.
    pub async fn agent_of(&self, client: &ClientId, owner: &Id<Person>) -> Result<Option<Agent>, StoreError> {
        todo!()
    }
}

impl Tx<'_> {
    /// The agent of that name.
    pub async fn agent(&mut self, id: &Id<Agent>) -> Result<Option<Agent>, StoreError> {
        todo!()
    }

    /// The delegated agent that presents `client` and acts for `owner`.
    pub async fn agent_of(&mut self, client: &ClientId, owner: &Id<Person>) -> Result<Option<Agent>, StoreError> {
        todo!()
    }

    /// Adds or changes an agent.
    pub async fn put_agent(&mut self, agent: &Agent) -> Result<(), StoreError> {
        todo!()
    }

    /// Changes the state; `false` when it was so already, is retired for good, or there is no such agent.
    pub async fn set_agent_state(&mut self, id: &Id<Agent>, state: AgentState) -> Result<bool, StoreError> {
        todo!()
    }
}
