//! The gateway, and the order in which it asks its questions.
//!
//! Path → `Host` and `Origin` → credentials → size and form of the body → strict parse → revision →
//! method → authority → record → send → relay. Nobody anonymous makes us read a body, nobody
//! unauthorized makes us call an upstream, and nothing is called that is not on record.
//!
//! Spec: MCP basic/transports/streamable-http, basic/authorization.

use std::{collections::HashMap, future::pending, hash::Hash, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, request::Parts};
use hyper::body::Incoming;
use model::{Event, Sampling, config::Config, event::Done};
use net::{Body, BodyError, caller::ListenerEnd};
use policy::Policies;
use store::{Store, secrets::Vault};

use crate::{
    authority::{self, Refused},
    bearer,
    call::Call,
    door::Door,
    ending::{Ending, STOPPED},
    forward, listening,
    live::{Live, NotLive, Verifier},
    metadata::{self, Document},
    permit::{NotRecorded, Recorded},
    preflight,
    protected::Protected,
    quota::Quotas,
    record,
    refusal::{Asked, By, Refusal, respond},
    refused::{self, Refusals, Told},
    relay::Relay,
    sealing::Seals,
    sent::{Failed, NothingLeft},
    watch,
};

mod request;

/// What a gateway is made of.
#[derive(Debug)]
pub struct GatewayParts {
    /// The configuration.
    pub config: Arc<Config>,
    /// The shared state.
    pub store: Store,
    /// The policies.
    pub policies: Arc<Policies>,
}

/// Why a gateway can not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A server is configured in a way that can not work.
    #[error("server `{server}`: {why}")]
    Server {
        /// Which server.
        server: String,
        /// What is wrong.
        why: String,
    },
}

/// The enforcement point in front of every protected server.
#[derive(Debug)]
pub struct Gateway {
    config: Arc<Config>,
    door: Door,
    servers: HashMap<String, Arc<Protected>>,
    verifier: Arc<Verifier>,
    seals: Arc<Seals>,
    quotas: Quotas,
    refusals: Refusals,
    policies: Arc<Policies>,
    store: Store,
}

const ENDPOINTS: &str = "/mcp/";
/// How often a call is decided on when others take the uses that it wants.
const ATTEMPTS: u32 = 4;

const METADATA: &str = "/.well-known/oauth-protected-resource";

impl Gateway {
    /// Sets it up.
    ///
    /// # Errors
    /// When a server's certificate file, headers or time can not be used.
    pub fn new(parts: GatewayParts) -> Result<Arc<Self>, SetupError> {
        let GatewayParts { config, store, policies } = parts;
        let server = |(id, server)| Ok((format!("{id}"), Arc::new(Protected::new(id, server, &config)?)));
        Ok(Arc::new(Self {
            door: Door::new(&config),
            servers: config.servers.iter().map(server).collect::<Result<_, SetupError>>()?,
            verifier: Arc::new(Verifier::new(store.clone(), config.public_url.as_str().to_owned())),
            seals: Arc::new(Seals::new(Vault::of(&store).master())),
            quotas: Quotas::of(config.limits.per_grant),
            refusals: Refusals::new(),
            config,
            policies,
            store,
        }))
    }

    /// Is this path the gateway's: an MCP endpoint or the metadata of one?
    pub fn owns(path: &str) -> bool {
        path.starts_with(ENDPOINTS) || path.starts_with(METADATA)
    }

    /// Answers one request to a path that it [owns](Self::owns).
    pub async fn handle<B>(self: &Arc<Self>, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<BodyError>,
    {
        let (parts, body) = request.into_parts();
        let route = match self.route(parts.uri.path()) {
            Ok(route) => route,
            Err(nothing) => return self.turn_away(&nothing),
        };
        match route {
            Route::Metadata(document) => match self.door.knows_host(&parts) {
                Ok(()) => metadata::answer(document, &parts).unwrap_or_else(|refusal| {
                    let mut response = self.turn_away(&refusal);
                    preflight::allow_everybody(response.headers_mut());
                    response
                }),
                Err(refusal) => self.turn_away(&refusal),
            },
            Route::Endpoint(server) => {
                let admitted = match self.door.admit(&parts) {
                    Ok(admitted) => admitted,
                    Err(refusal) => return self.turn_away(&refusal),
                };
                let mut response = match parts.method {
                    Method::OPTIONS if admitted.origin.is_some() => preflight::answer(&parts.headers),
                    _ => self.endpoint(server, &parts, body).await,
                };
                admitted.expose(response.headers_mut());
                response
            }
        }
    }

    /// The raw path, compared once: no decoding, no dot segments, no second slash.
    fn route(&self, path: &str) -> Result<Route<'_>, Refusal> {
        let named = |name: &str| self.servers.get(name);
        // Many clients and people add a slash, or leave one off.
        let nearly = |name: &str| named(name.strip_suffix('/').unwrap_or_default());
        if let Some(name) = path.strip_prefix(ENDPOINTS) {
            let elsewhere = || nearly(name).map(|server| Refusal::Elsewhere(server.resource.clone()));
            return named(name).map(Route::Endpoint).ok_or_else(|| elsewhere().unwrap_or(Refusal::NotFound));
        }
        let below = path.strip_prefix(METADATA).ok_or(Refusal::NotFound)?;
        if matches!(below, "" | "/") {
            return Ok(Route::Metadata(Document::Root(&self.servers)));
        }
        let name = below.strip_prefix(ENDPOINTS).ok_or(Refusal::NotFound)?;
        let elsewhere = || nearly(name).map(|server| Refusal::Elsewhere(server.metadata_url.clone()));
        let document = named(name).map(|server| Route::Metadata(Document::Of(server)));
        document.ok_or_else(|| elsewhere().unwrap_or(Refusal::NotFound))
    }

    async fn endpoint<B>(self: &Arc<Self>, server: &Arc<Protected>, parts: &Parts, body: B) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<BodyError>,
    {
        let mut asked = Asked::default();
        match self.serve(server, parts, body, &mut asked).await {
            Ok(response) => response,
            Err(refusal) => {
                if let Some(count) = self.refusals.line(&refusal, self.store.now()) {
                    refused::say(&refusal, &server.id, asked.by.as_ref(), count);
                }
                respond(&refusal, Some(server), &asked)
            }
        }
    }

    async fn serve<B>(
        self: &Arc<Self>,
        server: &Arc<Protected>,
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
        let presented = bearer::present(parts)?;
        let live = match self.verifier.live(server, presented).await {
            Ok(live) => live,
            Err(NotLive { refusal, claims }) => {
                net::caller::unverified();
                if let Some(claims) = claims {
                    let event = || record::refused_dead(&refusal, &server.id, &claims);
                    let event = self.refusals.of_the_dead(&claims, self.store.now(), event);
                    self.write_down_if_due(event).await?;
                }
                return Err(refusal);
            }
        };
        // The connection of a live token stays when the listener is full.
        net::caller::verified();
        asked.by = Some(By::of(&live));
        let grant = live.grant().id.clone();
        let mut bytes = self.quotas.bytes(&grant);
        let understood = match self.under_way(&grant, parts) {
            Ok(share) => self.understand(server, parts, body, &live, asked, (&mut bytes, share)).await,
            Err(quota) => Err(quota.into()),
        };
        match understood {
            Ok(call) => {
                let share = call.share.clone();
                Ok(self.run(call, live, asked).await?.map(|body| body.keeping(share)))
            }
            Err(refusal) => Err(self.refused_early(server, &live, asked, refusal).await),
        }
    }

    /// Somebody known was refused before it was clear what they wanted.
    async fn refused_early(&self, server: &Protected, live: &Live, asked: &Asked, refusal: Refusal) -> Refusal {
        let request = asked.by.as_ref().map_or("", |by| &by.request);
        let event = |refusal: &Refusal| record::refused_early(refusal, &server.id, live, request);
        self.told(self.refusals.of_grant(&live.grant().id, refusal, self.store.now(), event)).await
    }

    /// No record, no answer: not even a refusal.
    async fn told(&self, told: Told) -> Refusal {
        match self.write_down_if_due(told.event).await {
            Ok(()) => told.refusal,
            Err(unavailable) => unavailable,
        }
    }

    /// Decide, record, send, relay.
    async fn run(self: &Arc<Self>, call: Call, live: Arc<Live>, asked: &mut Asked) -> Result<Response<Body>, Refusal> {
        let (recorded, ending) = self.recorded(call, live, asked).await?;
        if let Some(by) = &mut asked.by {
            by.tool = recorded.tool().cloned();
        }
        if !recorded.call().listens() {
            return self.carry_out(recorded, ending, None).await;
        }
        let (gateway, subscription) = (self.clone(), recorded.call().request_id().map(Into::into));
        let end = net::caller::listener();
        let opening = Box::pin(async move { gateway.carry_out(recorded, ending, end).await });
        listening::open(opening, subscription).await
    }

    /// Sends what is on record, and relays its answer; until the `end` of the listener, if it is given.
    async fn carry_out(
        &self,
        mut recorded: Recorded<Call>,
        mut ending: Ending,
        end: Option<ListenerEnd>,
    ) -> Result<Response<Body>, Refusal> {
        let upstream = match self.send(&mut recorded, &mut ending, end.clone()).await {
            Ok(upstream) => upstream,
            Err(Failed::NotSent(proof, refusal)) => {
                ending.because(refusal.word());
                recorded.give_back(proof).await;
                return Err(refusal);
            }
            Err(Failed::MayBeDone(refusal)) => return Err(refusal),
        };
        let relay = Relay {
            verifier: &self.verifier,
            seals: &self.seals,
            policies: &self.policies,
            list_bytes: self.config.limits.list_bytes,
            longest_call: self.config.limits.longest_call,
            end,
        };
        relay.answer(recorded, upstream, ending).await
    }

    /// Several calls may want the last use of one elevation: who comes too late is decided on again, a few times.
    async fn recorded(
        &self,
        mut call: Call,
        mut live: Arc<Live>,
        asked: &mut Asked,
    ) -> Result<(Recorded<Call>, Ending), Refusal> {
        for attempt in 1.. {
            let permit = match authority::decide(&self.store, &self.policies, call, live).await {
                Ok(permit) => permit,
                // Something was taken away meanwhile: the refusal has to say what it is.
                Err(Refused { call: again, live: before, .. })
                    if attempt < ATTEMPTS && before.epoch() != self.store.epoch() =>
                {
                    match self.verifier.still_live(&before).await {
                        Ok(now) => (call, live) = (again, now),
                        Err(NotLive { refusal, .. }) => {
                            let (target, policies) = (None, Vec::new());
                            let refused = Refused { refusal, call: again, live: before, target, policies };
                            return Err(self.refuse(refused, asked).await);
                        }
                    }
                    continue;
                }
                Err(refused) => return Err(self.refuse(refused, asked).await),
            };
            match permit.record(&self.store, self.policies.fingerprint()).await {
                Ok(recorded) => return Ok(recorded),
                Err(NotRecorded::UsedUp(permit)) if attempt < ATTEMPTS => (call, live) = permit.undecided(),
                Err(NotRecorded::UsedUp(permit)) => {
                    let refusal = permit.step_up();
                    return Err(self.refuse(permit.refused(refusal), asked).await);
                }
                Err(NotRecorded::Store(error)) => {
                    self.store.failed("record_failed", &error);
                    break;
                }
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Sends what nobody took away meanwhile, and waits for the head of the response as long as it is.
    async fn send(
        &self,
        recorded: &mut Recorded<Call>,
        ending: &mut Ending,
        end: Option<ListenerEnd>,
    ) -> Result<Response<Incoming>, Failed> {
        let limits = &self.config.limits;
        let mut ground = recorded.ground(self.store.now(), limits.longest_call);
        // Writing took a moment: what was taken away meanwhile counts.
        if let Err(lost) = ground.stands(&self.verifier).await {
            let word = lost.word();
            let refusal = recorded.refusal(lost);
            ending.because(word);
            return Err(Failed::NotSent(NothingLeft::before_sending(), refusal));
        }
        recorded.leave();
        ending.done(Done::Unknown);
        let ends = async {
            match end {
                Some(end) => end.begins().await,
                None => pending().await,
            }
        };
        let failed = tokio::select! {
            biased;
            () = ends => {
                ending.because(STOPPED);
                return Err(Failed::MayBeDone(Refusal::Unavailable));
            }
            lost = watch::lost(&self.verifier, ground) => {
                ending.because(lost.word());
                return Err(Failed::MayBeDone(recorded.cut(lost)));
            }
            sent = forward::send(recorded, limits.longest_call) => match sent {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            },
        };
        match &failed {
            Failed::NotSent(_, refusal) => {
                ending.done(Done::NotSent);
                ending.because(refusal.word());
            }
            Failed::MayBeDone(refusal) => ending.because(refusal.word()),
        }
        Err(failed)
    }

    async fn refuse(&self, refused: Refused, asked: &mut Asked) -> Refusal {
        if let Some(by) = &mut asked.by {
            by.tool = refused.tool().cloned();
            by.policies.clone_from(&refused.policies);
        }
        let grant = refused.live.grant().id.clone();
        let facts = self.store.facts(refused.live.epoch());
        let event = record::refused(&refused, self.policies.fingerprint(), facts);
        self.told(self.refusals.of_grant(&grant, refused.refusal, self.store.now(), |_| event)).await
    }

    /// Records the refusals that were only counted and whose minute is over; all of them, when it is the `last` time.
    pub async fn write_counted(&self, last: bool) {
        self.settle(&self.refusals.grants, last).await;
        self.settle(&self.refusals.dead, last).await;
    }

    async fn settle<K: Clone + Eq + Hash>(&self, counted: &Sampling<K, Event>, last: bool) {
        for due in counted.due(self.store.now(), last) {
            if self.write_down(refused::counted((due.event.clone(), due.count))).await.is_err() {
                counted.put_back(due, self.store.now());
            }
        }
    }

    async fn write_down_if_due(&self, event: Option<Event>) -> Result<(), Refusal> {
        match event {
            Some(event) => self.write_down(event).await,
            None => Ok(()),
        }
    }

    /// No record, no answer.
    async fn write_down(&self, event: Event) -> Result<(), Refusal> {
        self.store.record(event).await.map(drop).map_err(|error| {
            self.store.failed("record_failed", &error);
            Refusal::Unavailable
        })
    }

    /// Somebody who is nobody yet.
    fn turn_away(&self, refusal: &Refusal) -> Response<Body> {
        if let Some(count) = self.refusals.line(refusal, self.store.now()) {
            tracing::info!(event = "request_refused", reason = refusal.word(), why = %refusal, count);
        }
        respond(refusal, None, &Asked::default())
    }
}

enum Route<'g> {
    Endpoint(&'g Arc<Protected>),
    Metadata(Document<'g>),
}
