//! The kill switch: what is blocked, and since when.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Agent, ClientId, Grant, Id, Installation, Person, Server, Span, Timestamp, ToolName, text_enum};

/// What one turn of the kill switch covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// One agent.
    Agent(Id<Agent>),
    /// Everything that acts for one person, and the person's own sessions.
    Person(Id<Person>),
    /// Every agent that presents this client.
    Client(ClientId),
    /// One grant; final.
    Grant(Id<Grant>),
    /// What one authorization gave to one copy of a client; final.
    Installation(Id<Installation>),
    /// Every call to one server.
    Server(Id<Server>),
    /// Every call of one tool.
    Tool(Id<Server>, ToolName),
    /// Everything.
    All,
}

/// What there is to block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// One agent.
    Agent,
    /// Everything that acts for one person, and their sessions.
    Person,
    /// Every agent that presents one client.
    Client,
    /// One grant; final.
    Grant,
    /// What one authorization gave to one copy of a client; final.
    Installation,
    /// Every call to one server.
    Server,
    /// Every call of one tool.
    Tool,
    /// Everything.
    All,
}

text_enum!(TargetKind {
    Agent => "agent",
    Person => "person",
    Client => "client",
    Grant => "grant",
    Installation => "installation",
    Server => "server",
    Tool => "tool",
    All => "all",
});

impl Target {
    /// Which kind it is of.
    pub const fn kind(&self) -> TargetKind {
        match self {
            Self::Agent(_) => TargetKind::Agent,
            Self::Person(_) => TargetKind::Person,
            Self::Client(_) => TargetKind::Client,
            Self::Grant(_) => TargetKind::Grant,
            Self::Installation(_) => TargetKind::Installation,
            Self::Server(_) => TargetKind::Server,
            Self::Tool(..) => TargetKind::Tool,
            Self::All => TargetKind::All,
        }
    }

    /// What of that kind; empty for `all`.
    pub fn name(&self) -> String {
        match self {
            Self::Agent(id) => id.to_string(),
            Self::Person(id) => id.to_string(),
            Self::Client(id) => id.to_string(),
            Self::Grant(id) => id.to_string(),
            Self::Installation(id) => id.to_string(),
            Self::Server(id) => id.to_string(),
            Self::Tool(server, tool) => tool.qualified(server),
            Self::All => String::new(),
        }
    }

    /// From the two words that [`Self::kind`] and [`Self::name`] give.
    pub fn parse(kind: &str, name: &str) -> Result<Self, String> {
        fn id<T: FromStr>(name: &str) -> Result<T, String>
        where
            T::Err: fmt::Display,
        {
            name.parse().map_err(|error: T::Err| error.to_string())
        }
        let kind = kind.parse().map_err(|_| {
            format!("`{kind}` can not be revoked: use agent, person, client, grant, installation, server, tool or all")
        })?;
        match kind {
            TargetKind::Agent => id(name).map(Self::Agent),
            TargetKind::Person => id(name).map(Self::Person),
            TargetKind::Client => id(name).map(Self::Client),
            TargetKind::Grant => id(name).map(Self::Grant),
            TargetKind::Installation => id(name).map(Self::Installation),
            TargetKind::Server => id(name).map(Self::Server),
            TargetKind::Tool => {
                let at = name.find(['.', ':']).unwrap_or(name.len());
                let (server, tool) = name.split_at(at);
                let wrong = || format!("`{name}` is not a tool: write `server.tool`");
                Ok(Self::Tool(id(server)?, ToolName::after_server(tool).ok_or_else(wrong)?))
            }
            TargetKind::All => Ok(Self::All),
        }
    }

    /// How long a block on it has to stand; `None` until somebody lifts it.
    ///
    /// There may be one block for every login that somebody ended, so these are looked up by name and forgotten
    /// when nothing they could stop is left; they are in no list.
    pub const fn blocked_for(&self) -> Option<Span> {
        match self {
            Self::Installation(_) => Some(Installation::BLOCKED_FOR),
            _ => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("everything"),
            _ => write!(f, "{} {}", self.kind(), self.name()),
        }
    }
}

/// One turn of the kill switch.
///
/// While it stands, nothing it covers is issued or called. Once lifted, what was issued
/// before `at` stays dead: a token that was out of hand does not come back to life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it covers.
    pub target: Target,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// When it was lifted; `None` while it stands.
    pub lifted_at: Option<Timestamp>,
}

/// What a token or a request names, so that blocks can be held against it.
#[derive(Clone, Copy, Debug)]
pub struct Covered<'a> {
    /// The agent that acts.
    pub agent: &'a Id<Agent>,
    /// The person it acts for.
    pub person: Option<&'a Id<Person>>,
    /// The agent's owner: disabling a person stops the agents that person answers for.
    pub owner: &'a Id<Person>,
    /// The client it presents.
    pub client: &'a ClientId,
    /// The grant it uses.
    pub grant: Option<&'a Id<Grant>>,
    /// The server it goes to.
    pub server: &'a Id<Server>,
    /// The tool it calls.
    pub tool: Option<&'a ToolName>,
}

impl Block {
    /// Does it stop something that names `what` and was issued at `issued_at`?
    ///
    /// A standing block stops everything it covers, a lifted one what was issued before it.
    pub fn stops(&self, what: &Covered<'_>, issued_at: Timestamp) -> bool {
        self.covers(what) && (self.lifted_at.is_none() || issued_at.seconds() <= self.at.seconds())
    }

    fn covers(&self, what: &Covered<'_>) -> bool {
        match &self.target {
            Target::Agent(id) => id == what.agent,
            Target::Person(id) => Some(id) == what.person || id == what.owner,
            Target::Client(id) => id == what.client,
            Target::Grant(id) => Some(id) == what.grant,
            // Looked up by name: see `Target::blocked_for`.
            Target::Installation(_) => false,
            Target::Server(id) => id == what.server,
            Target::Tool(server, tool) => server == what.server && Some(tool) == what.tool,
            Target::All => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(target: Target, lifted: Option<i64>) -> Block {
        Block {
            target,
            at: Timestamp::from_seconds(100),
            reason: String::new(),
            lifted_at: lifted.map(Timestamp::from_seconds),
        }
    }

    fn stops(block: &Block, issued: i64) -> bool {
        let (agent, person) = ("bot".parse().unwrap(), "ada".parse().unwrap());
        let (client, server) = ("c".parse().unwrap(), "tickets".parse().unwrap());
        let tool = "delete_ticket".parse().unwrap();
        let what = Covered {
            agent: &agent,
            person: Some(&person),
            owner: &person,
            client: &client,
            grant: None,
            server: &server,
            tool: Some(&tool),
        };
        block.stops(&what, Timestamp::from_seconds(issued))
    }

    #[test]
    fn a_standing_block_stops_old_and_new_alike() {
        for (kind, name) in [
            ("agent", "bot"),
            ("person", "ada"),
            ("client", "c"),
            ("server", "tickets"),
            ("tool", "tickets.delete_ticket"),
            ("all", ""),
        ] {
            let block = block(Target::parse(kind, name).unwrap(), None);
            assert!(stops(&block, 50) && stops(&block, 150), "{kind}");
        }
    }

    #[test]
    fn a_lifted_block_still_stops_what_was_issued_before_it() {
        let block = block(Target::All, Some(120));
        assert!(stops(&block, 99) && stops(&block, 100) && !stops(&block, 101));
    }

    #[test]
    fn a_block_of_something_else_stops_nothing() {
        for (kind, name) in [
            ("agent", "bot2"),
            ("person", "bob"),
            ("tool", "tickets.get_ticket"),
            ("server", "ticket"),
            ("grant", "grt_x"),
        ] {
            assert!(!stops(&block(Target::parse(kind, name).unwrap(), None), 50), "{kind}");
        }
    }

    #[test]
    fn a_target_reads_back_as_it_is_written() {
        for (kind, name) in [
            ("agent", "a"),
            ("client", "https://x.test/c"),
            ("installation", "ins_x"),
            ("tool", "t.a.b"),
            ("tool", "t:prompt/a.b"),
            ("all", ""),
        ] {
            let target = Target::parse(kind, name).unwrap();
            assert_eq!((target.kind().as_str(), target.name().as_str()), (kind, name));
        }
        assert!(Target::parse("planet", "x").is_err() && Target::parse("tool", "x").is_err());
    }
}
