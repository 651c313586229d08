//! What agents were refused a short while ago because they hold too little, as the newest records say.
//!
//! Many clients give up at that point without sending their person to the consent page. The person finds it here.
//!
//! Spec: MCP basic/authorization (scope challenge).

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use model::{Elevation, Grant, Id, Scope, Span, StepUp, Task, Tier, Timestamp, ToolName};
use store::{Store, StoreError};

use crate::{
    audit_query::{self, Record},
    inventory::GrantEntry,
};

/// A scope that calls of one grant lacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// Under which grant.
    pub grant: Id<Grant>,
    /// In which task; what is given for it counts there alone.
    pub task: Option<Id<Task>>,
    /// What is lacking.
    pub scope: Scope,
    /// Who has to say yes, as policy said at the newest of the calls.
    pub by: StepUp,
    /// The ids of the policies that said so, at the newest of the calls.
    pub policies: Vec<String>,
    /// The tools that were called, newest first.
    pub tools: Vec<ToolName>,
    /// How many calls were refused.
    pub times: u64,
    /// When the newest of them was.
    pub last: Timestamp,
}

/// Under which grant, in which task, and what.
type Lacked = (Id<Grant>, Option<Id<Task>>, Scope);

/// What calls under `grants` lacked within the last hour and still lack, newest first. What is in force by now or
/// waits for a decision is left out.
pub async fn lacking(store: &Store, grants: &[GrantEntry], pending: &[Elevation]) -> Result<Vec<Lacking>, StoreError> {
    let since = store.now().before(JUST_NOW);
    let agents: BTreeSet<_> = grants.iter().map(|entry| entry.agent.id.clone()).collect();
    let agents: Vec<_> = agents.into_iter().collect();
    let records = audit_query::step_ups(store, &agents, since, MOST, |record| {
        record.text("grant").is_some_and(|id| grants.iter().any(|entry| entry.grant.id.as_str() == id))
    });
    let mut found: BTreeMap<Lacked, Lacking> = BTreeMap::new();
    for record in records.await? {
        let Some(one) = read(&record) else { continue };
        let entry = found.entry((one.grant.clone(), one.task.clone(), one.scope.clone()));
        entry.and_modify(|known| known.join(&one)).or_insert(one);
    }
    let mut lacking: Vec<Lacking> = found.into_values().filter(|one| one.still(grants, pending)).collect();
    lacking.sort_by_key(|one| std::cmp::Reverse(one.last));
    Ok(lacking)
}

/// `None` for a record of another shape, and for the baseline: an agent gets that by authorizing.
fn read(record: &Record) -> Option<Lacking> {
    let tool = ToolName::from_str(record.text("tool")?).ok()?;
    let tier: Tier = record.text("tier")?.parse().ok()?;
    let scope = Scope::needed(&record.text("server")?.parse().ok()?, &tool, tier);
    let grant = record.text("grant")?.parse().ok()?;
    let by = record.text("by")?.parse().ok()?;
    let task = record.text("task").and_then(|task| task.parse().ok());
    let policies = record.fields.get("policies").and_then(serde_json::Value::as_array).into_iter().flatten();
    let policies = policies.filter_map(|policy| policy.as_str().map(str::to_owned)).collect();
    let times = record.fields.get("count").and_then(serde_json::Value::as_u64).unwrap_or(1);
    (tier != Tier::Low).then(|| Lacking { grant, task, scope, by, policies, tools: vec![tool], times, last: record.at })
}

impl Lacking {
    fn join(&mut self, older: &Self) {
        self.times += older.times;
        self.tools.extend(older.tools.iter().filter(|tool| !self.tools.contains(tool)).cloned().collect::<Vec<_>>());
    }

    fn still(&self, grants: &[GrantEntry], pending: &[Elevation]) -> bool {
        let of_this = |elevation: &&Elevation| elevation.ends_with.task == self.task;
        let live = grants.iter().filter(|entry| entry.grant.id == self.grant).flat_map(|entry| &entry.elevations);
        let waits = pending.iter().filter(|elevation| elevation.grant == self.grant);
        // Of a call that was approved the next one knows nothing.
        let mut open = live.chain(waits).filter(of_this);
        !open.any(|elevation| elevation.call.is_none() && elevation.scope.implies(&self.scope))
    }
}

const JUST_NOW: Span = Span::from_minutes(60);
/// So many refusals are looked at.
const MOST: usize = 500;
