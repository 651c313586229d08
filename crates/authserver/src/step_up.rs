//! Stepping up by hand: a person opens what one of their agents was refused, or asks another person to.
//!
//! Many clients give up when a call needs more than they hold, instead of sending their person here. So the person's
//! own page lists what was refused, and its forms come here: the same rules, the same policy and the same elevation as
//! after a consent, without a client in between. Nothing is issued; a live elevation is what the gateway looks for.
//!
//! Spec: MCP 2026-07-28 basic/authorization (step-up); MCP security best practices (consent UI requirements).
//!
//! Next: `privilege::elevation::open`, which the consent page uses as well.

use std::sync::Arc;

use axum::response::Response;
use http::HeaderMap;
use login::{FRESH_LOGIN, signed_in};
use model::shown;
use model::{
    Actor, Agent, AskedCall, ExactCall, Grant, Id, Person, Scope, Standing, StepUp, Task, event::AuthorizationRefused,
};
use oauth::Form;
use privilege::{
    Refused, asked_call,
    authority::Need,
    elevation::open::{self, Asking, ElevationWish, Opened},
    task::lacked,
};
use store::{Commit, StoreError, Tx};
use web::{BadPage, LocalPath, login_again, login_first, see_other};

use crate::{
    context::Context,
    error::{AuthorizeError, PageError},
    liveness::{self, Dead},
    scopes::{self, Proving, ScopeRefusal},
};

/// What a form of `/me` asks for.
struct Wish {
    grant: Id<Grant>,
    scope: Scope,
    /// What the button said. Policy may have changed since, and nobody asks another person by a click on *Allow*.
    by: StepUp,
    /// The call that was refused, in the high tier.
    asked: Option<Id<AskedCall>>,
    /// The task in which a call lacked it.
    task: Option<Id<Task>>,
    reason: String,
}

enum Outcome {
    Done,
    NotTheirs,
    Refused(AuthorizeError),
}

/// `POST /me/step-up` with `grant`, `scope`, `by=consent|approval` and, for an approval, `reason`.
///
/// After a fresh login only: whoever finds the browser open does not widen what an agent may do.
pub(crate) async fn step_up(cx: &Arc<Context>, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    cx.store.freshness()?;
    let me = LocalPath::parse(ME).ok_or(BadPage::TooLong)?;
    let Some(person) = signed_in(&cx.store, cx.cookies, headers).await? else { return Ok(login_first(&me)) };
    person.csrf.check(headers, &cx.config.public_url, form)?;
    if person.fresh(cx.store.now(), FRESH_LOGIN).is_err() {
        return Ok(login_again(&me));
    }
    let wish = Wish::read(form)?;
    let (inner, me) = (cx.clone(), person.person.id);
    let outcome = cx
        .store
        .write::<_, StoreError, _>(move |tx| Box::pin(async move { carry_out(&inner, tx, &wish, &me).await }))
        .await?;
    match outcome {
        Outcome::Done => Ok(see_other(ME)),
        Outcome::NotTheirs => Err(PageError::NotTheirs),
        Outcome::Refused(error) => Err(PageError::StepUp(error)),
    }
}

impl Wish {
    fn read(form: &Form) -> Result<Self, PageError> {
        let by: StepUp = form.require("by")?.parse().map_err(|_| BadPage::Stale)?;
        let reason = shown(form.value("reason").unwrap_or_default(), 500);
        if by == StepUp::Approval && reason.is_empty() {
            return Err(PageError::NoReason);
        }
        Ok(Self {
            grant: form.require("grant")?.parse().map_err(|_| PageError::NotTheirs)?,
            scope: form.require("scope")?.parse().map_err(|_| BadPage::Stale)?,
            by,
            asked: form.value("asked").map(str::parse).transpose().map_err(|_| BadPage::Stale)?,
            task: form.value("task").map(str::parse).transpose().map_err(|_| BadPage::Stale)?,
            reason: if reason.is_empty() { BY_HAND.to_owned() } else { reason },
        })
    }
}

/// Everything it depends on is read in the transaction that opens it.
async fn carry_out(cx: &Context, tx: &mut Tx<'_>, wish: &Wish, me: &Id<Person>) -> Result<Commit<Outcome>, StoreError> {
    let Some(grant) = tx.grant(&wish.grant).await? else { return Ok(Commit::nothing(Outcome::NotTheirs)) };
    let Some(agent) = tx.agent(&grant.agent).await? else { return Ok(Commit::nothing(Outcome::NotTheirs)) };
    // The one person whose consent counts: whom the agent acts for, or the owner of one that acts for itself.
    if grant.person.as_ref().unwrap_or(&agent.owner) != me {
        return Ok(Commit::nothing(Outcome::NotTheirs));
    }
    let now = tx.now();
    let is_alive = liveness::is_alive(tx, &Standing::of(&agent, &grant), now).await?;
    let need = match assess(cx, tx, wish, &grant, &agent, is_alive) {
        Ok(need) => need,
        Err(error) => return Ok(refused(&agent, me, error)),
    };
    let (call, task) = match need {
        Need::Elevation(StepUp::Approval) if wish.by == StepUp::Approval => match exactly(cx, tx, wish).await? {
            Ok(exactly) => exactly,
            Err(error) => return Ok(refused(&agent, me, error)),
        },
        _ => match task_of(tx, wish, &grant).await? {
            Ok(task) => (None, task),
            Err(error) => return Ok(refused(&agent, me, error)),
        },
    };
    let wanted = |by| ElevationWish {
        agent: &agent,
        grant: &grant,
        scope: &wish.scope,
        call: call.as_ref(),
        by,
        reason: &wish.reason,
        task: task.as_ref(),
    };
    let opened = match (need, wish.by) {
        (Need::Standing, _) => return Ok(Commit::nothing(Outcome::Done)),
        (Need::Elevation(StepUp::Consent), _) => {
            open::consent(&cx.config.elevation, tx, wanted(StepUp::Consent), me).await?
        }
        (Need::Elevation(StepUp::Approval), StepUp::Approval) => {
            open::request(
                Asking::of(&cx.config, &cx.policies, &wish.scope),
                tx,
                wanted(StepUp::Approval),
                Actor::Person(me.clone()),
            )
            .await?
        }
        (Need::Elevation(StepUp::Approval), StepUp::Consent) => {
            return Ok(refused(&agent, me, AuthorizeError::NeedsApproval));
        }
    };
    Ok(match opened {
        Opened::Joined(_) => Commit::nothing(Outcome::Done),
        Opened::New(_, event) => Commit::with(event, Outcome::Done),
        Opened::Denied(elevation) => refused(&agent, me, AuthorizeError::ElevationDenied(elevation)),
        Opened::TooMany => refused(&agent, me, AuthorizeError::TooManyPending),
    })
}

/// The call that is asked for, where an approval covers one, and the task in which it was called.
async fn exactly(
    cx: &Context,
    tx: &mut Tx<'_>,
    wish: &Wish,
) -> Result<Result<(Option<ExactCall>, Option<Task>), AuthorizeError>, StoreError> {
    let is_exact =
        cx.config.servers.get(wish.scope.server()).is_none_or(|rules| asked_call::is_exact(rules, &wish.scope));
    if !is_exact {
        return Ok(Ok((None, None)));
    }
    let asked = match &wish.asked {
        Some(asked) => tx.asked_call(asked).await?,
        None => None,
    };
    // Of this grant and scope: the number of a call is no authority.
    let now = tx.now();
    let asked = asked.filter(|asked| asked.grant == wish.grant && asked.scope == wish.scope && asked.is_open(now));
    Ok(match asked {
        Some(asked) => match asked_call::task_of(tx, &asked).await? {
            Ok(task) => Ok((Some(ExactCall::from(&asked)), task)),
            Err(_) => Err(AuthorizeError::NotCalled(wish.scope.clone())),
        },
        None => Err(AuthorizeError::NotCalled(wish.scope.clone())),
    })
}

/// The task that it is to belong to, while calls may be made in it.
async fn task_of(
    tx: &mut Tx<'_>,
    wish: &Wish,
    grant: &Grant,
) -> Result<Result<Option<Task>, AuthorizeError>, StoreError> {
    let Some(id) = &wish.task else { return Ok(Ok(None)) };
    let now = tx.now();
    let task = tx.task(id).await?.filter(|task| task.agent == grant.agent && task.person == grant.person);
    Ok(match task {
        None => Err(AuthorizeError::Task(Refused::UnknownTask(id.clone()))),
        Some(task) if task.is_open(now) => {
            lacked::settled(tx, id).await?;
            Ok(Some(task))
        }
        Some(_) => Err(AuthorizeError::Task(Refused::TaskOver(id.clone()))),
    })
}

/// What the rules and policy say, as for a consent.
fn assess(
    cx: &Context,
    tx: &Tx<'_>,
    wish: &Wish,
    grant: &Grant,
    agent: &Agent,
    is_alive: Result<(), Dead>,
) -> Result<Need, AuthorizeError> {
    // What stops it says more than that its grant ended with it.
    is_alive?;
    if !grant.is_live(tx.now()) {
        return Err(Dead::GrantEnded.into());
    }
    if *wish.scope.server() != grant.server {
        return Err(ScopeRefusal::OtherServer(wish.scope.clone()).into());
    }
    let issuing = scopes::issuing(cx, agent, &grant.server, Proving::Later)?;
    let need = issuing.may_be_issued().and_then(|()| issuing.need(&wish.scope));
    Ok(need.map_err(ScopeRefusal::from)?)
}

/// Nothing is opened, and the record says why.
fn refused(agent: &Agent, me: &Id<Person>, error: AuthorizeError) -> Commit<Outcome> {
    let refused = AuthorizationRefused {
        person: me.clone(),
        agent: Some(agent.id.clone()),
        client: agent.client.clone(),
        cause: error.cause(),
        error: error.code(),
        elevation: None,
        policies: error.policies().to_vec(),
    };
    Commit::with(refused.by(Actor::Person(me.clone())), Outcome::Refused(error))
}

const ME: &str = "/me";
/// The reason that the record of a click on *Allow* gives.
const BY_HAND: &str = "opened by hand on the page of the person it acts for";
