//! Does what somebody acts by still stand? The one rule, whoever asks: for a call, for a token, for a consent, for an
//! approval.
//!
//! What stands here was not taken away. That it runs out by itself is another question ([`Grant::is_live`]), because what
//! has begun is not cut by time (docs/decisions/0006-a-call-that-was-sent.md).
//!
//! Spec: RFC 9700 §4.14 (never above the grant, as it stands now).

use crate::{
    Agent, AgentState, Block, ClientId, Grant, Id, Person, Server, Target, Timestamp, ToolName, block::Covered,
};

/// Who acts, as what, where, and by which grant.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The agent.
    pub agent: &'a Agent,
    /// The client it presents.
    pub client: &'a ClientId,
    /// The person it acts for; none for an autonomous agent.
    pub person: Option<&'a Id<Person>>,
    /// The grant, when there is one already.
    pub grant: Option<&'a Grant>,
    /// Where.
    pub server: &'a Id<Server>,
    /// The tool, when it is about one.
    pub tool: Option<&'a ToolName>,
}

/// What was taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotStanding {
    /// The agent is suspended or retired.
    AgentNotActive(AgentState),
    /// The person who answers for the agent is disabled, or not there any more.
    OwnerDisabled,
    /// The kill switch covers it.
    Blocked(Target),
    /// The grant was ended before its time.
    GrantEnded,
}

impl<'a> Standing<'a> {
    /// Of `agent`, with the client that it presents everywhere, by `grant`.
    pub fn of(agent: &'a Agent, grant: &'a Grant) -> Self {
        Self {
            agent,
            client: &agent.client,
            person: grant.person.as_ref(),
            grant: Some(grant),
            server: &grant.server,
            tool: None,
        }
    }

    /// Was nothing taken away from it? `issued_at` is when the code or token that is presented was made, or now when
    /// none is: what was issued before a block stays dead after it is lifted.
    pub fn stands<'b>(
        &self,
        owner_disabled: bool,
        blocks: impl IntoIterator<Item = &'b Block>,
        issued_at: Timestamp,
    ) -> Result<(), NotStanding> {
        if self.agent.state != AgentState::Active {
            return Err(NotStanding::AgentNotActive(self.agent.state));
        }
        if owner_disabled {
            return Err(NotStanding::OwnerDisabled);
        }
        let covered = self.covered();
        if let Some(block) = blocks.into_iter().find(|block| block.stops(&covered, issued_at)) {
            return Err(NotStanding::Blocked(block.target.clone()));
        }
        match self.grant {
            Some(grant) if grant.is_ended_early() => Err(NotStanding::GrantEnded),
            _ => Ok(()),
        }
    }

    /// What blocks are held against.
    pub fn covered(&self) -> Covered<'a> {
        Covered {
            agent: &self.agent.id,
            person: self.person,
            owner: &self.agent.owner,
            client: self.client,
            grant: self.grant.map(|grant| &grant.id),
            server: self.server,
            tool: self.tool,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AgentKind, Assurance, Scope, Span};

    fn agent(state: AgentState) -> Agent {
        Agent {
            id: "bot".parse().unwrap(),
            title: "Bot".into(),
            owner: "ada".parse().unwrap(),
            purpose: "to test".into(),
            kind: AgentKind::Delegated,
            client: "https://bot.test/client.json".parse().unwrap(),
            assurance: Assurance::Proven,
            state,
            created_at: Timestamp::from_seconds(1),
            sponsor: None,
            eligible_only: false,
        }
    }

    fn grant(ended_at: Option<i64>) -> Grant {
        let made = Timestamp::from_seconds(10);
        Grant {
            id: "grt_a".parse().unwrap(),
            agent: "bot".parse().unwrap(),
            person: Some("ada".parse().unwrap()),
            server: "tickets".parse().unwrap(),
            scopes: [Scope::Low("tickets".parse().unwrap())].into_iter().collect(),
            created_at: made,
            not_after: made.after(Span::from_seconds(100)),
            ended_at: ended_at.map(Timestamp::from_seconds),
        }
    }

    fn block(target: Target, lifted_at: Option<i64>) -> Block {
        let lifted_at = lifted_at.map(Timestamp::from_seconds);
        Block { target, at: Timestamp::from_seconds(50), reason: "lost".into(), lifted_at }
    }

    /// Spec: RFC 9700 §4.14
    #[test]
    fn each_thing_that_can_be_taken_away_is_named() {
        use AgentState::{Active, Retired, Suspended};
        let person = Target::Person("ada".parse().unwrap());
        let (standing, lifted) = (block(person.clone(), None), block(person.clone(), Some(60)));
        let blocked = || Err(NotStanding::Blocked(person.clone()));
        for (state, disabled, ended, block, issued, expected) in [
            (Active, false, None, None, 70, Ok(())),
            (Suspended, false, None, None, 70, Err(NotStanding::AgentNotActive(Suspended))),
            (Retired, true, Some(20), Some(&standing), 70, Err(NotStanding::AgentNotActive(Retired))),
            (Active, true, None, Some(&standing), 70, Err(NotStanding::OwnerDisabled)),
            (Active, false, None, Some(&standing), 70, blocked()),
            (Active, false, None, Some(&lifted), 50, blocked()),
            (Active, false, None, Some(&lifted), 51, Ok(())),
            (Active, false, Some(20), None, 70, Err(NotStanding::GrantEnded)),
            // It ran out, and was not ended.
            (Active, false, Some(110), None, 70, Ok(())),
        ] {
            let (agent, grant) = (agent(state), grant(ended));
            let found = Standing::of(&agent, &grant).stands(disabled, block, Timestamp::from_seconds(issued));
            assert_eq!(found, expected, "{state} {disabled} {ended:?} {block:?} {issued}");
        }
    }
}
