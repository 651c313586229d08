//! Opening a task. What it says of itself never changes: its digest is over all of it.
//!
//! Spec: RFC 8785 (the form that is digested).

use crypto::{Digest, mint};
use mcp::json;
use model::{
    Actor, Agent, AgentKind, AgentState, Event, Grant, Id, Span, Target, Task, TaskStage, event::TaskOpened, shown,
};
use store::{Tx, privilege::PrivilegeTx};

use crate::Refused;

/// So many tasks of one agent stand at once.
pub const AT_ONCE: usize = 16;

/// What is to be opened.
#[derive(Clone, Debug)]
pub struct TaskWish {
    /// Whose work it is.
    pub agent: Id<Agent>,
    /// The grant with which it is opened, and with which it ends.
    pub grant: Option<Grant>,
    /// What it is for.
    pub purpose: String,
    /// How long it lasts at the most.
    pub lasts: Span,
    /// It ends when nothing was called for so long; 0: that does not end it.
    pub idle: Span,
    /// Calls it is good for; none: as many as its time allows.
    pub uses: Option<u32>,
}

impl TaskWish {
    /// How long a task lasts when nobody says.
    pub const LASTS: Span = Span::from_minutes(120);
    /// After how long an idle one ends when nobody says.
    pub const IDLE: Span = Span::from_minutes(15);
}

/// Opens a task of an agent that is active and that nothing stops.
///
/// # Errors
/// The agent is not there, is not active or stopped; the purpose says nothing or too much; it asks for more time than there
/// is, or for no call at all; or too many stand.
pub async fn open(tx: &mut Tx<'_>, wish: TaskWish, actor: Actor) -> Result<(Event, Task), Refused> {
    let TaskWish { agent, grant, purpose, lasts, idle, uses } = wish;
    let Some(agent) = tx.agent(&agent).await? else {
        let hint = "`portcullis agent list` shows them all".to_owned();
        return Err(Refused::UnknownName { kind: "agent", name: agent.to_string(), hint });
    };
    if agent.state != AgentState::Active {
        return Err(Refused::AgentNotActive { agent: agent.id.to_string(), state: agent.state });
    }
    let stopped = [
        Target::All,
        Target::Agent(agent.id.clone()),
        Target::Client(agent.client.clone()),
        Target::Person(agent.owner.clone()),
    ];
    for target in stopped {
        if tx.is_blocked(&target).await? {
            return Err(Refused::Blocked(target));
        }
    }
    let purpose = makes_sense(&purpose, lasts, uses)?;
    let now = tx.now();
    let standing = tx.standing_tasks(&agent.id).await?;
    if standing.iter().filter(|task| task.end(now).is_none()).count() >= AT_ONCE {
        return Err(Refused::TooManyTasks(agent.id.to_string()));
    }
    let deadline = now.after(lasts);
    let mut task = Task {
        id: mint(),
        person: (agent.kind == AgentKind::Delegated).then_some(agent.owner),
        agent: agent.id,
        deadline: grant.as_ref().map_or(deadline, |grant| deadline.min(grant.not_after)),
        grant: grant.map(|grant| grant.id),
        purpose,
        digest: String::new(),
        opened_at: now,
        idle: (idle.seconds() > 0).then_some(idle),
        max_uses: uses,
        uses: 0,
        last_used_at: now,
        stage: TaskStage::Open,
    };
    task.digest = digest(&task);
    PrivilegeTx::of(tx).put_task(&task).await?;
    Ok((TaskOpened::of(&task).by(actor), task))
}

/// SHA-256 over what never changes of a task, as canonical JSON: 64 digits.
pub fn digest(task: &Task) -> String {
    let text = |text: &str| {
        let mut out = Vec::new();
        json::push_string(&mut out, text);
        out
    };
    let or_null = |value: Option<Vec<u8>>| value.unwrap_or_else(|| b"null".to_vec());
    let object = json::object(
        [
            ("agent", text(task.agent.as_str())),
            ("deadline", task.deadline.micros().to_string().into_bytes()),
            ("idle", task.idle.map_or(0, Span::seconds).to_string().into_bytes()),
            ("opened_at", task.opened_at.micros().to_string().into_bytes()),
            ("person", or_null(task.person.as_ref().map(|person| text(person.as_str())))),
            ("purpose", text(&task.purpose)),
            ("uses", or_null(task.max_uses.map(|uses| uses.to_string().into_bytes()))),
        ]
        .into_iter(),
    );
    // INVARIANT: what was just written is strict JSON; were it not, its bytes are as fixed.
    let canonical = json::check(&object).map(json::Strict::canonical);
    match canonical {
        Ok(canonical) => Digest::of(&canonical).to_hex(),
        Err(_) => Digest::of_bytes(&object).to_hex(),
    }
}

/// The purpose as it is kept, when a task of that kind can be opened at all.
///
/// # Errors
/// The purpose says nothing or too much; it asks for more time than there is, or for no call at all.
pub fn makes_sense(purpose: &str, lasts: Span, uses: Option<u32>) -> Result<String, Refused> {
    let purpose = said(purpose)?;
    if lasts.seconds() == 0 || lasts > Task::LONGEST {
        return Err(Refused::BadTask("a task lasts between 1s and 8h"));
    }
    match uses {
        Some(0) => Err(Refused::BadTask("a task is good for one call at the least")),
        _ => Ok(purpose),
    }
}

/// A purpose is shown and hashed as it was given, so what could not be shown is refused and not mended.
///
/// # Errors
/// It says nothing, too much, or something that can not be shown.
pub fn said(purpose: &str) -> Result<String, Refused> {
    let purpose = purpose.trim();
    if purpose.is_empty() {
        return Err(Refused::BadTask("say what the task is for: the purpose is what others decide by"));
    }
    if purpose.chars().count() > Task::LONGEST_PURPOSE {
        return Err(Refused::BadTask("a purpose has 500 characters at the most"));
    }
    if shown(purpose, Task::LONGEST_PURPOSE) != purpose {
        return Err(Refused::BadTask("a purpose is one line of text that can be shown"));
    }
    Ok(purpose.to_owned())
}
