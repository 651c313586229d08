//! What a refusal looks like on the wire.

use std::sync::Arc;

use crypto::{CLIENT_ALGORITHMS, ProofError};
use http::{HeaderValue, Response, StatusCode, header};
use mcp::{
    challenge::{Challenge, Scheme},
    jsonrpc::code::{INVALID_PARAMS, METHOD_NOT_FOUND},
    revision::{Revision, SendsTo},
    sse,
};
use model::{
    Scope, StepUp, Tier, ToolName,
    config::{ChallengeStyle, ProofDemand},
};
use net::Body;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Refusal, denial};
use crate::{
    may_be_done,
    principal::{Principal, PrincipalError},
    protected_server::ProtectedServer,
    quota::Quota,
};

/// What is known about the request that is refused.
#[derive(Debug, Default, Clone)]
pub struct Asked {
    /// The id of the message, as raw JSON text.
    pub id: Option<Box<str>>,
    /// Is it a request, which has an answer?
    pub is_request: bool,
    /// Does the message call a tool?
    pub calls_tool: bool,
    /// The revision that the request speaks, once that is known.
    pub revision: Option<&'static dyn Revision>,
    /// By which scheme a token was presented: a challenge says what is wrong in it.
    pub scheme: Scheme,
    /// Who asked, once that is known. For the log only.
    pub by: Option<By>,
}

/// Who asked for what, as the log names it.
#[derive(Debug, Clone)]
pub struct By {
    /// Agent, person and grant.
    pub principal: Arc<Principal>,
    /// Joins the line with the record.
    pub request: Box<str>,
    /// What was to be acted on, as far as it was decided on.
    pub tool: Option<ToolName>,
    /// The policies that said no.
    pub policies: Vec<String>,
}

impl By {
    /// The principal, of whose request nothing is known yet.
    pub fn of(principal: &Arc<Principal>) -> Self {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        let request = BASE64_URL_SAFE_NO_PAD.encode(crypto::random::<12>()).into();
        Self { principal: principal.clone(), request, tool: None, policies: Vec::new() }
    }
}

/// The response that says no.
pub fn respond(refusal: &Refusal, server: Option<&ProtectedServer>, asked: &Asked) -> Response<Body> {
    let mut response = match refusal {
        _ if is_told_to_the_model(refusal, asked) => {
            sends_person(refusal, asked).unwrap_or_else(|| tool_error(refusal, server, asked))
        }
        _ => error(refusal, asked),
    };
    *response.status_mut() = status(refusal, asked);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let is_challenged = status(refusal, asked) != StatusCode::OK;
    // One field each, because simple readers read the first one only.
    for challenge in
        server.filter(|_| is_challenged).iter().flat_map(|server| challenges(refusal, server, asked.scheme))
    {
        headers.append(header::WWW_AUTHENTICATE, challenge.header());
    }
    match refusal {
        Refusal::Quota(Quota::RefusalSampling) => headers.insert(header::RETRY_AFTER, HeaderValue::from_static("10")),
        Refusal::Unavailable | Refusal::NoRoom | Refusal::Quota(_) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"))
        }
        Refusal::MethodNotAllowed => {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST, GET, DELETE, OPTIONS"))
        }
        _ => None,
    };
    response
}

/// Is it the result of a tool? No scope cures it, so the model should read why.
fn is_told_to_the_model(refusal: &Refusal, asked: &Asked) -> bool {
    let cured_by_no_scope = matches!(
        refusal,
        Refusal::Held(..)
            | Refusal::Task(_)
            | Refusal::Arguments { .. }
            | Refusal::Untyped(_)
            | Refusal::Denied(..)
            | Refusal::Blocked
            | Refusal::Awaited { .. }
            | Refusal::TurnedDown { .. }
    );
    let in_the_result = matches!(refusal, Refusal::StepUp { told, .. } if told.style != ChallengeStyle::Http);
    (cured_by_no_scope || in_the_result) && asked.calls_tool && asked.is_request
}

fn status(refusal: &Refusal, asked: &Asked) -> StatusCode {
    match refusal {
        Refusal::NotFound | Refusal::Elsewhere(_) | Refusal::UnknownSession => StatusCode::NOT_FOUND,
        Refusal::UnknownHost => StatusCode::MISDIRECTED_REQUEST,
        Refusal::StepUp { told, .. }
            if told.style == ChallengeStyle::ToolError && is_told_to_the_model(refusal, asked) =>
        {
            StatusCode::OK
        }
        Refusal::ForeignOrigin | Refusal::StepUp { .. } => StatusCode::FORBIDDEN,
        Refusal::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::NoCredentials
        | Refusal::MalformedToken
        | Refusal::InvalidToken(_)
        | Refusal::Proof(_)
        | Refusal::KeyRequired => StatusCode::UNAUTHORIZED,
        Refusal::MediaType | Refusal::ContentCoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::BadCredentials(_)
        | Refusal::Incomplete
        | Refusal::Malformed(_)
        | Refusal::NotSpoken(_)
        | Refusal::ForeignEvent
        | Refusal::OrphanResponse => StatusCode::BAD_REQUEST,
        // A notification has no answer in which an error could stand.
        Refusal::UnknownMethod | Refusal::Tasks if asked.id.is_none() => StatusCode::BAD_REQUEST,
        Refusal::UnknownMethod
        | Refusal::Tasks
        | Refusal::NoTool
        | Refusal::Missing(_)
        | Refusal::OneAtATime
        | Refusal::ForeignState => {
            asked.revision.map_or(StatusCode::OK, |revision| revision.error_status(code(refusal, asked)))
        }
        _ if is_told_to_the_model(refusal, asked) => StatusCode::OK,
        // Of a prompt, which has no result in which a model could read it.
        Refusal::Arguments { .. } => {
            asked.revision.map_or(StatusCode::OK, |revision| revision.error_status(code(refusal, asked)))
        }
        Refusal::Held(..)
        | Refusal::Task(_)
        | Refusal::Untyped(_)
        | Refusal::Denied(..)
        | Refusal::Blocked
        | Refusal::Awaited { .. }
        | Refusal::TurnedDown { .. } => StatusCode::FORBIDDEN,
        Refusal::Quota(_) => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Unavailable | Refusal::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Unreachable(_) | Refusal::NoStream(_) | Refusal::BadUpstream { .. } => StatusCode::BAD_GATEWAY,
        // A status that says "not done" makes clients and proxies send it again. What has no answer was accepted.
        Refusal::MayBeDone(_) if asked.is_request => StatusCode::OK,
        Refusal::MayBeDone(_) | Refusal::NotSentOn => StatusCode::ACCEPTED,
    }
}

/// What the client is to do, in the scheme that it used; and in both, when it used none or the wrong one. No credentials, no `error`.
///
/// Spec: RFC 6750 §3, §3.1; RFC 9449 §7.1, §7.2, §9; RFC 9728 §5.1; MCP basic/authorization (scope challenge)
fn challenges(refusal: &Refusal, server: &ProtectedServer, scheme: Scheme) -> Vec<Challenge> {
    let baseline = Scope::Low(server.id.clone()).to_string();
    let metadata = &server.metadata_url;
    let realm = |scheme| match scheme {
        Scheme::Bearer => Challenge::bearer().with("realm", server.id.as_str()),
        Scheme::Dpop => Challenge::of_scheme(scheme),
    };
    let known = |challenge: Challenge| challenge.with("resource_metadata", metadata).with("scope", &baseline);
    // Whoever proves a key is told by which algorithms.
    let with_algs = |scheme, challenge: Challenge| match scheme {
        Scheme::Bearer => challenge,
        Scheme::Dpop => challenge.with("algs", &CLIENT_ALGORITHMS.join(" ")),
    };
    let plain = |scheme| with_algs(scheme, known(realm(scheme)));
    let failed = |scheme, error: &str| {
        let challenge = realm(scheme).with("error", error).with("error_description", &refusal.to_string());
        with_algs(scheme, known(challenge))
    };
    match refusal {
        Refusal::NoCredentials => match server.proof.of(Tier::Low) {
            ProofDemand::Required => vec![plain(Scheme::Dpop)],
            ProofDemand::Optional => vec![plain(Scheme::Bearer), plain(Scheme::Dpop)],
        },
        Refusal::InvalidToken(PrincipalError::KeyNotShown) => {
            vec![failed(Scheme::Bearer, "invalid_token"), plain(Scheme::Dpop)]
        }
        Refusal::InvalidToken(PrincipalError::NotBound) => {
            vec![plain(Scheme::Bearer), failed(Scheme::Dpop, "invalid_token")]
        }
        Refusal::MalformedToken | Refusal::InvalidToken(_) => vec![failed(scheme, "invalid_token")],
        Refusal::KeyRequired => vec![failed(Scheme::Dpop, "invalid_token")],
        Refusal::Proof(ProofError::Nonce(_)) => vec![failed(Scheme::Dpop, "use_dpop_nonce")],
        Refusal::Proof(_) => vec![failed(Scheme::Dpop, "invalid_dpop_proof")],
        Refusal::BadCredentials(why) => vec![
            realm(scheme)
                .with("error", "invalid_request")
                .with("error_description", &why.to_string())
                .with("resource_metadata", metadata),
        ],
        Refusal::StepUp { scopes, .. } => vec![
            Challenge::of_scheme(scheme)
                .with("error", "insufficient_scope")
                .with("scope", &scopes.to_string())
                .with("resource_metadata", metadata)
                .with("error_description", &refusal.to_string()),
        ],
        _ => Vec::new(),
    }
}

/// A JSON-RPC error. Ours have HTTP-like codes, because the reserved range belongs to the protocol.
fn error(refusal: &Refusal, asked: &Asked) -> Response<Body> {
    if matches!(refusal, Refusal::MayBeDone(_) | Refusal::NotSentOn) && !asked.is_request {
        return Response::new(net::empty());
    }
    let mut error = json!({"code": code(refusal, asked), "message": refusal.to_string()});
    if let Refusal::NotSpoken(why) = refusal
        && let Some(data) = why.data()
    {
        error["data"] = data;
    }
    if let Refusal::MayBeDone(what) = refusal {
        error = what.error();
    }
    answer(asked, "error", error)
}

/// The event that ends the stream of a request without its answer.
pub fn event_of(refusal: &Refusal, id: &str) -> String {
    let asked = Asked { is_request: true, ..Asked::default() };
    let error = match refusal {
        Refusal::MayBeDone(what) => what.error(),
        refusal => json!({"code": code(refusal, &asked), "message": refusal.to_string()}),
    };
    sse::event(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}"))
}

fn code(refusal: &Refusal, asked: &Asked) -> i32 {
    match refusal {
        Refusal::Malformed(malformed) => malformed.cause.code(),
        Refusal::NotSpoken(why) => why.code(),
        Refusal::UnknownMethod | Refusal::Tasks => METHOD_NOT_FOUND,
        Refusal::NoTool
        | Refusal::Missing(_)
        | Refusal::OneAtATime
        | Refusal::ForeignState
        | Refusal::Arguments { .. } => INVALID_PARAMS,
        Refusal::MayBeDone(_) => may_be_done::CODE,
        _ => i32::from(status(refusal, asked).as_u16()),
    }
}

/// What the model reads.
fn words(refusal: &Refusal) -> String {
    format!("Refused by the gateway: {refusal}.")
}

/// Spec: MCP server/tools (tool execution errors), MCP 2026-07-28 basic/index (`resultType`)
fn tool_error(refusal: &Refusal, server: Option<&ProtectedServer>, asked: &Asked) -> Response<Body> {
    let mut result = json!({"content": [{"type": "text", "text": words(refusal)}], "isError": true});
    if let Some(revision) = asked.revision {
        revision.complete(&mut result);
    }
    if let Some(elevation) = refusal.elevation() {
        let state = if matches!(refusal, Refusal::Awaited { .. }) { "requested" } else { "denied" };
        result["_meta"] = json!({"io.portcullis/elevation": {"id": elevation, "state": state}});
        if let Refusal::Awaited { at, number: Some(number), .. } = refusal {
            result["_meta"]["io.portcullis/denial"] = denial::awaited(at, *number);
        }
    }
    if let Refusal::StepUp { by, told, .. } = refusal {
        let challenges = server.iter().flat_map(|server| challenges(refusal, server, asked.scheme));
        let challenges = challenges.filter_map(|challenge| challenge.header().to_str().ok().map(str::to_owned));
        result["_meta"] = json!({
            "io.portcullis/denial": denial::of(*by, told),
            "mcp/www_authenticate": challenges.collect::<Vec<_>>(),
        });
    }
    answer(asked, "result", result)
}

/// The client sends its person to our page, and makes the call again afterwards.
///
/// The address gives nothing to whoever opens it: our page asks who they are, and shows the call to the person it is done for.
///
/// Spec: MCP 2026-07-28 client/elicitation (url mode, security considerations), basic/patterns/mrtr; MCP 2025-11-25
/// client/elicitation (URL elicitation required error)
fn sends_person(refusal: &Refusal, asked: &Asked) -> Option<Response<Body>> {
    let Refusal::StepUp { what, by, told, .. } = refusal else { return None };
    if !told.sends_person || told.style != ChallengeStyle::ToolError {
        return None;
    }
    let message = match by {
        StepUp::Consent => format!("{what} needs your consent. Allow it here, and the call is made again."),
        StepUp::Approval => {
            format!(
                "{what} needs the approval of another person. Ask for it here; the call is made again when you come back."
            )
        }
    };
    Some(match asked.revision?.sends_to(&told.at, &message, &words(refusal))? {
        SendsTo::Result(result) => answer(asked, "result", result),
        SendsTo::Error(error) => answer(asked, "error", error),
    })
}

fn answer(asked: &Asked, member: &'static str, value: Value) -> Response<Body> {
    let id = asked.id.as_deref().filter(|id| *id != "null").and_then(|id| RawValue::from_string(id.to_owned()).ok());
    let id = id.map_or_else(String::new, |id| format!("\"id\":{id},"));
    let mut response = Response::new(net::full(format!("{{\"jsonrpc\":\"2.0\",{id}\"{member}\":{value}}}")));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
