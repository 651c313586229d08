//! The audit records of a call: decided, refused, ended. Never a token, never an argument.

use model::{AccessClaims, Actor, Elevation, Event, EventName, Id, Server, Tier, ToolName};

use crate::{
    authority::{Matter, Refused},
    call::Call,
    live::Live,
    permit::Basis,
    refusal::Refusal,
};

/// A call was allowed and is about to be sent.
pub fn decided(call: &Call, live: &Live, matter: &Matter, basis: &Basis, policy: &str) -> Event {
    let event = about(EventName::CallDecided, call, live)
        .with("decision", "allow")
        .with("tier", matter.tier)
        .with("scope", &matter.scope)
        .with("policy", policy);
    let event = match &matter.tool {
        Some(tool) => event.with("tool", tool),
        None => event,
    };
    match basis {
        Basis::Standing => event.with("authority", "standing"),
        Basis::Elevation { .. } => event.with("authority", "elevation"),
    }
}

/// A call was refused.
pub fn refused(refused: &Refused, policy: &str) -> Event {
    let event = about(EventName::CallRefused, &refused.call, &refused.live).with("policy", policy);
    describe(event.list("policies", &refused.policies), &refused.refusal, refused.tool.as_ref(), refused.tier)
}

/// Somebody known was refused before it was clear what they wanted.
pub fn refused_early(refusal: &Refusal, server: &Id<Server>, live: &Live, request: &str) -> Event {
    let event = principal(EventName::CallRefused, live).with("server", server).with("request", request);
    describe(event, refusal, None, None)
}

/// A token of ours came whose grant, agent or person is dead.
pub fn refused_dead(refusal: &Refusal, server: &Id<Server>, claims: &AccessClaims) -> Event {
    let event = Event::new(EventName::CallRefused, Actor::Agent(claims.agent_id.to_string()))
        .with("agent", &claims.agent_id)
        .with("client", &claims.client_id)
        .with("grant", &claims.grant_id)
        .with("jti", &claims.jti)
        .with("server", server)
        .with("why", refusal);
    describe(event, refusal, None, None)
}

/// The last use of an elevation was taken.
pub fn ended_by_last_use(elevation: &Elevation) -> Event {
    Event::new(EventName::ElevationEnded, Actor::System)
        .with("elevation", &elevation.id)
        .with("grant", &elevation.grant)
        .with("scope", &elevation.scope)
        .with("reason", "used_up")
}

/// A use of an elevation was given back: the call that took it never left.
pub fn use_returned(elevation: &Elevation, request: &str) -> Event {
    Event::new(EventName::ElevationUseReturned, Actor::System)
        .with("elevation", &elevation.id)
        .with("grant", &elevation.grant)
        .with("scope", &elevation.scope)
        .with("request", request)
        .with("state", elevation.state)
        .count("uses", elevation.uses.into())
}

fn about(name: EventName, call: &Call, live: &Live) -> Event {
    let method: String = call.method().chars().take(128).collect();
    let event =
        principal(name, live).with("server", &call.server.id).with("method", method).with("request", &call.request);
    let event = match call.message().and_then(|message| message.params().uri.as_deref()) {
        // As long as a log line may be; where it matters, the rule that matched is named beside it.
        Some(uri) => event.with("uri", uri.chars().take(256).collect::<String>()),
        None => event,
    };
    event.with("revision", call.revision)
}

fn principal(name: EventName, live: &Live) -> Event {
    let (claims, grant, agent) = (live.claims(), live.grant(), live.agent());
    let event = Event::new(name, Actor::Agent(agent.id.to_string()))
        .with("agent", &agent.id)
        .with("client", &agent.client)
        .with("grant", &grant.id)
        .with("jti", &claims.jti);
    match &grant.person {
        Some(person) => event.with("person", person),
        None => event,
    }
}

fn describe(event: Event, refusal: &Refusal, tool: Option<&ToolName>, tier: Option<Tier>) -> Event {
    let mut event = event.with("reason", refusal.word());
    if let Some(tool) = tool {
        event = event.with("tool", tool);
    }
    if let Some(tier) = tier {
        event = event.with("tier", tier);
    }
    if let Some(elevation) = refusal.elevation() {
        event = event.with("elevation", elevation);
    }
    match refusal {
        Refusal::StepUp { scopes, by, .. } => event.with("decision", "step_up").with("scope", scopes).with("by", by),
        _ => event.with("decision", "deny"),
    }
}
