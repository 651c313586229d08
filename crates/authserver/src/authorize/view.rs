//! What the consent and waiting pages show, in plain words.

use askama::Template;
use model::{Assurance, Elevation, Scope, Span, StepUp, Task, Tier, server::Kind, shown};
use oauth::Form;
use url::Url;
use web::{CSRF_FIELD, CallCard};

use super::{
    for_task::{self, ForTask},
    plan::Plan,
    request::AuthorizeRequest,
};
use crate::context::Context;

/// The consent page.
#[derive(Template)]
#[template(path = "consent.html")]
pub(super) struct ConsentPage {
    pub(super) csrf_field: &'static str,
    pub(super) csrf: String,
    pub(super) ticket: String,
    pub(super) client_name: String,
    pub(super) client_host: String,
    pub(super) assurance: Assurance,
    pub(super) assurance_words: &'static str,
    pub(super) redirect_host: String,
    pub(super) loopback: bool,
    pub(super) loopback_redirect: bool,
    pub(super) server: String,
    pub(super) resource: String,
    pub(super) person: String,
    pub(super) first_time: bool,
    pub(super) asked: Vec<Line>,
    pub(super) held: Vec<Line>,
    pub(super) reason_needed: bool,
    /// Nobody has said yet what the agent is for.
    pub(super) purpose_needed: bool,
    /// The piece of work that it belongs to.
    pub(super) task: Option<TaskLine>,
    /// Can the person make a piece of work of it?
    pub(super) offers_task: bool,
    pub(super) task_choices: &'static [(&'static str, &'static str, Span)],
    pub(super) filled: Filled,
}

/// What the person filled in before, and what was wrong with it.
#[derive(Default)]
pub(super) struct Filled {
    pub(super) complaint: Option<String>,
    pub(super) purpose: String,
    pub(super) reason: String,
    pub(super) task_purpose: String,
}

impl Filled {
    /// The form as it came, which comes back with `complaint`.
    pub(super) fn of(form: &Form, complaint: &str) -> Self {
        let said = |field| shown(form.value(field).unwrap_or_default(), Task::LONGEST_PURPOSE);
        Self {
            complaint: Some(complaint.to_owned()),
            purpose: said("purpose"),
            reason: said("reason"),
            task_purpose: said(for_task::PURPOSE),
        }
    }
}

/// A task as the page shows it.
pub(super) struct TaskLine {
    /// Its purpose: the words of whoever asked for it.
    pub(super) purpose: String,
    /// When it ends.
    pub(super) ends: String,
    /// Is it opened with this consent?
    pub(super) is_new: bool,
    /// May the person say that what is asked for is for something else?
    pub(super) is_guess: bool,
}

impl TaskLine {
    fn of(cx: &Context, for_task: &ForTask) -> Option<Self> {
        match for_task {
            ForTask::None | ForTask::Elsewhere(_) => None,
            ForTask::Opens(new) => {
                let mut ends = vec![long(new.lasts)];
                ends.extend((new.idle.seconds() > 0).then(|| format!("{} without a call", long(new.idle))));
                ends.extend(new.uses.map(calls));
                let ends = format!("It ends after {}, and everything that was given for it.", ends.join(", or "));
                Some(Self { purpose: new.purpose.clone(), ends, is_new: true, is_guess: false })
            }
            ForTask::Is { task, is_guess, .. } => {
                let minutes = cx.store.now().seconds_until(task.deadline).div_ceil(60);
                let ends = format!("It ends within {} at the latest.", counted(minutes, "minute"));
                Some(Self { purpose: task.purpose.clone(), ends, is_new: false, is_guess: *is_guess })
            }
        }
    }
}

/// One scope.
pub(super) struct Line {
    pub(super) tier: Tier,
    pub(super) scope: String,
    pub(super) effect: String,
    /// What a tier opens, by the operator's rules: the first few, and those that unfold.
    pub(super) first: Vec<String>,
    pub(super) more: Vec<String>,
    pub(super) detail: String,
    /// Can the person leave it out and allow the rest?
    pub(super) may_be_left_out: bool,
    /// The one call that it is about.
    pub(super) call: Option<CallCard>,
}

impl ConsentPage {
    pub(super) fn of(cx: &Context, wanted: &AuthorizeRequest, plan: &Plan) -> Self {
        let client = &wanted.client.client;
        let server = cx.server_title(&wanted.server);
        let low = Scope::Low(wanted.server.clone());
        let baseline = line(cx, &low, &server, "Until you or an administrator end it.".to_owned());
        let (mut asked, mut held) = (Vec::new(), Vec::new());
        if plan.grant.is_some() {
            held.push(baseline)
        } else {
            asked.push(baseline)
        }
        asked.extend(plan.free.iter().map(|scope| line(cx, scope, &server, "Policy asks nobody for this.".to_owned())));
        asked.extend(plan.by_consent.iter().map(|scope| line(cx, scope, &server, lasting(cx, StepUp::Consent))));
        asked.extend(plan.by_approval.iter().map(|one| {
            let detail = match one.call {
                Some(_) => format!(
                    "Another person has to approve this one call. Then it can be made once, within {}.",
                    long(cx.config.elevation.approval_lasts)
                ),
                None => lasting(cx, StepUp::Approval),
            };
            let call = one.call.as_ref().map(|(_, card)| CallCard::of(one.scope.to_string(), card.clone()));
            Line { call, ..line(cx, &one.scope, &server, detail) }
        }));
        held.extend(plan.held.iter().map(|elevation| line(cx, &elevation.scope, &server, left(cx, elevation))));
        Self {
            csrf_field: CSRF_FIELD,
            csrf: String::new(),
            ticket: String::new(),
            client_name: client.name.clone(),
            client_host: client_host(client.id.as_str()),
            assurance: client.assurance,
            assurance_words: assurance_words(client.assurance),
            redirect_host: oauth::redirect::host(&wanted.back.redirect_uri).unwrap_or_default(),
            loopback_redirect: model::loopback::is_loopback_url(&wanted.back.redirect_uri),
            loopback: model::loopback::is_loopback_url(&wanted.back.redirect_uri)
                && client.assurance != Assurance::Proven,
            server,
            resource: wanted.resource.clone(),
            person: String::new(),
            first_time: plan.grant.is_none(),
            asked,
            held,
            reason_needed: !plan.by_approval.is_empty(),
            purpose_needed: plan.is_newcomer,
            task: TaskLine::of(cx, &plan.for_task),
            offers_task: plan.offers_task(),
            task_choices: for_task::CHOICES,
            filled: Filled::default(),
        }
    }
}

fn line(cx: &Context, scope: &Scope, server: &str, detail: String) -> Line {
    let mut first = match scope {
        Scope::Low(_) | Scope::Medium(_) => opened(cx, scope),
        Scope::Tool(..) => Vec::new(),
    };
    let more = first.split_off(first.len().min(AT_A_GLANCE));
    let effect = match scope {
        Scope::Low(_) => format!("Read from {server} and make harmless changes"),
        Scope::Medium(_) => format!("Make changes in {server} that can be undone"),
        Scope::Tool(id, tool) => {
            let harm = "which can do harm that can not be undone";
            let rule = |name| cx.config.servers.get(id)?.resources.named().find(|(known, _)| *known == name);
            match tool.kind() {
                Kind::Resource(name) => {
                    let uri = rule(name).map_or_else(String::new, |(_, rule)| format!(" ({})", rule.uri));
                    format!("Read {tool} of {server}{uri}, {harm}")
                }
                _ => format!("Use {tool} of {server}, {harm}"),
            }
        }
    };
    Line {
        tier: scope.tier(),
        scope: scope.to_string(),
        effect,
        first,
        more,
        detail,
        call: None,
        may_be_left_out: scope.tier() != Tier::Low,
    }
}

/// Everything that the rules put into the tier of a scope.
fn opened(cx: &Context, scope: &Scope) -> Vec<String> {
    let Some(server) = cx.config.servers.get(scope.server()) else { return Vec::new() };
    let tools = server.tools.iter().map(|(pattern, tier)| (pattern.as_str().to_owned(), *tier));
    let prompts = server.prompts.iter().map(|(pattern, tier)| (format!("prompt {}", pattern.as_str()), *tier));
    let resources = server.resources.named().map(|(_, rule)| (rule.uri.clone(), rule.tier));
    let all = tools.chain(prompts).chain(resources);
    all.filter(|(_, tier)| *tier == scope.tier()).map(|(name, _)| name).collect()
}

/// So many are seen without unfolding.
const AT_A_GLANCE: usize = 8;

fn lasting(cx: &Context, by: StepUp) -> String {
    let elevation = &cx.config.elevation;
    match by {
        StepUp::Consent => {
            format!("Ends after {} or {}.", long(elevation.consent_lasts), calls(elevation.consent_uses))
        }
        StepUp::Approval => format!(
            "Another person has to approve first. Then it ends after {} or {}.",
            long(elevation.approval_lasts),
            calls(elevation.approval_uses)
        ),
    }
}

fn left(cx: &Context, elevation: &Elevation) -> String {
    let now = cx.store.now();
    let seconds = elevation.not_after().map_or(0, |end| now.seconds_until(end));
    format!(
        "{} and {} left.",
        counted(seconds.div_ceil(60), "minute"),
        calls(elevation.max_uses.saturating_sub(elevation.uses()))
    )
}

fn calls(count: u32) -> String {
    counted(count.into(), "call")
}

/// `15 minutes`, in the biggest unit that divides it.
fn long(span: Span) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let seconds = span.seconds();
    let (size, unit) = units.into_iter().find(|(size, _)| seconds.is_multiple_of(*size)).unwrap_or((1, "second"));
    counted(seconds / size, unit)
}

fn counted(count: u64, unit: &str) -> String {
    if count == 1 { format!("one {unit}") } else { format!("{count} {unit}s") }
}

/// What an assurance means to a person who decides.
fn assurance_words(assurance: Assurance) -> &'static str {
    match assurance {
        Assurance::Declared => "It says so itself; nobody has checked.",
        Assurance::Published => "Described at this address, and codes go to its own site.",
        Assurance::Proven => "It proves itself with a key or a secret.",
    }
}

/// The host of a metadata URL, punycode for anything outside ASCII; the id itself when it is a registered one.
fn client_host(id: &str) -> String {
    let host = Url::parse(id).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| id.to_owned())
}

/// The page that waits for another person.
#[derive(Template)]
#[template(path = "waiting.html")]
pub(super) struct WaitingPage {
    pub(super) csrf_field: &'static str,
    pub(super) csrf: String,
    pub(super) flow: String,
    pub(super) client_name: String,
    pub(super) requests: Vec<Waiting>,
}

/// One request on it.
pub(super) struct Waiting {
    pub(super) id: String,
    pub(super) tier: Tier,
    pub(super) scope: String,
    pub(super) reason: String,
    pub(super) state: String,
    pub(super) number: Option<String>,
}
