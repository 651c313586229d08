//! The way of a request, and the order in which the gateway asks its questions.
//!
//! Credential → principal → call → decision → permit → recorded → sent → answered → ended. Nobody anonymous makes us read a
//! body, nobody unauthorized makes us call an upstream, and nothing is called that is not on record.
//!
//! Each step takes what the one before it left behind, and has its own errors; [`refusal`] alone makes answers of them.
//!
//! Spec: MCP basic/transports/streamable-http, basic/authorization.

use std::{future::pending, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, request::Parts};
use hyper::body::Incoming;
use mcp::challenge::Scheme;
use model::{
    TaskEnd,
    event::{Done, Outcome},
};
use net::{Body, BodyError, caller::ListenerEnd};
use oauth::dpop_header::DPOP_NONCE;

use crate::{
    call::Call,
    call_outcome::CallOutcome,
    condition_watch, credential,
    gateway::Gateway,
    hold::Hold,
    permit::{self, Denial, NotPermitted},
    principal::{NoPrincipal, Principal},
    protected_server::ProtectedServer,
    record::{self, NotRecorded, Recorded},
    refusal::{self, Asked, By, Refusal},
    standing_stream,
    upstream::{
        respond::Relay,
        send::send,
        send_error::{NothingLeft, SendError},
    },
};

/// How often a call is decided on when others take the uses that it wants.
const ATTEMPTS: u32 = 4;

impl Gateway {
    /// From a request for the endpoint of `server` to its answer.
    pub(crate) async fn endpoint<B>(
        self: &Arc<Self>,
        server: &Arc<ProtectedServer>,
        parts: &Parts,
        body: B,
    ) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<BodyError>,
    {
        let mut asked = Asked { scheme: credential::scheme(&parts.headers), ..Asked::default() };
        let mut response = match self.serve(server, parts, body, &mut asked).await {
            Ok(response) => response,
            Err(refusal) => self.turned_away(&refusal, server, &asked),
        };
        // Also with an answer that was given: then the next proof is never too old.
        if asked.scheme == Scheme::Dpop
            && let Some(nonce) = self.verifier.nonce().and_then(|nonce| HeaderValue::try_from(nonce).ok())
        {
            response.headers_mut().insert(DPOP_NONCE, nonce);
        }
        response
    }

    async fn serve<B>(
        self: &Arc<Self>,
        server: &Arc<ProtectedServer>,
        parts: &Parts,
        body: B,
        asked: &mut Asked,
    ) -> Result<Response<Body>, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<BodyError>,
    {
        if !matches!(parts.method, Method::POST | Method::GET | Method::DELETE) {
            return Err(Refusal::MethodNotAllowed);
        }
        let principal = self.principal(server, parts).await?;
        asked.by = Some(By::of(&principal));
        let grant = principal.grant().id.clone();
        let mut bytes = self.quotas.bytes(&grant);
        let read = match self.under_way(&grant, parts) {
            Ok(share) => self.read_call(server, parts, body, &principal, asked, (&mut bytes, share)).await,
            Err(quota) => Err(quota.into()),
        };
        match read {
            Ok(call) => {
                let share = call.share.clone();
                Ok(self.run(call, principal, asked).await?.map(|body| body.keeping(share)))
            }
            Err(refusal) => Err(self.refused_early(server, &principal, asked, refusal).await),
        }
    }

    /// Credential → principal.
    async fn principal(&self, server: &ProtectedServer, parts: &Parts) -> Result<Arc<Principal>, Refusal> {
        let presented = credential::present(parts)?;
        match self.verifier.principal(server, &parts.method, presented).await {
            Ok(principal) => {
                // The connection of a live token stays when the listener is full.
                net::caller::verified();
                Ok(principal)
            }
            Err(NoPrincipal { why, claims }) => {
                net::caller::unverified();
                let refusal = Refusal::from(why);
                match claims {
                    Some(claims) => Err(self.refused_dead(server, &claims, refusal).await),
                    None => Err(refusal),
                }
            }
        }
    }

    /// Decide, record, send, relay.
    async fn run(
        self: &Arc<Self>,
        call: Call,
        principal: Arc<Principal>,
        asked: &mut Asked,
    ) -> Result<Response<Body>, Refusal> {
        let (recorded, outcome) = self.recorded(call, principal, asked).await?;
        if let Some(by) = &mut asked.by {
            by.tool = recorded.tool().cloned();
        }
        if !recorded.call().listens() {
            return self.carry_out(recorded, outcome, None).await;
        }
        let (gateway, subscription) = (self.clone(), recorded.call().request_id().map(Into::into));
        let end = net::caller::listener();
        let opening = Box::pin(async move { gateway.carry_out(recorded, outcome, end).await });
        standing_stream::open(opening, subscription).await
    }

    /// Decision → permit → recorded.
    ///
    /// Several calls may want the last use of one elevation: who comes too late is decided on again, a few times.
    async fn recorded(
        &self,
        mut call: Call,
        mut principal: Arc<Principal>,
        asked: &mut Asked,
    ) -> Result<(Recorded<Call>, CallOutcome), Refusal> {
        let mut hold = Hold::of(&self.config.elevation);
        for attempt in 1.. {
            let permit = match permit::decide(&self.store, &self.policies, call, principal).await {
                Ok(permit) => permit,
                // A person is deciding: who says yes within a moment has said it to this very call.
                Err(NotPermitted {
                    why: Denial::Awaited { elevation, .. }, call: again, principal: before, ..
                }) if hold.until_decided(&self.store, &elevation).await => {
                    match self.verifier.still_stands(&before).await {
                        Ok(now) => (call, principal) = (again, now),
                        Err(NoPrincipal { why, .. }) => {
                            let denied = NotPermitted::untargeted(Denial::Principal(why), again, before);
                            return Err(self.refused(denied, asked).await);
                        }
                    }
                    continue;
                }
                // Something was taken away meanwhile: the refusal has to say what it is.
                Err(NotPermitted { call: again, principal: before, .. })
                    if attempt < ATTEMPTS && before.epoch() != self.store.epoch() =>
                {
                    match self.verifier.still_stands(&before).await {
                        Ok(now) => (call, principal) = (again, now),
                        Err(NoPrincipal { why, .. }) => {
                            let denied = NotPermitted::untargeted(Denial::Principal(why), again, before);
                            return Err(self.refused(denied, asked).await);
                        }
                    }
                    continue;
                }
                Err(denied) => return Err(self.refused(denied, asked).await),
            };
            match record::record(permit, &self.store, self.policies.fingerprint()).await {
                Ok(recorded) => return Ok(recorded),
                Err(NotRecorded::UsedUp(permit)) if attempt < ATTEMPTS => (call, principal) = permit.undecided(),
                Err(NotRecorded::UsedUp(permit)) => return Err(self.refused(permit.used_up(), asked).await),
                // Deciding again says what ended it.
                Err(NotRecorded::TaskOver(permit, _)) if attempt < ATTEMPTS => (call, principal) = permit.undecided(),
                Err(NotRecorded::TaskOver(permit, task)) => {
                    return Err(self.refused(permit.task_over(task, TaskEnd::UsedUp), asked).await);
                }
                Err(NotRecorded::Replayed(permit)) => return Err(self.refused(permit.replayed(), asked).await),
                Err(NotRecorded::Store(error)) => {
                    self.store.failed("record_failed", &error);
                    break;
                }
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Sent → answered: sends what is on record, and relays its answer; until the `end` of the listener, if it is given.
    async fn carry_out(
        &self,
        mut recorded: Recorded<Call>,
        mut outcome: CallOutcome,
        end: Option<ListenerEnd>,
    ) -> Result<Response<Body>, Refusal> {
        let upstream = match self.send(&mut recorded, &mut outcome, end.clone()).await {
            Ok(upstream) => upstream,
            Err(NotAnswered::NotSent(proof, refusal)) => {
                recorded.give_back(proof).await;
                return Err(refusal);
            }
            Err(NotAnswered::MayBeDone(refusal)) => return Err(refusal),
        };
        let relay = Relay {
            verifier: &self.verifier,
            seals: &self.seals,
            policies: &self.policies,
            list_bytes: self.config.limits.list_bytes,
            longest_call: self.config.limits.longest_call,
            end,
        };
        relay.answer(&recorded, upstream, outcome).await.map_err(|error| refusal::of_answer(&recorded, error))
    }

    /// Sends what nobody took away meanwhile, and waits for the head of the response as long as it is.
    async fn send(
        &self,
        recorded: &mut Recorded<Call>,
        outcome: &mut CallOutcome,
        end: Option<ListenerEnd>,
    ) -> Result<Response<Incoming>, NotAnswered> {
        let limits = &self.config.limits;
        let mut conditions = recorded.conditions(self.store.now(), limits.longest_call);
        // Writing took a moment: what was taken away meanwhile counts.
        if let Err(lost) = conditions.stands(&self.verifier).await {
            outcome.ends(lost.outcome_before_sending());
            let refusal = refusal::before_sending(recorded, lost);
            return Err(NotAnswered::NotSent(NothingLeft::before_sending(), refusal));
        }
        recorded.leave();
        outcome.done(Done::Unknown);
        let ends = async {
            match end {
                Some(end) => end.begins().await,
                None => pending().await,
            }
        };
        let error = tokio::select! {
            biased;
            () = ends => {
                outcome.ends(Outcome::GatewayStopped);
                return Err(NotAnswered::MayBeDone(Refusal::Unavailable));
            }
            lost = condition_watch::lost(&self.verifier, conditions) => {
                outcome.ends(lost.outcome());
                return Err(NotAnswered::MayBeDone(refusal::cut(recorded, lost)));
            }
            sent = send(recorded, limits.longest_call) => match sent {
                Ok(response) => return Ok(response),
                Err(error) => error,
            },
        };
        outcome.ends(error.outcome(recorded.call()));
        let refusal = refusal::not_answered(recorded.call(), &error);
        Err(match error {
            SendError::NotSent(proof) => {
                outcome.done(Done::NotSent);
                NotAnswered::NotSent(proof, refusal)
            }
            SendError::TimedOut | SendError::Broken => NotAnswered::MayBeDone(refusal),
        })
    }
}

/// There is no answer of the upstream, and what its caller is told instead.
enum NotAnswered {
    /// Not a byte left.
    NotSent(NothingLeft, Refusal),
    /// The upstream may have acted.
    MayBeDone(Refusal),
}
