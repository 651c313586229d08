//! The way back: bytes as they come, lists filtered, and an end when the authority ends.
//!
//! Spec: MCP basic/transports/streamable-http; MCP basic/authorization (an upstream's challenge is ours to
//! solve, never the client's).

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::Body as _;
use hyper::body::Incoming;
use mcp::{
    revision::ComesBack,
    session,
    sse::{self, AnswerSeen},
    transport::http::Media,
};
use model::{
    Span,
    event::{Done, Outcome},
};
use net::{Body, caller::ListenerEnd};
use policy::Policies;

use super::{
    keep_alive::KeepAlive,
    stream::{Ends, Filter, Relayed, Sealing},
};
use crate::{
    call::{Call, Filtered},
    call_outcome::CallOutcome,
    condition_watch::{self, ConditionWatch},
    conditions::{ConditionLost, Conditions},
    may_be_done::MayBeDone,
    principal::{PrincipalError, Verifier},
    record::Recorded,
    sealed::{event_id::EventIds, request_state::RequestStates, seals::Seals, session::Session},
    tool_visibility::{list_filter, viewer::Viewer},
};

/// What the way back needs besides the response.
#[derive(Debug)]
pub struct Relay<'g> {
    /// Says whether a principal still lives.
    pub verifier: &'g Arc<Verifier>,
    /// Seal what comes back from whom it was given to.
    pub seals: &'g Arc<Seals>,
    /// Say what may be seen.
    pub policies: &'g Arc<Policies>,
    /// How long a call may take.
    pub longest_call: Span,
    /// Longest list, and longest event of a filtered stream, in bytes.
    pub list_bytes: usize,
    /// For what only listens: the end of the listener is its end.
    pub end: Option<ListenerEnd>,
}

/// Why an answer is not passed on.
#[derive(Debug)]
pub enum RespondError {
    /// The server does not know the session (any more).
    UnknownSession,
    /// It answered something that cannot be passed on.
    Bad(BadAnswer),
    /// The call may have been done, and this is what became of its answer.
    MayBeDone(MayBeDone),
    /// What the call rested on was taken away meanwhile.
    Lost(ConditionLost),
    /// Nobody stands for whom a list could be filtered.
    Principal(PrincipalError),
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadAnswer {
    /// 401: to us.
    RefusedCredentials,
    /// To somewhere else.
    Redirect,
    /// In an encoding.
    Encoded,
    /// Longer than is passed on.
    TooLong,
    /// Where tools may be listed, something else than JSON and events.
    NoList,
    /// A list that is longer than is filtered, or that broke off.
    ListTooLong,
    /// A list with two readings, or words of its own that have two.
    ListNotStrict,
}

impl RespondError {
    /// How the call ended by it.
    const fn outcome(&self) -> Outcome {
        match self {
            Self::UnknownSession => Outcome::UnknownSession,
            Self::Bad(_) => Outcome::BadUpstream,
            Self::MayBeDone(_) => Outcome::MayBeDone,
            Self::Lost(lost) => lost.outcome(),
            Self::Principal(PrincipalError::StoreSilent) => Outcome::Unavailable,
            Self::Principal(_) => Outcome::AuthorityEnded,
        }
    }
}

impl BadAnswer {
    /// What the server did.
    pub const fn what(self) -> &'static str {
        match self {
            Self::RefusedCredentials => {
                "refused the gateway's own credentials; an administrator must check its `headers`"
            }
            Self::Redirect => "answered with a redirect that is not followed; its address is in the gateway's log",
            Self::Encoded => "answered in an encoding that was not asked for",
            Self::TooLong => MayBeDone::AnswerTooLong.what(),
            Self::NoList => "answered with neither JSON nor events where it may list tools or say what it is",
            Self::ListTooLong => "sent a list that is too long or broke off",
            Self::ListNotStrict => "sent a list, or what it says of itself, that is not strict JSON",
        }
    }
}

impl Relay<'_> {
    /// The response for the client.
    pub async fn answer(
        mut self,
        recorded: &Recorded<Call>,
        upstream: Response<Incoming>,
        mut outcome: CallOutcome,
    ) -> Result<Response<Body>, RespondError> {
        let (head, incoming) = upstream.into_parts();
        outcome.status(head.status.as_u16());
        outcome.done(Done::Unknown);
        if let Err(error) = self.may_pass(recorded, head.status, &head.headers) {
            outcome.ends(error.outcome());
            return Err(error);
        }
        if let Some(error) = self.too_long(recorded, Media::of(&head.headers), &incoming) {
            outcome.ends(Outcome::AnswerTooLong);
            return Err(error);
        }
        let headers = self.headers(recorded, &head.headers);
        // What is no success holds no list, and is relayed as it is: clients of both eras read such bodies.
        let filtered = recorded.call().filtered().filter(|_| head.status.is_success());
        let body = match (Media::of(&head.headers), filtered) {
            (Media::Json, Some(what)) => self.filtered(recorded, incoming, what, &mut outcome).await?,
            (Media::Other, Some(_)) => {
                outcome.ends(Outcome::BadUpstream);
                return Err(bad(recorded, BadAnswer::NoList));
            }
            (media, filtered) => {
                let filter = match filtered {
                    Some(what) => {
                        let viewer = self.viewer(recorded, &mut outcome).await?;
                        Some(Filter::new(viewer, recorded.call().revision, what, self.list_bytes))
                    }
                    None => None,
                };
                self.relayed(recorded, incoming, media, filter, outcome)
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = head.status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    fn relayed(
        &mut self,
        recorded: &Recorded<Call>,
        incoming: Incoming,
        media: Media,
        filter: Option<Filter>,
        outcome: CallOutcome,
    ) -> Body {
        let call = recorded.call();
        let watch = ConditionWatch::over(self.verifier.clone(), self.conditions(recorded));
        let mut relayed = Relayed::new(incoming, watch, outcome, call.server.config.answer_bytes);
        relayed.seal = self.sealing(recorded, media);
        if media == Media::Events {
            relayed.ends = match (farewell(recorded), call.request_id()) {
                (Some(farewell), _) => Ends::Saying(farewell),
                (None, Some(id)) => Ends::Unanswered { id: id.into(), seen: AnswerSeen::default() },
                (None, None) => Ends::Silently,
            };
            relayed.keep_alive = Some(KeepAlive::new());
            relayed.listener = self.end.take().map(|end| Box::pin(end.begins()) as _);
            relayed.filter = filter;
        }
        net::boxed(relayed)
    }

    /// An answer that says that it is too long. One that does not say how long it is, is cut when it gets there.
    fn too_long(&self, recorded: &Recorded<Call>, media: Media, incoming: &Incoming) -> Option<RespondError> {
        let (call, announced) = (recorded.call(), incoming.size_hint().lower());
        if media == Media::Events
            || call.server.config.answer_bytes.allows(usize::try_from(announced).unwrap_or(usize::MAX))
        {
            return None;
        }
        let error = bad(recorded, BadAnswer::TooLong);
        Some(if call.message().is_some() { RespondError::MayBeDone(MayBeDone::AnswerTooLong) } else { error })
    }

    fn sealing(&self, recorded: &Recorded<Call>, media: Media) -> Option<Sealing> {
        let (call, principal, events) = (recorded.call(), recorded.principal(), media == Media::Events);
        match call.revision.comes_back() {
            ComesBack::EventIds if events => Some(Sealing::EventIds(EventIds::new(self.seals.clone(), principal))),
            ComesBack::RequestStates if media != Media::Other => {
                let states = call
                    .called()
                    .and_then(|called| RequestStates::of(called, call.revision, events, self.seals, principal));
                states.map(Sealing::States)
            }
            _ => None,
        }
    }

    fn conditions(&self, recorded: &Recorded<Call>) -> Conditions {
        recorded.conditions(self.verifier.store().now(), self.longest_call)
    }

    /// Some answers mean nothing to the client, because they are about us.
    fn may_pass(&self, recorded: &Recorded<Call>, status: StatusCode, headers: &HeaderMap) -> Result<(), RespondError> {
        let server = &recorded.call().server;
        if status == StatusCode::UNAUTHORIZED {
            // Some servers say so of a session that they do not know (any more). One that wants credentials says which
            // (RFC 9110 §15.5.2), and says so to `initialize` as well.
            if recorded.call().session.is_some() && !headers.contains_key(header::WWW_AUTHENTICATE) {
                if let Some(count) = server.failed("session_unknown") {
                    let what = "answered 401 without a challenge to a session";
                    tracing::info!(event = "upstream_session_unknown", server = %server.id, count, what);
                }
                return Err(RespondError::UnknownSession);
            }
            return Err(bad(recorded, BadAnswer::RefusedCredentials));
        }
        if status.is_redirection() || status.is_informational() {
            let target = net::redirect::shown(headers);
            if let Some(count) = server.failed("redirects") {
                let hint = "write the address it redirects to into `url`";
                tracing::warn!(event = "upstream_redirects", server = %server.id, target, count, hint);
            }
            return Err(bad(recorded, BadAnswer::Redirect));
        }
        let coding = headers.get(header::CONTENT_ENCODING);
        if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            bad(recorded, BadAnswer::Encoded);
            return Err(RespondError::MayBeDone(MayBeDone::Encoded));
        }
        Ok(())
    }

    /// An allow-list: what is not named here stays behind, cookies and challenges among it.
    fn headers(&self, recorded: &Recorded<Call>, theirs: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        for name in [header::CONTENT_TYPE, header::CACHE_CONTROL, header::RETRY_AFTER, header::ALLOW] {
            if let Some(value) = theirs.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        if Media::of(theirs) == Media::Events {
            headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        }
        let call = recorded.call();
        if call.revision.has_sessions() {
            let opens_urls = call.called().is_some_and(|called| called.params().opens_urls);
            let known = (call.session.as_ref(), opens_urls);
            let ours = theirs
                .get(session::HEADER)
                .and_then(|theirs| Session::told(theirs, known, self.seals, recorded.principal()));
            if let Some(ours) = ours {
                headers.insert(HeaderName::from_static(session::HEADER), ours);
            }
        }
        headers
    }

    async fn viewer(&self, recorded: &Recorded<Call>, outcome: &mut CallOutcome) -> Result<Viewer, RespondError> {
        let (server, policies) = (recorded.call().server.clone(), self.policies.clone());
        let viewer = Viewer::of(server, recorded.principal(), policies, self.verifier).await;
        viewer.map_err(RespondError::Principal).inspect_err(|error| outcome.ends(error.outcome()))
    }

    /// The list is read as long as the principal stands, and seen with the eyes of the moment when it is whole.
    async fn filtered(
        &self,
        recorded: &Recorded<Call>,
        incoming: Incoming,
        what: Filtered,
        outcome: &mut CallOutcome,
    ) -> Result<Body, RespondError> {
        let bad = |what| bad(recorded, what);
        let whole = tokio::select! {
            biased;
            lost = condition_watch::lost(self.verifier, self.conditions(recorded)) => {
                outcome.ends(lost.outcome());
                return Err(RespondError::Lost(lost));
            }
            whole = net::read_body(incoming, self.list_bytes) => whole,
        };
        let viewer = self.viewer(recorded, outcome).await?;
        let now = self.verifier.store().now();
        let revision = recorded.call().revision;
        let filtered = whole.map_err(|_| bad(BadAnswer::ListTooLong)).and_then(|whole| {
            match list_filter::filter(&whole, &viewer, (revision, what), now) {
                Ok(filtered) => Ok(filtered.map_or(whole, Into::into)),
                Err(_) => Err(bad(BadAnswer::ListNotStrict)),
            }
        });
        let bytes = filtered.inspect_err(|_| outcome.ends(Outcome::BadUpstream))?;
        outcome.relayed(bytes.len());
        outcome.ends(Outcome::Complete);
        outcome.done(Done::Answered);
        Ok(net::full(bytes))
    }
}

fn bad(recorded: &Recorded<Call>, answer: BadAnswer) -> RespondError {
    let (server, what) = (&recorded.call().server, answer.what());
    if let Some(count) = server.failed(what) {
        tracing::warn!(event = "bad_upstream", server = %server.id, what, count);
    }
    RespondError::Bad(answer)
}

/// The last event of a subscription that ends because the authority does.
fn farewell(recorded: &Recorded<Call>) -> Option<String> {
    let call = recorded.call();
    let id = call.request_id().filter(|_| call.listens())?;
    let result = call.revision.farewell(id)?;
    Some(sse::event(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}")))
}
