//! The agent that a client is for a person, when they meet for the first time: by consent, or by the word of an identity provider.

use model::{Agent, AgentKind, AgentState, Client, Id, Person};
use store::StoreError;

use crate::{clients::slug, context::Context};

/// What it would be: `slug(client_name)@person`, with a number when that is taken.
pub(crate) async fn of(cx: &Context, client: &Client, person: &Person) -> Result<Agent, StoreError> {
    let mut number = 1;
    let id = loop {
        // A login name so long that both do not fit stands alone.
        let id = agent_id(&client.name, &person.id, number).or_else(|| person.id.as_str().parse().ok());
        match id {
            Some(id) if number < 1000 && cx.store.agent(&id).await?.is_some() => number += 1,
            Some(id) => break id,
            None => number += 1,
        }
    };
    Ok(Agent {
        id,
        title: client.name.clone(),
        owner: person.id.clone(),
        purpose: format!("Acts for {}", person.display_name),
        kind: AgentKind::Delegated,
        client: client.id.clone(),
        assurance: client.assurance,
        state: AgentState::Active,
        created_at: cx.store.now(),
        sponsor: None,
        eligible_only: false,
    })
}

fn agent_id(name: &str, person: &Id<Person>, number: u32) -> Option<Id<Agent>> {
    let suffix = if number == 1 { String::new() } else { format!("-{number}") };
    format!("{}{suffix}@{person}", slug(name)).parse().ok()
}
