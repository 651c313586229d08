//! Events as they look, for the documentation of the log, and for tests that need something to record.

use crate::{
    Actor, Elevation, Event, Grant, Scope, Span, StepUp, Tier, Timestamp,
    event::{
        CallDecided, CallEnded, CallOf, CallRefusalReason, CallRefused, CallRest, ClockAccepted, Done,
        ElevationApproved, ElevationDenied, ElevationOf, ElevationRequested, Facts, GrantChange, GrantMade, LoggedOut,
        Outcome, Rests, Verdict,
    },
};

/// Something of which nothing matters but that it is recorded.
pub fn any() -> Event {
    LoggedOut { person: parsed("ada") }.by(Actor::Person(parsed("ada")))
}

/// A low call that is about to be sent.
pub fn call_decided(request: &str) -> CallDecided {
    CallDecided {
        agent: parsed("claude-code@ada"),
        client: parsed("https://claude.ai/oauth/claude-code-client-metadata"),
        grant: parsed("grt_YWRhLWNsYXVkZS1jb2Rl"),
        person: Some(parsed("ada")),
        jti: "tok_c2VjcmV0cyBzdGF5IG91dA".into(),
        server: parsed("tickets"),
        method: "tools/call".into(),
        request: request.into(),
        uri: None,
        revision: "2026-07-28",
        decision: Verdict::Allow,
        tier: Tier::Low,
        scope: Scope::Low(parsed("tickets")),
        tool: Some(parsed::<crate::ToolName>("get_ticket").into()),
        authority: Rests::Standing,
        elevation: None,
        policy: "9f86d081884c7d65".into(),
        policies: vec!["portcullis.low".into()],
        facts: Facts { epoch: Some("v3-LQ7g".into()), facts_age_ms: 42 },
        rest: CallRest::default(),
    }
}

/// A high call without an elevation.
pub fn call_refused() -> CallRefused {
    let CallDecided {
        agent, client, grant, person, jti, server, method, request, revision, policy, facts, rest, ..
    } = call_decided("req_MQ");
    CallRefused {
        agent,
        client,
        grant,
        person,
        jti,
        server,
        method: Some(method),
        request: Some(request),
        uri: None,
        revision: Some(revision),
        decision: Verdict::StepUp,
        reason: CallRefusalReason::StepUp,
        why: None,
        held: None,
        tier: Some(Tier::High),
        scope: Some("tickets.delete_ticket".into()),
        by: Some(StepUp::Approval),
        tool: Some(parsed::<crate::ToolName>("delete_ticket").into()),
        elevation: None,
        asked: None,
        policy: Some(policy),
        policies: vec!["portcullis.high".into()],
        facts: Some(facts),
        rest,
    }
}

/// The end of the call `request`.
pub fn call_ended(request: &str) -> CallEnded {
    CallEnded {
        agent: Some(parsed("claude-code@ada")),
        server: Some(parsed("tickets")),
        request: request.into(),
        outcome: Outcome::Complete,
        done: Done::Answered,
        bytes: Some(512),
        status: Some(200),
        node: None,
    }
}

/// Which elevation, under a grant of claude-code for ada.
fn of(elevation: &Elevation) -> ElevationOf {
    ElevationOf {
        elevation: elevation.id.clone(),
        grant: elevation.grant.clone(),
        agent: parsed("claude-code@ada"),
        person: Some(parsed("ada")),
        server: elevation.scope.server().clone(),
        scope: elevation.scope.clone(),
        call: elevation.call.as_ref().map(CallOf::of),
        tier: elevation.scope.tier(),
        by: elevation.by,
        reason: elevation.reason.clone(),
        task: None,
        stop: None,
    }
}

/// `elevation` was asked for.
pub fn elevation_requested(elevation: &Elevation) -> ElevationRequested {
    ElevationRequested {
        of: of(elevation),
        max_uses: elevation.max_uses,
        lasts: elevation.lasts.seconds(),
        approvals: None,
        number_matching: None,
    }
}

/// `elevation` was approved by bob.
pub fn elevation_approved(elevation: &Elevation) -> ElevationApproved {
    ElevationApproved {
        of: of(elevation),
        decided_by: parsed("bob"),
        in_name_of: None,
        approvals: None,
        approvers: None,
        until: elevation.not_after().unwrap_or_default().into(),
        may_differ: None,
        max_uses: elevation.max_uses,
        lasts: elevation.lasts.seconds(),
    }
}

/// `elevation` was denied by bob.
pub fn elevation_denied(elevation: &Elevation) -> ElevationDenied {
    ElevationDenied { of: of(elevation), decided_by: parsed("bob"), in_name_of: None, cause: None }
}

/// The clock was put right.
pub fn clock_accepted() -> ClockAccepted {
    ClockAccepted {
        was: Timestamp::from_seconds(1_800_000_000).into(),
        reason: "the virtual machine was resumed".into(),
        grants_ended: 0,
        installations_ended: 0,
        elevations_ended: 0,
        sessions_ended: 0,
    }
}

/// Records as the documentation shows them.
pub fn shown() -> Vec<String> {
    let at = Timestamp::from_seconds(1_800_000_000);
    let ada = Actor::Person(parsed("ada"));
    let grant = Grant {
        id: parsed("grt_YWRhLWNsYXVkZS1jb2Rl"),
        agent: parsed("claude-code@ada"),
        person: Some(parsed("ada")),
        server: parsed("tickets"),
        scopes: [Scope::Low(parsed("tickets"))].into_iter().collect(),
        created_at: at,
        not_after: at.after(Span::from_minutes(90 * 24 * 60)),
        ended_at: None,
    };
    let agent = || Actor::Agent(parsed("claude-code@ada"));
    [
        GrantMade::of(&grant, GrantChange::Made).by(ada),
        call_decided("req_MA").by(agent()),
        call_ended("req_MA").by(agent()),
        call_refused().by(agent()).counted(3),
    ]
    .iter()
    .map(|event| String::from_utf8_lossy(&event.to_record(at)).into_owned())
    .collect()
}

fn parsed<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("an example is well formed")
}
