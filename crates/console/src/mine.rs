//! The agents of one person as `/me` shows them: what each holds, where it is logged in, what it was refused.

use std::collections::HashMap;

use model::{
    Agent, AskedCall, Elevation, Grant, Id, Installation, Person, Scope, StepUp, Task, Timestamp, config::Config, shown,
};
use policy::Policies;
use privilege::{
    approvers::keep_approved,
    asked_call,
    duty::{StandIn, stand_ins},
};
use store::{ElevationEntry, Page, Store};
use web::CallCard;

use crate::{
    agents::AgentLine,
    approval::Request,
    failure::store_failed,
    overview::Live,
    paging::ON_A_PAGE,
    relative_time::{When, long, when},
    task_line::TaskLine,
    why,
};
use governance::{
    inventory::{self, GrantEntry},
    lacking::{Lacking, lacking},
};

/// Everything on the page.
pub struct Mine {
    /// What calls lacked just now.
    pub lacking: Vec<Lack>,
    /// What waits for a decision.
    pub waiting: Vec<Request>,
    /// What waits for this person's own decision, in the name of somebody who handed theirs over.
    pub in_names: Vec<Request>,
    /// Pieces of work that are under way.
    pub tasks: Vec<TaskLine>,
    /// The agents.
    pub agents: Vec<Held>,
}

/// One agent.
pub struct Held {
    /// Who it is.
    pub agent: AgentLine,
    /// What it holds.
    pub grants: Vec<Holding>,
    /// Where it is logged in.
    pub logins: Vec<Login>,
}

/// One grant.
pub struct Holding {
    /// Its id.
    pub id: String,
    /// What the server is called.
    pub server: String,
    /// The baseline.
    pub scopes: String,
    /// Since when.
    pub since: When,
    /// Until when.
    pub until: When,
    /// What is in force above the baseline.
    pub live: Vec<Live>,
    /// What the person can open by hand.
    pub more: Option<Lack>,
}

/// One installation: a login of one copy of the client.
pub struct Login {
    /// Its id.
    pub id: String,
    /// The server it is for.
    pub server: String,
    /// Since when.
    pub since: When,
    /// When it last renewed its token.
    pub renewed: Option<When>,
    /// Its end, if nobody uses it.
    pub until: When,
}

/// A scope that can be opened, or asked for.
pub struct Lack {
    /// Under which grant.
    pub grant: String,
    /// Whose.
    pub agent: String,
    /// The scope.
    pub scope: String,
    /// Its tier.
    pub tier: &'static str,
    /// What the server is called.
    pub server: String,
    /// The task in which it was called, and what that is for.
    pub task: Option<(String, String)>,
    /// What the scope opens, in words.
    pub opens: String,
    /// The tools that were called, each with where it is said why it was refused.
    pub tools: Vec<(String, String)>,
    /// The policies that said so.
    pub policies: Vec<String>,
    /// Refused calls.
    pub times: u64,
    /// When the newest was.
    pub last: Option<When>,
    /// Does another person have to say yes?
    pub by_approval: bool,
    /// How long it would last.
    pub lasts: String,
    /// Calls it would be good for.
    pub uses: u32,
    /// The one call that can be asked for.
    pub asked: Option<String>,
    /// What it would do.
    pub call: Option<CallCard>,
    /// Can it be asked for? An approval of one call takes a call.
    pub may_ask: bool,
}

/// What `person` answers for: a page of the agents that act for them or are theirs, where the next begins, and the oldest of
/// what waits.
pub async fn of(
    store: &Store,
    (config, policies): (&Config, &Policies),
    person: &Person,
    after: Option<&Id<Agent>>,
) -> Result<(Mine, Option<Id<Agent>>), axum::response::Response> {
    let (now, me) = (store.now(), &person.id);
    let Page { items: agents, next } =
        inventory::agents_of(store, me, after, MOST_AGENTS).await.map_err(store_failed)?;
    let mut grants = Vec::new();
    for entry in &agents {
        let mut held = inventory::grants_of(store, &entry.agent.id).await.map_err(store_failed)?;
        for GrantEntry { grant, agent, elevations } in &mut held {
            keep_approved(store, policies, (agent, grant), elevations).await.map_err(store_failed)?;
        }
        let mine = |entry: &GrantEntry| entry.agent.owner == *me || entry.grant.person.as_ref() == Some(me);
        grants.extend(held.into_iter().filter(mine));
    }
    let pending = store.pending_entries_of(me, now, ON_A_PAGE).await.map_err(store_failed)?;
    let stand_ins = stand_ins(store, me).await.map_err(store_failed)?;
    let waiting: Vec<_> = pending.iter().map(|entry| entry.elevation.clone()).collect();
    let lacked = lacking(store, &grants, &waiting).await.map_err(store_failed)?;
    let logins = store.installations_of_person(me).await.map_err(store_failed)?;
    let mut by_grant: HashMap<Id<Grant>, Vec<Installation>> = HashMap::new();
    for login in logins.into_iter().filter(|login| login.ended_at.is_none() && login.not_after > now) {
        by_grant.entry(login.grant.clone()).or_default().push(login);
    }
    let agents = agents.iter().map(|entry| {
        let held: Vec<&GrantEntry> = grants.iter().filter(|grant| grant.agent.id == entry.agent.id).collect();
        let logins = held.iter().flat_map(|grant| {
            let of = by_grant.remove(&grant.grant.id).unwrap_or_default();
            of.into_iter().map(|login| Login::of(&login, title(config, &grant.grant), now)).collect::<Vec<_>>()
        });
        Held {
            agent: AgentLine::of(entry, now),
            logins: logins.collect(),
            grants: held.iter().map(|grant| Holding::of(config, grant, now)).collect(),
        }
    });
    let tasks = store.standing_tasks_of_person(me, ON_A_PAGE).await.map_err(store_failed)?;
    let mine = Mine {
        tasks: tasks.iter().map(|task| TaskLine::of(task, now)).filter(|task| task.is_standing).collect(),
        agents: agents.collect(),
        lacking: lacks(store, config, &lacked, (&grants, &waiting), now).await?,
        waiting: pending
            .iter()
            .map(|entry| {
                let request = Request::of((config, policies), entry, (person, &stand_ins), now);
                request.with_number(store, entry, person)
            })
            .collect(),
        in_names: in_names(store, (config, policies), (person, &stand_ins)).await?,
    };
    Ok((mine, next))
}

/// What that person may decide in the name of others: the oldest of what waits, as far as somebody can read.
async fn in_names(
    store: &Store,
    rules: (&Config, &Policies),
    (person, stand_ins): (&Person, &[StandIn]),
) -> Result<Vec<Request>, axum::response::Response> {
    let (now, mut found, mut after) = (store.now(), Vec::new(), None);
    if stand_ins.is_empty() {
        return Ok(found);
    }
    loop {
        let page = store.pending_entries(now, after.as_ref(), ON_A_PAGE).await.map_err(store_failed)?;
        let requests = page.items.iter().map(|entry| Request::of(rules, entry, (person, stand_ins), now));
        found.extend(requests.filter(|request| request.may_approve && request.in_name_of.is_some()));
        after = page.next;
        if after.is_none() || found.len() >= ON_A_PAGE as usize {
            return Ok(found);
        }
    }
}

impl Holding {
    fn of(config: &Config, entry: &GrantEntry, now: Timestamp) -> Self {
        let grant = &entry.grant;
        let live = |elevation: &Elevation| {
            let (grant, agent) = (grant.clone(), entry.agent.clone());
            let (person, owner) = (None, None);
            Live::of(&ElevationEntry { elevation: elevation.clone(), grant, agent, person, owner }, now)
        };
        Self {
            id: grant.id.to_string(),
            server: title(config, grant),
            scopes: grant.scopes.to_string(),
            since: when(now, grant.created_at),
            until: when(now, grant.not_after),
            live: entry.elevations.iter().map(live).collect(),
            more: more(config, entry),
        }
    }
}

/// The medium tier, when the server has one and it is not open.
fn more(config: &Config, entry: &GrantEntry) -> Option<Lack> {
    let scope = Scope::Medium(entry.grant.server.clone());
    let open = entry.elevations.iter().any(|elevation| elevation.scope == scope);
    let rules = config.servers.get(&entry.grant.server)?;
    let any = rules.examples(model::Tier::Medium).next().is_some();
    (any && !open).then(|| Lack::new(config, entry, &scope, StepUp::Consent))
}

impl Login {
    fn of(login: &Installation, server: String, now: Timestamp) -> Self {
        Self {
            id: login.id.to_string(),
            server,
            since: when(now, login.since),
            renewed: login.last_refresh.map(|at| when(now, at)),
            until: when(now, login.not_after),
        }
    }
}

impl Lack {
    fn of(config: &Config, lacking: &Lacking, grants: &[GrantEntry], now: Timestamp) -> Option<Self> {
        let entry = grants.iter().find(|entry| entry.grant.id == lacking.grant)?;
        let mut lack = Self::new(config, entry, &lacking.scope, lacking.by);
        let (agent, server) = (entry.agent.id.as_str(), lacking.scope.server());
        let tools = lacking.tools.iter().take(MOST_TOOLS);
        lack.tools = tools.map(|tool| (tool.to_string(), why::address(agent, &format!("{server}.{tool}")))).collect();
        lack.policies.clone_from(&lacking.policies);
        lack.times = lacking.times;
        lack.last = Some(when(now, lacking.last));
        Some(lack)
    }

    /// One exact call that can be asked for.
    pub(crate) async fn asked(
        store: &Store,
        config: &Config,
        entry: &GrantEntry,
        asked: AskedCall,
        now: Timestamp,
    ) -> Result<Self, axum::response::Response> {
        let mut lack = Self::new(config, entry, &asked.scope, StepUp::Approval);
        let card = asked_call::card(store, &asked).await.map_err(store_failed)?;
        lack.may_ask = card.is_some() && now < asked.not_after;
        lack.task = in_task(store, asked.task.as_ref(), now).await?;
        lack.call = card.map(|card| CallCard::of(lack.scope.clone(), card));
        lack.last = Some(when(now, asked.asked_at));
        lack.asked = Some(asked.id.to_string());
        Ok(lack)
    }

    fn new(config: &Config, entry: &GrantEntry, scope: &Scope, by: StepUp) -> Self {
        let elevation = &config.elevation;
        let (lasts, uses) = match by {
            StepUp::Consent => (elevation.consent_lasts, elevation.consent_uses),
            StepUp::Approval => (elevation.approval_lasts, elevation.approval_uses),
        };
        let server = title(config, &entry.grant);
        Self {
            grant: entry.grant.id.to_string(),
            agent: entry.agent.id.to_string(),
            scope: scope.to_string(),
            tier: scope.tier().as_str(),
            opens: opens(config, scope, &server),
            server,
            task: None,
            tools: Vec::new(),
            policies: Vec::new(),
            times: 0,
            last: None,
            by_approval: by == StepUp::Approval,
            lasts: long(lasts),
            uses,
            asked: None,
            call: None,
            may_ask: by == StepUp::Consent || !is_exact(config, scope),
        }
    }
}

/// What calls lacked: a scope, or in the high tier each exact call that can be asked for.
async fn lacks(
    store: &Store,
    config: &Config,
    lacked: &[Lacking],
    (grants, waiting): (&[GrantEntry], &[Elevation]),
    now: Timestamp,
) -> Result<Vec<Lack>, axum::response::Response> {
    let mut lacks = Vec::new();
    for one in lacked {
        let Some(mut lack) = Lack::of(config, one, grants, now) else { continue };
        lack.task = in_task(store, one.task.as_ref(), now).await?;
        // What it was for is over.
        if one.task.is_some() && lack.task.is_none() {
            continue;
        }
        let Some(entry) = grants.iter().find(|entry| entry.grant.id == one.grant) else { continue };
        if lack.may_ask {
            lacks.push(lack);
            continue;
        }
        let asked = store.asked_calls(&one.grant, now).await.map_err(store_failed)?;
        let is_asked_for = |asked: &AskedCall| {
            let all = waiting.iter().chain(&entry.elevations).filter_map(|elevation| elevation.call.as_ref());
            all.into_iter().any(|call| call.asked == asked.id)
        };
        let is_of = |asked: &AskedCall| asked.scope == one.scope && asked.task == one.task;
        let open: Vec<_> = asked.into_iter().filter(|asked| is_of(asked) && !is_asked_for(asked)).collect();
        for asked in &open {
            let known = Lack::asked(store, config, entry, asked.clone(), now).await?;
            lacks.push(Lack { tools: lack.tools.clone(), policies: lack.policies.clone(), times: lack.times, ..known });
        }
        // What was asked for since waits further down the page.
        let was_asked_for = waiting.iter().chain(&entry.elevations).any(|elevation| {
            let is_of = elevation.grant == one.grant && elevation.scope == one.scope && elevation.call.is_some();
            is_of && elevation.ends_with.task == one.task && elevation.requested_at >= one.last
        });
        if open.is_empty() && !was_asked_for {
            lacks.push(lack);
        }
    }
    Ok(lacks)
}

/// The task in which something was called, while it is open: its id and purpose.
async fn in_task(
    store: &Store,
    task: Option<&Id<Task>>,
    now: Timestamp,
) -> Result<Option<(String, String)>, axum::response::Response> {
    let Some(id) = task else { return Ok(None) };
    let task = store.task(id).await.map_err(store_failed)?.filter(|task| task.is_open(now));
    Ok(task.map(|task| (task.id.to_string(), shown(&task.purpose, Task::LONGEST_PURPOSE))))
}

fn is_exact(config: &Config, scope: &Scope) -> bool {
    config.servers.get(scope.server()).is_none_or(|rules| asked_call::is_exact(rules, scope))
}

fn opens(config: &Config, scope: &Scope, server: &str) -> String {
    let Scope::Medium(id) = scope else { return format!("{scope}, and nothing else") };
    let rules = config.servers.get(id).into_iter().flat_map(|rules| rules.tools.iter());
    let named: Vec<&str> =
        rules.filter(|(_, tier)| *tier == model::Tier::Medium).map(|(pattern, _)| pattern.as_str()).collect();
    match named.is_empty() {
        true => format!("the medium tier of {server}"),
        false => format!("the medium tier of {server}: {}", named.join(", ")),
    }
}

fn title(config: &Config, grant: &Grant) -> String {
    let titled = config.servers.get(&grant.server).and_then(|server| server.title.clone());
    titled.unwrap_or_else(|| grant.server.to_string())
}

/// Agents on a page; each is a card.
const MOST_AGENTS: u32 = 25;
const MOST_TOOLS: usize = 6;
