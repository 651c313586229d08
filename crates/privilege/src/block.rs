//! The kill switch: revoke and restore.
//!
//! A block stands until it is lifted, and stops whatever it covers on every node. What names an identity
//! (an agent, a person, a client) also ends the grants it covers, because credentials that were issued
//! under them may be in other hands. A server, a tool or everything is stopped and can go on later; the
//! elevations that were asked for or in force there end for good. An installation is one login of one copy of a
//! client: ending it ends the tokens of that copy, and leaves the grant to the others.
//!
//! Turning it is one short transaction, however much it covers: the block, the epoch and the record. What it ends is
//! refused from that moment by the block itself, and [written down afterwards](write_page_of_ends), in pages.

use model::{
    Actor, Block, DutyEnd, Event, Target, Timestamp,
    config::Config,
    event::{EndsWritten, Restored, Revoked},
};
use store::{PageStart, StoreError, Tx, privilege::PrivilegeTx};

use crate::Refused;

/// Stops `target` at once.
///
/// Servers and tools are known to the configuration alone: check those names with [`check_named`].
pub async fn revoke(tx: &mut Tx<'_>, target: Target, actor: Actor, reason: String) -> Result<Event, Refused> {
    let now = tx.now();
    if !is_known(tx, &target).await? {
        return Err(Refused::UnknownName { kind: target.kind().as_str(), name: target.name(), hint: String::new() });
    }
    match &target {
        Target::Grant(id) => {
            if !PrivilegeTx::of(tx).end_grant(id, now).await? {
                return Err(Refused::GrantEnded(id.clone()));
            }
        }
        Target::Installation(id) => {
            if !PrivilegeTx::of(tx).end_installation(id, now).await? {
                return Err(Refused::InstallationEnded(id.clone()));
            }
        }
        _ => {
            let block = Block { target: target.clone(), at: now, reason: reason.clone(), lifted_at: None };
            PrivilegeTx::of(tx).put_block(&block).await?;
        }
    }
    if let Target::Person(id) = &target {
        tx.end_sessions_of(id).await?;
        tx.void_enrolment(id).await?;
        PrivilegeTx::of(tx).end_duties_from(id, DutyEnd::PersonGone).await?;
        PrivilegeTx::of(tx).end_duties_to(id, DutyEnd::PersonGone).await?;
    }
    tx.bump_epoch().await?;
    Ok(Revoked::of(&target, reason).by(actor))
}

/// Writes down a page of what the block on `target` since `since` ended and nobody has written down yet. `before` is what
/// earlier pages were.
pub async fn write_page_of_ends(
    tx: &mut Tx<'_>,
    target: &Target,
    since: Timestamp,
    from: PageStart,
    before: Ends,
) -> Result<Page, StoreError> {
    let page = PrivilegeTx::of(tx).end_page_of(target, since, from).await?;
    let ends = Ends { grants: before.grants + page.grants, elevations: before.elevations + page.elevations };
    let is_last = page.next.is_none();
    let is_news =
        (is_last && PrivilegeTx::of(tx).ends_are_written(target, since).await?) || page.grants + page.elevations > 0;
    let written = EndsWritten {
        target: target.kind(),
        name: target.name(),
        complete: is_last,
        grants_ended: ends.grants,
        elevations_ended: ends.elevations,
    };
    Ok(Page { next: page.next, ends, event: is_news.then(|| written.by(Actor::System)) })
}

/// A page of ends.
#[derive(Debug)]
pub struct Page {
    /// Where the next one begins; `None` when it was the last.
    pub next: Option<PageStart>,
    /// All ends from the first page on.
    pub ends: Ends,
    /// The record, when there is something to say.
    pub event: Option<Event>,
}

/// What was written down of what blocks ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Grants.
    pub grants: u64,
    /// Elevations apart from those of the grants.
    pub elevations: u64,
}

/// Lifts the block on `target`. What was issued before the block stays dead.
pub async fn restore(tx: &mut Tx<'_>, target: Target, actor: Actor, reason: String) -> Result<Event, Refused> {
    match &target {
        Target::Grant(_) => return Err(Refused::GrantIsFinal),
        Target::Installation(_) => return Err(Refused::InstallationIsFinal),
        _ => {}
    }
    let now = tx.now();
    if !PrivilegeTx::of(tx).lift_block(&target, now).await? {
        let standing = tx.standing_blocks().await?;
        let targets = standing.iter().map(|block| block.target.to_string());
        let hint = listed("revoked are", targets, "nothing is revoked");
        return Err(Refused::NotRevoked { target, hint });
    }
    Ok(Restored::of(&target, reason).by(actor))
}

/// Refuses a server, a tool or a client that the configuration does not know: a mistyped name would look
/// revoked while the real one goes on. A client that shows itself by a URL may be revoked before it comes.
pub fn check_named(config: &Config, target: &Target) -> Result<(), Refused> {
    match target {
        Target::Server(server) | Target::Tool(server, _) if !config.servers.contains_key(server) => {
            Err(Refused::UnknownName {
                kind: "server",
                name: server.to_string(),
                hint: listed("there are", config.servers.keys().map(ToString::to_string), "there are none at all"),
            })
        }
        _ => Ok(()),
    }
}

/// Is there anything of that name? What only the configuration knows is not asked here.
async fn is_known(tx: &mut Tx<'_>, target: &Target) -> Result<bool, StoreError> {
    Ok(match target {
        Target::Agent(id) => tx.agent(id).await?.is_some(),
        Target::Person(id) => tx.person(id).await?.is_some(),
        Target::Grant(id) => tx.grant(id).await?.is_some(),
        Target::Installation(id) => tx.installation(id).await?.is_some(),
        Target::Client(id) => id.is_metadata_url() || tx.knows_client(id).await?,
        Target::Server(_) | Target::Tool(..) | Target::All => true,
    })
}

/// At most ten names: `there are a, b, … and 5 more`.
pub fn listed(lead: &str, names: impl Iterator<Item = String>, none: &str) -> String {
    let names: Vec<String> = names.collect();
    match names.len() {
        0 => none.to_owned(),
        count @ ..=10 => format!("{lead} {}", names[..count].join(", ")),
        count => format!("{lead} {} and {} more", names[..10].join(", "), count - 10),
    }
}
