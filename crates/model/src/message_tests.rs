use serde_json::Value;

use super::*;
use crate::{
    Actor, Elevation, EndsWith, Stage,
    event::{AgentChanged, DefinitionSeen, ElevationEnd, ElevationEnded, examples},
};

fn elevation(by: StepUp) -> Elevation {
    Elevation {
        id: "elv_1".parse().unwrap(),
        grant: "grt_1".parse().unwrap(),
        scope: "tickets.delete_ticket".parse().unwrap(),
        call: None,
        by,
        quorum: Default::default(),
        reason: "please, hunter2 <script>\r\nBcc: all".into(),
        requested_at: Timestamp::from_seconds(1),
        decide_before: Timestamp::from_seconds(900),
        lasts: Span::from_seconds(60),
        max_uses: 1,
        ends_with: EndsWith { task: None, idle: None, idle_until: None },
        stage: Stage::Requested,
    }
}

fn said(message: &Message) -> Value {
    serde_json::from_str(&message.body("https://gw.test", Timestamp::from_seconds(1_800_000_000))).unwrap()
}

/// Spec: Standard Webhooks (payload structure)
#[test]
fn an_approval_that_is_asked_for_says_what_and_where_to_look_and_no_word_of_the_agent() {
    let event = examples::elevation_requested(&elevation(StepUp::Approval)).by(Actor::System);
    let message = Message::of(&event).unwrap();
    assert_eq!(message.pace, None, "a person asked for it, and once");
    let said = said(&message);
    assert_eq!(said["type"], "approval_requested");
    assert_eq!(said["timestamp"], "2027-01-15T08:00:00Z");
    let data = &said["data"];
    assert_eq!(data["link"], "https://gw.test/console/approvals/elv_1");
    assert_eq!((&data["scope"], &data["tier"]), (&"tickets.delete_ticket".into(), &"high".into()));
    assert_eq!((&data["agent"], &data["person"]), (&"claude-code@ada".into(), &"ada".into()));
    assert_eq!((&data["may_act"]["role"], &data["may_act"]["but_not"]), (&"approver".into(), &"ada".into()));
    assert!(!said.to_string().contains("hunter2"), "{said}");
    let mut keys: Vec<_> = data.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["agent", "elevation", "link", "may_act", "person", "scope", "server", "tier"]);
}

/// Field: W10
#[test]
fn nobody_is_told_of_what_a_person_consents_to_or_of_a_call_that_was_refused() {
    let consent = elevation(StepUp::Consent);
    assert_eq!(Message::of(&examples::elevation_requested(&consent).by(Actor::System)), None);
    assert_eq!(Message::of(&examples::elevation_approved(&consent).by(Actor::System)), None);
    assert_eq!(Message::of(&examples::call_refused().by(Actor::System)), None);
    assert_eq!(Message::of(&examples::call_decided("req_1").by(Actor::System)), None);
}

#[test]
fn an_agent_that_acts_for_itself_and_a_server_that_lists_much_are_told_of_once_in_a_while() {
    let mut requested = examples::elevation_requested(&elevation(StepUp::Approval));
    requested.of.person = None;
    let message = Message::of(&requested.by(Actor::System)).unwrap();
    assert_eq!(message.pace.as_deref(), Some("approval_requested/claude-code@ada"));
    let seen = |tool: &str, sighting| {
        let event = DefinitionSeen {
            server: "tickets".parse().unwrap(),
            tool: tool.parse::<crate::ToolName>().unwrap().into(),
            definition: "00".into(),
            sighting,
            accepted: None,
        };
        Message::of(&event.by(Actor::System))
    };
    let (one, other) = (seen("a", Sighting::New).unwrap(), seen("b", Sighting::Changed).unwrap());
    assert_eq!(one.pace, other.pace);
    assert_eq!(seen("a", Sighting::Back), None);
}

#[test]
fn ends_are_told_of_the_high_tier_and_agents_when_they_stop() {
    let ended = |scope: &str| {
        let elevation = Elevation { scope: scope.parse().unwrap(), ..elevation(StepUp::Approval) };
        Message::of(&ElevationEnded::of(&elevation, ElevationEnd::NotDecided).by(Actor::System))
    };
    assert_eq!(ended("tickets:medium"), None);
    assert_eq!(said(&ended("tickets.delete_ticket").unwrap())["data"]["cause"], "not_decided");
    let state = |state| Message::of(&AgentChanged::state("nightly".parse().unwrap(), state).by(Actor::System));
    assert_eq!(state(AgentState::Active), None);
    assert_eq!(said(&state(AgentState::Suspended).unwrap())["data"]["state"], "suspended");
}
