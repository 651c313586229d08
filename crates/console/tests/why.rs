//! Why a call is refused, beside the refusal; and what an agent did, for the person it is of.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "../../governance/tests/support/mod.rs"]
mod support;

use model::{
    Actor, Target,
    event::{CallRefused, examples},
};
use support::{CLAUDE, Installation, NIGHTLY};

/// A call of `agent` that was refused, as the gateway records it.
async fn refuse(world: &Installation, agent: &str, tool: &str) {
    let event = CallRefused {
        agent: agent.parse().unwrap(),
        tier: Some("high".parse().unwrap()),
        by: Some("approval".parse().unwrap()),
        tool: Some(tool.parse::<model::ToolName>().unwrap().into()),
        ..examples::call_refused()
    };
    world.store.record(event.by(Actor::Agent(agent.parse().unwrap()))).await.unwrap();
}

fn address(agent: &str, tool: &str) -> String {
    format!("/console/why?agent={}&tool={tool}", agent.replace('@', "%40"))
}

#[tokio::test]
async fn every_refused_record_leads_to_why_and_the_page_says_what_would_have_to_be_true() {
    let world = Installation::start().await;
    refuse(&world, CLAUDE, "delete_ticket").await;
    let carol = world.browser("carol").await;
    let log = carol.get("/console/audit?event=call_refused").await.html;
    let at = address(CLAUDE, "tickets.delete_ticket");
    assert!(log.contains(&at.replace('&', "&#38;")), "{log}");
    let page = carol.get(&at).await.html;
    for part in [
        "it may be called once another person approves tickets.delete_ticket",
        "the consent of its person",
        "policy explain",
        "high",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let claude = Target::Agent(CLAUDE.parse().unwrap());
    governance::orders::revoke(&world.store, &claude, Actor::Operator, "strange").await.unwrap();
    assert!(carol.get(&at).await.html.contains("the kill switch covers"));
}

#[tokio::test]
async fn whoever_has_nothing_to_do_with_an_agent_learns_not_even_whether_it_exists() {
    let world = Installation::start().await;
    let (ada, eve, carol) = (world.browser("ada").await, world.browser("eve").await, world.browser("carol").await);
    let at = address(NIGHTLY, "tickets.delete_ticket");
    assert_eq!(ada.get(&at).await.status, 200);
    let (theirs, none) = (eve.get(&at).await, eve.get(&address("nobody", "tickets.delete_ticket")).await);
    assert_eq!((theirs.status.as_u16(), none.status.as_u16()), (404, 404));
    for (agent, tool) in [(NIGHTLY, "nothing.here"), (NIGHTLY, "no tool"), (NIGHTLY, ""), ("", "tickets.delete_ticket")]
    {
        assert_eq!(carol.get(&address(agent, &tool.replace(' ', "+"))).await.status, 404, "{agent} {tool}");
    }
}

#[tokio::test]
async fn people_read_what_their_own_agents_did_and_no_other() {
    let world = Installation::start().await;
    refuse(&world, CLAUDE, "delete_ticket").await;
    let ada = world.browser("ada").await;
    assert!(ada.get("/me").await.html.contains(&format!(r#"href="/me/agents/{CLAUDE}""#)));
    let page = ada.get(&format!("/me/agents/{CLAUDE}")).await.html;
    assert!(page.contains("call_refused") && page.contains("delete_ticket"), "{page}");
    for name in ["eve", "carol"] {
        assert_eq!(world.browser(name).await.get(&format!("/me/agents/{CLAUDE}")).await.status, 404, "{name}");
    }
    assert_eq!(ada.get("/me/agents/nobody").await.status, 404);
    // Nothing is changed there.
    let posted = ada.post(&format!("/me/agents/{CLAUDE}"), "").await;
    assert_eq!((posted.status.as_u16(), posted.location.as_str()), (405, ""));
}
