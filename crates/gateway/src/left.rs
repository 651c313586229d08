//! What a refusal leaves behind when a person could help: the exact call, and for an agent without a person the request.
//!
//! The person an agent acts for sees the call on their page, and nobody else hears of it before they ask. An agent that acts
//! for itself has nobody who could: when its client is told by the results of tools, the refused call asks by itself.
//!
//! Spec: docs/decisions/0035-one-exact-call.md.

use mcp::jsonrpc::MethodCall;
use model::{
    Actor, Elevation, Event, ExactCall, Id, Scope, StepUp, Task, Timestamp,
    config::ChallengeStyle,
    event::{CallRest, What},
};
use privilege::{
    asked_call,
    elevation::open::{self, Asking, ElevationWish, Opened},
    task::lacked,
};
use store::{Commit, MatchingNumber, Store, StoreError};

use crate::{
    call::Call,
    exact::Left,
    gateway::Gateway,
    permit::Denial,
    principal::Principal,
    refusal::{self, Refusal},
    sealed::session::Session,
};

/// What a refused call lacks, and how it can be asked for.
#[derive(Debug, Default)]
pub struct Lack {
    /// The call, kept so that it can be asked for.
    left: Option<Left>,
    /// The refused call asks by itself.
    asks: Option<(Scope, StepUp)>,
    /// What the task lacks in which it was called, and whether it is the task of the token.
    of_task: Option<(Id<Task>, Scope, bool)>,
}

/// What became of the request that a refused call made.
enum Asked {
    /// None was made.
    Not,
    Waits(Id<Elevation>, Option<MatchingNumber>),
    Denied(Id<Elevation>),
}

impl Lack {
    /// Of a call that was refused; takes the call out of `why`.
    pub fn of(gateway: &Gateway, why: &mut Denial, call: &Call, principal: &Principal, now: Timestamp) -> Self {
        let Denial::StepUp { by, exact, tool, tier, .. } = why else { return Self::default() };
        let (by, exact, tier) = (*by, exact.take(), *tier);
        let is_exact = tool.as_ref().is_some_and(|tool| call.server.config.approves_exact_calls(tool));
        let left = exact.filter(|_| by == StepUp::Approval && is_exact);
        let left = left.map(|exact| exact.leave(&gateway.store, principal, &gateway.config.elevation, now));
        let style = call.server.awaited_decisions.style(principal.agent());
        let asks_itself = style == ChallengeStyle::ToolError && principal.grant().person.is_none();
        let scope = tool.as_ref().map(|tool| Scope::needed(&call.server.id, tool, tier));
        let scope = scope.filter(|scope| scope.tier() != model::Tier::Low);
        let by_token = principal.claims().task.is_some();
        let of_task = call.task.as_ref().zip(scope.clone()).map(|(task, scope)| (task.id.clone(), scope, by_token));
        Self { left, asks: scope.filter(|_| asks_itself).map(|scope| (scope, by)), of_task }
    }

    /// How it is told.
    pub fn told(&self, call: &Call, principal: &Principal) -> refusal::HowTold {
        let decisions = &call.server.awaited_decisions;
        let asked = self.left.as_ref().map(|left| left.asked.id.clone());
        let at = decisions.address_to_ask(asked.as_ref());
        // Once for each call: what comes back is answered with what has become of it.
        let by_session = call.session.as_ref().is_some_and(Session::opens_urls);
        let can = call
            .called()
            .map(MethodCall::params)
            .is_some_and(|params| (params.opens_urls || by_session) && params.sent_to_us.is_none());
        let sends_person = can && principal.grant().person.is_some();
        refusal::HowTold { style: decisions.style(principal.agent()), at, asked, sends_person }
    }

    /// What the record of the refusal says of the arguments, and of the task.
    pub fn rest(&self, call: &Call) -> CallRest {
        let of_task = call.told_of_task();
        let Some(Left { asked, .. }) = &self.left else { return of_task };
        CallRest { definition: asked.definition.clone(), arguments: Some(asked.arguments.clone()), ..of_task }
    }

    /// Is there anything to keep?
    pub fn leaves_something(&self) -> bool {
        self.left.is_some() || self.asks.is_some() || self.of_task.is_some()
    }
}

fn asked_for(store: &Store, elevation: Elevation) -> Asked {
    let number = store.matching_number(&elevation);
    Asked::Waits(elevation.id, number)
}

impl Gateway {
    /// Writes a refusal down, with what it leaves behind, in one transaction.
    pub(crate) async fn left(
        &self,
        mut refusal: Refusal,
        mut event: Event,
        lack: Lack,
        call: &Call,
        principal: &Principal,
    ) -> Refusal {
        let (config, policies, store) = (self.config.clone(), self.policies.clone(), self.store.clone());
        let (agent, grant, task) = (principal.agent().clone(), principal.grant().clone(), call.task.clone());
        let Lack { left, asks, of_task } = lack;
        let proof = principal.proof().cloned();
        let is_exact = left.is_some();
        let written = self
            .store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    if let Some(proof) = &proof {
                        let _ = tx.use_proof(proof).await?;
                    }
                    let kept = match &left {
                        Some(left) => asked_call::leave(tx, &config.elevation, &left.asked, &left.sealed).await?,
                        None => false,
                    };
                    if let Some((task, scope, by_token)) = &of_task {
                        lacked::note(tx, task, scope, *by_token).await?;
                    }
                    let mut events = Vec::new();
                    let mut asked = Asked::Not;
                    let exact = left.as_ref().map(|left| ExactCall::from(&left.asked));
                    let newest = match &asks {
                        Some((scope, _)) => tx.newest_elevation(&grant.id, scope).await?,
                        None => None,
                    };
                    // Of several equal calls at once one is made; the others do not ask whether they may be made too.
                    let was_made = newest.is_some_and(|newest| {
                        let since = tx.now().before(config.elevation.ask_within);
                        newest.call.is_some()
                            && newest.call.as_ref().map(|call| &call.asked) == exact.as_ref().map(|call| &call.asked)
                            && newest
                                .approval()
                                .is_some_and(|approval| approval.uses > 0 && approval.decided.at > since)
                    });
                    if let Some((scope, by)) = asks.filter(|_| (kept || !is_exact) && !was_made) {
                        let reason = agent.purpose.as_str();
                        let wish = ElevationWish {
                            agent: &agent,
                            grant: &grant,
                            scope: &scope,
                            call: exact.as_ref(),
                            by,
                            reason,
                            task: task.as_ref(),
                        };
                        let asking = Asking::of(&config, &policies, &scope);
                        asked = match open::request(asking, tx, wish, Actor::Agent(agent.id.clone())).await? {
                            Opened::Joined(elevation) => asked_for(&store, elevation),
                            Opened::New(elevation, event) => {
                                events.push(event);
                                asked_for(&store, elevation)
                            }
                            Opened::Denied(elevation) => Asked::Denied(elevation),
                            Opened::TooMany => Asked::Not,
                        };
                    }
                    if let What::CallRefused(record) = &mut event.what {
                        record.asked = record.asked.take().filter(|_| kept);
                        if let Asked::Waits(elevation, _) | Asked::Denied(elevation) = &asked {
                            record.elevation = Some(elevation.clone());
                        }
                    }
                    events.push(event);
                    Ok(events.into_iter().fold(Commit::nothing((kept, asked)), Commit::and))
                })
            })
            .await;
        let (kept, asked) = match written {
            Ok(written) => written,
            Err(error) => {
                self.store.failed("record_failed", &error);
                return Refusal::Unavailable;
            }
        };
        if let Refusal::StepUp { told, .. } = &mut refusal
            && !kept
        {
            told.asked = None;
            told.at = call.server.awaited_decisions.address_to_ask(None);
        }
        match (asked, refusal) {
            (Asked::Waits(elevation, number), Refusal::StepUp { by, what, .. }) => {
                let at = call.server.awaited_decisions.address(&elevation);
                Refusal::awaited(what, by, at, elevation, number)
            }
            (Asked::Denied(elevation), Refusal::StepUp { what, .. }) => Refusal::TurnedDown { what, elevation },
            (_, refusal) => refusal,
        }
    }
}
