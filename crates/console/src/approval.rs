//! `/console/approvals/{id}`: one request, everything needed to decide it, and the decision.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use login::FRESH_LOGIN;
use model::shown;
use model::{
    ClientId, Elevation, ElevationState, Id, Latitude, Person, Role, Scope, Span, Timestamp, config::Config,
    server::Kind,
};
use policy::Policies;
use privilege::{
    Decider, DutyError, Refused,
    approvers::{Way, way},
    asked_call,
    duty::{StandIn, stand_ins},
    latitude::{self, LatitudeWish},
    separation_of_duty::{consenter, may_deny},
};
use store::{ElevationEntry, Store};
use web::{CallCard, LocalPath, Page, Place, login_again, see_other};

use crate::{
    access::{Anyone, As, Posted},
    context::{Answer, Console, Shared},
    failure::{forbidden, not_found, refused, sentence, store_failed},
    relative_time::{When, long, when},
    task_line::TaskLine,
};
use governance::orders::{self, Yes};

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/console/approvals/{id}", get(show).post(decide))
        .route("/console/elevations/{id}/end", post(end))
}

/// A request as the pages show it to one person.
pub struct Request {
    /// Its id.
    pub id: String,
    /// What it adds.
    pub scope: String,
    /// The tier of the scope.
    pub tier: &'static str,
    /// What the scope opens, in words.
    pub opens: String,
    /// The agent's name.
    pub agent: String,
    /// What the agent calls itself.
    pub agent_title: String,
    /// Why the agent exists.
    pub purpose: String,
    /// How well its client is known.
    pub assurance: &'static str,
    /// Whose agent it is.
    pub owner: String,
    /// For whom it acts.
    pub person: Option<String>,
    /// What the server is called.
    pub server: String,
    /// Its name in the configuration.
    pub server_id: String,
    /// The operator's rule that put the tool into its tier.
    pub rule: Option<String>,
    /// The groups that the tool is in.
    pub groups: Vec<String>,
    /// The client it presents.
    pub client: String,
    /// The host that client is published on.
    pub client_host: Option<String>,
    /// Why it asks.
    pub reason: String,
    /// `requested`, `active`, `ended`, `denied`, or `lapsed`.
    pub state: &'static str,
    /// When it asked.
    pub asked: When,
    /// When the request lapses.
    pub lapses: When,
    /// How long it would last.
    pub lasts: String,
    /// Times to choose from, in seconds and in words, longest first; empty when there is no shorter one.
    pub choices: Vec<(u64, String)>,
    /// Calls it would be good for.
    pub max_uses: u32,
    /// Calls made.
    pub uses: u32,
    /// Whoever approves has to type the number that whoever asked sees.
    pub asks_number: bool,
    /// That number, for the one who asked alone.
    pub number: Option<String>,
    /// How many people have approved, of how many, and who: when one is not enough.
    pub approvals: Option<String>,
    /// Who decided, when.
    pub decided: Option<(String, When)>,
    /// Its end, once in force.
    pub ends: Option<When>,
    /// May this person say yes?
    pub may_approve: bool,
    /// In whose name this person would decide, when it was handed to them.
    pub in_name_of: Option<String>,
    /// May this person say no?
    pub may_deny: bool,
    /// Why not yes.
    pub why_not: String,
    /// Is it for one exact call?
    pub is_exact: bool,
    /// Policy leaves it to other approvers.
    pub is_for_others: bool,
}

impl Request {
    /// From an entry, for `person` at `now`.
    pub fn of(
        (config, policies): (&Config, &Policies),
        entry: &ElevationEntry,
        (person, stand_ins): (&Person, &[StandIn]),
        now: Timestamp,
    ) -> Self {
        let ElevationEntry { elevation, grant, agent, .. } = entry;
        let waits = elevation.is_pending(now);
        let has_approved = elevation.quorum.has(&person.id);
        let way = way(policies, person, stand_ins, (elevation, grant, agent));
        let in_name_of = match &way {
            Ok(Way::InNameOf(stands_in)) => Some(stands_in.duty.from.to_string()),
            Ok(Way::Own) | Err(_) => None,
        };
        let duty = way.map(drop);
        let rules = config.servers.get(elevation.scope.server());
        let server = rules.and_then(|rules| rules.title.clone()).unwrap_or_else(|| grant.server.to_string());
        let groups = match (&elevation.scope, rules) {
            (Scope::Tool(_, tool), Some(rules)) => rules.groups.of(tool).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let (opens, rule) = match &elevation.scope {
            Scope::Tool(_, tool) => match tool.kind() {
                Kind::Tool(name) => {
                    let rule = rules.and_then(|rules| rules.tools.iter().find(|(pattern, _)| pattern.matches(name)));
                    let rule = rule.map(|(pattern, _)| pattern.as_str().to_owned());
                    (format!("the tool {tool} of {server}, and nothing else"), rule)
                }
                _ => (format!("the {tool} of {server}, and nothing else"), None),
            },
            Scope::Medium(_) => (format!("every medium-tier tool of {server}"), None),
            Scope::Low(_) => (format!("every low-tier tool of {server}"), None),
        };
        let state = match elevation.state() {
            ElevationState::Requested if !waits => "lapsed",
            ElevationState::Active if !elevation.is_live(now) => "ended",
            state => state.as_str(),
        };
        Self {
            id: elevation.id.to_string(),
            scope: elevation.scope.to_string(),
            tier: elevation.scope.tier().as_str(),
            opens,
            agent: agent.id.to_string(),
            agent_title: shown(&agent.title, 64),
            purpose: shown(&agent.purpose, 300),
            assurance: agent.assurance.as_str(),
            owner: named(entry.owner.as_ref(), &agent.owner),
            person: grant.person.as_ref().map(|id| named(entry.person.as_ref(), id)),
            server,
            server_id: grant.server.to_string(),
            rule,
            groups,
            client: agent.client.to_string(),
            client_host: client_host(&agent.client),
            reason: shown(&elevation.reason, 500),
            state,
            asked: when(now, elevation.requested_at),
            lapses: when(now, elevation.decide_before),
            lasts: long(elevation.lasts),
            choices: choices(elevation.quorum.lasts(elevation.lasts)),
            max_uses: elevation.max_uses,
            uses: elevation.uses(),
            asks_number: elevation.quorum.wrong_numbers.is_some(),
            number: None,
            approvals: elevation.quorum.progress(),
            decided: elevation.decided().map(|decided| (decided.by.clone(), when(now, decided.at))),
            ends: elevation.not_after().map(|end| when(now, end)),
            may_approve: waits && duty.is_ok() && !has_approved,
            may_deny: waits && (in_name_of.is_some() || may_deny(person, elevation, grant, agent).is_ok()),
            in_name_of,
            is_exact: elevation.call.is_some(),
            is_for_others: matches!(duty, Err(DutyError::ByPolicy { .. })),
            why_not: match duty {
                Err(error) => why_not(&error),
                Ok(()) if has_approved => "You have approved it. Others have to as well.".to_owned(),
                Ok(()) => String::new(),
            },
        }
    }
}

impl Request {
    /// With the number, when this is the one who asked, and a decision is waited for.
    pub(crate) fn with_number(mut self, store: &Store, entry: &ElevationEntry, person: &Person) -> Self {
        let asked = *consenter(&entry.grant, &entry.agent) == person.id;
        if asked && self.state == "requested" {
            self.number = store.matching_number(&entry.elevation).map(|number| number.to_string());
        }
        self
    }
}

/// A person as others know them, with the name they log in with.
fn named(person: Option<&Person>, id: &Id<Person>) -> String {
    match person.map(|person| shown(&person.display_name, 64)) {
        Some(name) if !name.is_empty() && name != id.as_str() => format!("{name} ({id})"),
        _ => id.to_string(),
    }
}

/// The host of a client that is known by the address of its document. Nobody else can publish there.
fn client_host(client: &ClientId) -> Option<String> {
    let rest = client.as_str().strip_prefix("https://")?;
    rest.split('/').next().map(str::to_owned)
}

/// What was asked for, and up to three shorter times.
fn choices(lasts: Span) -> Vec<(u64, String)> {
    let steps = [3_600, 1_800, 600, 300, 120, 60].map(Span::from_seconds);
    let shorter = steps.into_iter().filter(|step| *step < lasts).take(3).map(|step| (step.seconds(), long(step)));
    let asked = (lasts.seconds(), format!("{}, as asked", long(lasts)));
    std::iter::once(asked).chain(shorter).collect()
}

#[derive(Template)]
#[template(path = "approval.html")]
struct Approval {
    csrf: String,
    may_end: bool,
    request: Request,
    /// The one call that it is for.
    call: Option<CallCard>,
    /// What of it may differ, if whoever approves lets it: the arguments, and whether each could be less.
    may_differ: Vec<(String, bool)>,
    /// What may, as it was approved.
    differs: Option<String>,
    /// The piece of work that it is for.
    task: Option<TaskLine>,
}

/// `GET /console/approvals/{id}`
pub async fn show(State(console): State<Shared>, visitor: As<Anyone>, Path(id): Path<String>) -> Answer {
    let who = &visitor.who;
    let now = console.store.now();
    let entry = console.found(&id).await?;
    let person = &who.person;
    let oversees = person.holds(Role::Approver) || person.holds(Role::Auditor);
    let stand_ins = stand_ins(&console.store, &person.id).await.map_err(store_failed)?;
    let stands_in = stand_ins.iter().any(|one| one.duty.covers(&entry.grant));
    if !oversees && !answers_for(person, &entry) && !stands_in {
        return Err(forbidden("This request is about somebody else’s agent.", "An approver has to decide it."));
    }
    let request = Request::of((&console.config, &console.policies), &entry, (person, &stand_ins), now);
    let request = request.with_number(&console.store, &entry, person);
    // Better before reading than after deciding.
    let fresh = who.fresh(now, FRESH_LOGIN).is_ok();
    if request.may_approve && !fresh {
        return Ok(login_again(&page_of(&entry.elevation.id)));
    }
    let may_end = entry.elevation.is_live(now) && may_end(person, &entry);
    let title = format!("{} for {}", request.scope, request.agent);
    let card = asked_call::card_of(&console.store, &entry.agent.id, &entry.elevation).await.map_err(store_failed)?;
    let call = card.map(|card| CallCard::of(request.scope.clone(), card));
    let task = match &entry.elevation.ends_with.task {
        Some(task) => console.store.task(task).await.map_err(store_failed)?,
        None => None,
    };
    let task = task.map(|task| TaskLine::of(&task, now));
    let mut may_differ = Vec::new();
    if request.may_approve {
        may_differ = latitude::choices(&console.store, &entry.elevation).await.map_err(store_failed)?;
        may_differ.truncate(MOST_ARGUMENTS);
    }
    let differs = entry.elevation.call.as_ref().and_then(|call| call.latitude.as_ref()).map(in_words);
    let content = Approval { csrf: who.csrf.text(), may_end, request, call, may_differ, differs, task };
    Ok(Page::new(&title, &content).of(who).at(Place::Overview).into_response())
}

/// `POST /console/approvals/{id}` with `decision=approve|deny` and, when shortened, `lasts` in seconds.
///
/// Open to everybody who is signed in, because duty is decided where the decision is made.
pub async fn decide(State(console): State<Shared>, Path(id): Path<String>, posted: Posted<Anyone>) -> Answer {
    let store = &console.store;
    let id: Id<Elevation> = id.parse().map_err(|_| not_found("request", &id))?;
    if posted.who.fresh(store.now(), FRESH_LOGIN).is_err() {
        return Ok(login_again(&page_of(&id)));
    }
    let decider = Decider::signed_in(posted.who.person.id.clone(), console.policies.clone());
    let (outcome, meant) = match posted.form.value("decision") {
        Some("approve") => {
            let lasts = posted.form.value("lasts").map(seconds).transpose()?;
            let number = posted.form.value("number").map(str::trim).filter(|number| !number.is_empty());
            let number = number.map(|number| number.parse::<u32>().map_err(|_| unclear())).transpose()?;
            let yes = Yes { lasts, number, latitude: latitude(&posted.form)? };
            (orders::approve_with(store, &id, &decider, yes).await.map(drop), ElevationState::Active)
        }
        Some("deny") => (orders::deny(store, &id, &decider).await, ElevationState::Denied),
        _ => return Err(unclear()),
    };
    match outcome {
        // A second click of the same person on the same button: the page shows what the first one did.
        Err(Refused::AlreadyDecided { state, by: Some(by) })
            if was_meant(state, meant) && by == posted.who.person.id.as_str() => {}
        outcome => outcome.map_err(refused)?,
    }
    Ok(see_other(page_of(&id).as_str()))
}

/// What of the call may differ, as the form says: `differ.0=any:NAME`, `differ.1=at_most:NAME`, and for how many calls.
fn latitude(form: &oauth::Form) -> Result<Option<LatitudeWish>, Response> {
    let mut wish = LatitudeWish { uses: 1, ..LatitudeWish::default() };
    for number in 0..MOST_ARGUMENTS {
        let Some(said) = form.value(&format!("differ.{number}")) else { continue };
        match said.split_once(':') {
            Some(("any", name)) => drop(wish.any.insert(name.to_owned())),
            Some(("at_most", name)) => drop(wish.at_most.insert(name.to_owned())),
            _ => return Err(unclear()),
        }
    }
    if wish.any.is_empty() && wish.at_most.is_empty() {
        return Ok(None);
    }
    if let Some(uses) = form.value("uses") {
        wish.uses = uses.trim().parse().map_err(|_| unclear())?;
    }
    Ok(Some(wish))
}

/// Arguments that a page offers to let vary.
const MOST_ARGUMENTS: usize = 24;

/// `POST /console/elevations/{id}/end`
pub async fn end(State(console): State<Shared>, Path(id): Path<String>, posted: Posted<Anyone>) -> Answer {
    let ended = console.end_for(&id, &posted.who.person).await?;
    Ok(see_other(page_of(&ended).as_str()))
}

/// What was approved may be used up by the time of the second click.
fn was_meant(state: ElevationState, meant: ElevationState) -> bool {
    state == meant || (meant == ElevationState::Active && state == ElevationState::Ended)
}

fn may_end(person: &Person, entry: &ElevationEntry) -> bool {
    person.holds(Role::Approver) || answers_for(person, entry)
}

/// Is it their agent, or does it act for them?
fn answers_for(person: &Person, entry: &ElevationEntry) -> bool {
    entry.agent.owner == person.id || *consenter(&entry.grant, &entry.agent) == person.id
}

fn page_of(id: &Id<Elevation>) -> LocalPath {
    LocalPath::parse(&format!("/console/approvals/{id}")).unwrap_or(LocalPath::ROOT)
}

fn seconds(text: &str) -> Result<Span, Response> {
    text.parse().map(Span::from_seconds).map_err(|_| unclear())
}

fn unclear() -> Response {
    web::problem(
        http::StatusCode::BAD_REQUEST,
        "That form was not filled in as ours are",
        "It says neither approve nor deny, or its time is not a number of seconds.",
        "Open the request again and decide there.",
        None,
    )
}

impl Console {
    /// Ends the elevation of that id for `person`, if it is theirs to end.
    pub(crate) async fn end_for(&self, id: &str, person: &Person) -> Result<Id<Elevation>, Response> {
        let entry = self.found(id).await?;
        if !may_end(person, &entry) {
            return Err(forbidden(
                "Only an approver or the people who answer for the agent end an elevation.",
                "Ask one of them.",
            ));
        }
        let actor = model::Actor::Person(person.id.clone());
        match orders::end(&self.store, &entry.elevation.id, actor).await {
            // What was to be is so.
            Ok(()) | Err(Refused::AlreadyOver(_)) => Ok(entry.elevation.id),
            Err(error) => Err(refused(error)),
        }
    }

    async fn found(&self, id: &str) -> Result<ElevationEntry, Response> {
        let unknown = || not_found("request", id);
        let parsed = id.parse().map_err(|_| unknown())?;
        self.store.elevation_entry(&parsed).await.map_err(store_failed)?.ok_or_else(unknown)
    }
}

/// What of an approved call may differ.
fn in_words(latitude: &Latitude) -> String {
    let any = latitude.any.iter().map(|name| format!("{} may be anything", shown(name, 64)));
    let at_most = latitude.at_most.iter().map(|(name, most)| format!("{} at most {most}", shown(name, 64)));
    any.chain(at_most).collect::<Vec<_>>().join("; ")
}

/// Why this person can not decide, and who can.
fn why_not(error: &DutyError) -> String {
    let to_do = error.to_do().map_or_else(String::new, |to_do| format!(" {}", sentence(to_do)));
    format!("{}{to_do}", sentence(&error.happened()))
}
