//! The way back: bytes as they come, lists filtered, and an end when the authority ends.
//!
//! Spec: MCP basic/transports/streamable-http; MCP basic/authorization (an upstream's challenge is ours to
//! solve, never the client's).

mod body;
pub mod quiet;

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
use model::{Span, event::Done};
use net::{Body, caller::ListenerEnd};
use policy::Policies;

use self::{
    body::{ANSWER_TOO_LONG, Ends, Filter, Relayed, Sealing, TOO_LONG},
    quiet::Quiet,
};
use crate::{
    call::Call,
    ending::Ending,
    event_id::EventIds,
    ground::Ground,
    live::Verifier,
    permit::Recorded,
    refusal::Refusal,
    request_state::RequestStates,
    sealing::Seals,
    session::Session,
    tool_list,
    viewer::Viewer,
    watch::{self, Watch},
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

impl Relay<'_> {
    /// The response for the client.
    pub async fn answer(
        mut self,
        recorded: Recorded<Call>,
        upstream: Response<Incoming>,
        mut ending: Ending,
    ) -> Result<Response<Body>, Refusal> {
        let (head, incoming) = upstream.into_parts();
        ending.status(head.status.as_u16());
        ending.done(Done::Unknown);
        if let Err(refusal) = self.may_pass(&recorded, head.status, &head.headers) {
            ending.because(refusal.word());
            return Err(refusal);
        }
        if let Some(refusal) = self.too_long(&recorded, Media::of(&head.headers), &incoming) {
            ending.because(TOO_LONG);
            return Err(refusal);
        }
        let headers = self.headers(&recorded, &head.headers);
        // What is no success holds no list, and is relayed as it is: clients of both eras read such bodies.
        let lists = recorded.call().may_list_tools() && head.status.is_success();
        let body = match Media::of(&head.headers) {
            Media::Json if lists => self.filtered(&recorded, incoming, &mut ending).await?,
            Media::Other if lists => {
                ending.because("bad_upstream");
                return Err(bad(&recorded, "answered with neither JSON nor events where tools may be listed"));
            }
            media => {
                let viewer = if lists { Some(self.viewer(&recorded, &mut ending).await?) } else { None };
                self.relayed(&recorded, incoming, media, viewer, ending)
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
        viewer: Option<Viewer>,
        ending: Ending,
    ) -> Body {
        let call = recorded.call();
        let watch = Watch::over(self.verifier.clone(), self.ground(recorded));
        let mut relayed = Relayed::new(incoming, watch, ending, call.server.config.answer_bytes);
        relayed.seal = self.sealing(recorded, media);
        if media == Media::Events {
            relayed.ends = match (farewell(recorded), call.request_id()) {
                (Some(farewell), _) => Ends::Saying(farewell),
                (None, Some(id)) => Ends::Unanswered { id: id.into(), seen: AnswerSeen::default() },
                (None, None) => Ends::Silently,
            };
            relayed.quiet = Some(Quiet::new());
            relayed.listener = self.end.take().map(|end| Box::pin(end.begins()) as _);
            relayed.filter = viewer.map(|viewer| Filter::new(viewer, call.revision, self.list_bytes));
        }
        net::boxed(relayed)
    }

    /// An answer that says that it is too long. One that does not say how long it is, is cut when it gets there.
    fn too_long(&self, recorded: &Recorded<Call>, media: Media, incoming: &Incoming) -> Option<Refusal> {
        let (call, announced) = (recorded.call(), incoming.size_hint().lower());
        if media == Media::Events
            || call.server.config.answer_bytes.allows(usize::try_from(announced).unwrap_or(usize::MAX))
        {
            return None;
        }
        let refusal = bad(recorded, ANSWER_TOO_LONG);
        Some(if call.message().is_some() { Refusal::MayBeDone(ANSWER_TOO_LONG) } else { refusal })
    }

    fn sealing(&self, recorded: &Recorded<Call>, media: Media) -> Option<Sealing> {
        let (call, live, events) = (recorded.call(), recorded.live(), media == Media::Events);
        match call.revision.comes_back() {
            ComesBack::EventIds if events => Some(Sealing::EventIds(EventIds::new(self.seals.clone(), live))),
            ComesBack::RequestStates if media != Media::Other => {
                let states =
                    call.called().and_then(|called| RequestStates::of(called, call.revision, events, self.seals, live));
                states.map(Sealing::States)
            }
            _ => None,
        }
    }

    fn ground(&self, recorded: &Recorded<Call>) -> Ground {
        recorded.ground(self.verifier.store().now(), self.longest_call)
    }

    /// Some answers mean nothing to the client, because they are about us.
    fn may_pass(&self, recorded: &Recorded<Call>, status: StatusCode, headers: &HeaderMap) -> Result<(), Refusal> {
        if status == StatusCode::UNAUTHORIZED {
            // Some servers say so of a session that they do not know (any more). One that wants credentials says which
            // (RFC 9110 §15.5.2), and says so to `initialize` as well.
            if recorded.call().session.is_some() && !headers.contains_key(header::WWW_AUTHENTICATE) {
                let server = recorded.call().server.id.to_string();
                if let Some(count) = recorded.call().server.failed("session_unknown") {
                    let what = "answered 401 without a challenge to a session";
                    tracing::info!(event = "upstream_session_unknown", %server, count, what);
                }
                return Err(Refusal::UnknownSession);
            }
            return Err(bad(
                recorded,
                "refused the gateway's own credentials; an administrator must check its `headers`",
            ));
        }
        if status.is_redirection() || status.is_informational() {
            let target = net::redirect::shown(headers);
            let server = recorded.call().server.id.to_string();
            if let Some(count) = recorded.call().server.failed("redirects") {
                let hint = "write the address it redirects to into `url`";
                tracing::warn!(event = "upstream_redirects", %server, target, count, hint);
            }
            return Err(bad(
                recorded,
                "answered with a redirect that is not followed; its address is in the gateway's log",
            ));
        }
        let coding = headers.get(header::CONTENT_ENCODING);
        if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            bad(recorded, "answered in an encoding that was not asked for");
            return Err(Refusal::MayBeDone("the server answered in an encoding that was not asked for"));
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
            let ours = theirs
                .get(session::HEADER)
                .and_then(|theirs| Session::told(theirs, call.session.as_ref(), self.seals, recorded.live()));
            if let Some(ours) = ours {
                headers.insert(HeaderName::from_static(session::HEADER), ours);
            }
        }
        headers
    }

    async fn viewer(&self, recorded: &Recorded<Call>, ending: &mut Ending) -> Result<Viewer, Refusal> {
        let (server, policies) = (recorded.call().server.clone(), self.policies.clone());
        let viewer = Viewer::of(server, recorded.live(), policies, self.verifier).await;
        viewer.inspect_err(|refusal| match refusal {
            Refusal::InvalidToken(_) => ending.because("authority_ended"),
            refusal => ending.because(refusal.word()),
        })
    }

    /// The list is read as long as the principal stands, and seen with the eyes of the moment when it is whole.
    async fn filtered(
        &self,
        recorded: &Recorded<Call>,
        incoming: Incoming,
        ending: &mut Ending,
    ) -> Result<Body, Refusal> {
        let bad = |what| bad(recorded, what);
        let whole = tokio::select! {
            biased;
            lost = watch::lost(self.verifier, self.ground(recorded)) => {
                ending.because(lost.word());
                return Err(recorded.cut(lost));
            }
            whole = net::read_body(incoming, self.list_bytes) => whole,
        };
        let viewer = self.viewer(recorded, ending).await?;
        let now = self.verifier.store().now();
        let revision = recorded.call().revision;
        let filtered =
            whole.map_err(|_| bad("sent a list that is too long or broke off")).and_then(
                |whole| match tool_list::filter(&whole, &viewer, revision, now) {
                    Ok(filtered) => Ok(filtered.map_or(whole, Into::into)),
                    Err(_) => Err(bad("sent a list that is not strict JSON")),
                },
            );
        let bytes = filtered.inspect_err(|_| ending.because("bad_upstream"))?;
        ending.relayed(bytes.len());
        ending.because("complete");
        ending.done(Done::Answered);
        Ok(net::full(bytes))
    }
}

fn bad(recorded: &Recorded<Call>, what: &'static str) -> Refusal {
    let server = recorded.call().server.id.to_string();
    if let Some(count) = recorded.call().server.failed(what) {
        tracing::warn!(event = "bad_upstream", %server, what, count);
    }
    Refusal::BadUpstream { server, what }
}

/// The last event of a subscription that ends because the authority does.
fn farewell(recorded: &Recorded<Call>) -> Option<String> {
    let call = recorded.call();
    let id = call.request_id().filter(|_| call.listens())?;
    let result = call.revision.farewell(id)?;
    Some(sse::event(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}")))
}
