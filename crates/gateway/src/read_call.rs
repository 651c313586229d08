//! From a request to a call, or to why it is none.
//!
//! Content coding and media type → the bytes of the body, each one counted for its grant → strict JSON → revision → session.
//!
//! Spec: MCP basic/transports/streamable-http.
//!
//! Next: `authority::decide`.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, header, request::Parts};
use mcp::{
    jsonrpc,
    revision::{self, Revision},
};
use model::{Grant, Id};
use net::{BodyError, ReadError};

use crate::{
    call::{Action, Call, Carried},
    gateway::Gateway,
    principal::Principal,
    protected_server::ProtectedServer,
    quota::{self, Quota, Share},
    refusal::{self, Asked, Refusal},
    sealed::{event_id, request_state, session::Session},
};

impl Gateway {
    /// A GET is a stream from the first; everything else is a call.
    pub(crate) fn under_way(&self, grant: &Id<Grant>, parts: &Parts) -> Result<Share, Quota> {
        match parts.method {
            Method::GET => self.quotas.stream(grant),
            _ => self.quotas.call(grant),
        }
    }

    /// A call whose answer is a subscription becomes a stream.
    fn standing(
        &self,
        principal: &Principal,
        revision: &'static dyn Revision,
        action: &Action,
        share: Share,
    ) -> Result<Share, Quota> {
        let method = match action {
            Action::Send(message) => message.method().and_then(|name| revision.method(name)),
            Action::Listen | Action::EndSession => None,
        };
        match method {
            Some(method) if method.stands => self.quotas.stream(&principal.grant().id),
            _ => Ok(share),
        }
    }

    /// From a request to a call, or to why it is none.
    pub(crate) async fn read_call<B>(
        &self,
        server: &Arc<ProtectedServer>,
        parts: &Parts,
        body: B,
        principal: &Principal,
        asked: &mut Asked,
        (bytes, share): (&mut quota::Bytes, Share),
    ) -> Result<Call, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<BodyError>,
    {
        let headers = &parts.headers;
        let mut params = Vec::new();
        let (revision, action) = if parts.method == Method::POST {
            let body = self.read(headers, body, bytes).await?;
            let mut message = jsonrpc::parse(&body).map_err(|malformed| {
                asked.id.clone_from(&malformed.id);
                Refusal::Malformed(malformed)
            })?;
            asked.id = message.id().map(Into::into);
            asked.is_request = message.is_request();
            asked.calls_tool = message.method() == Some("tools/call");
            let revision = revision::speak(headers, &message)?;
            asked.revision = Some(revision);
            if share.only_cancels() && message.method() != Some("notifications/cancelled") {
                return Err(Quota::Calls.into());
            }
            if let Some(call) = message.call() {
                server
                    .definitions
                    .know(revision, call)
                    .await
                    .map_err(|error| refusal::not_listed(&server.id, &error))?;
                params = revision.argument_headers(headers, call, &server.definitions.param_headers)?;
            }
            request_state::bring_back(&mut message, revision, &self.seals, principal)?;
            (revision, Action::Send(Box::new(message)))
        } else {
            let revision = revision::speak_without_body(headers).ok_or(Refusal::MethodNotAllowed)?;
            if share.only_cancels() {
                return Err(Quota::Calls.into());
            }
            (revision, if parts.method == Method::GET { Action::Listen } else { Action::EndSession })
        };
        // Later revisions have no sessions, and ignore what looks like one.
        let session = if revision.has_sessions() { Session::named(headers, &self.seals, principal)? } else { None };
        let mut carried = Carried { params, ..Carried::of(headers, revision) };
        if let Action::Listen = action {
            carried.last_event_id = event_id::resumed_after(headers, &self.seals, principal)?;
        }
        let share = Arc::new(self.standing(principal, revision, &action, share)?);
        let request = asked.by.as_ref().map_or_else(Box::default, |by| by.request.clone());
        Ok(Call { server: server.clone(), revision, action, session, carried, request, share, task: None })
    }

    /// An encoded body could hide from the limit, and from the reader: it is refused.
    async fn read<B>(&self, headers: &HeaderMap, body: B, bytes: &mut quota::Bytes) -> Result<Bytes, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<BodyError>,
    {
        let coding = headers.get(header::CONTENT_ENCODING);
        if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(Refusal::ContentCoding);
        }
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            return Err(Refusal::MediaType);
        }
        let max = self.config.limits.request_bytes;
        let announced = body.size_hint().lower() as usize;
        if announced > max {
            return Err(Refusal::TooLarge(max));
        }
        bytes.take(announced)?;
        let (mut arrived, mut full) = (0, None);
        let read = net::read_counted(body, max, |more| {
            arrived += more;
            let beyond = more.min(arrived.saturating_sub(announced));
            full = bytes.take(beyond).err();
            full.is_none()
        })
        .await;
        read.map_err(|error| match error {
            ReadError::TooLarge { .. } => Refusal::TooLarge(max),
            ReadError::NoRoom => full.map_or(Refusal::NoRoom, Into::into),
            ReadError::Broken(_) | ReadError::TooSlow => Refusal::Incomplete,
        })
    }
}
