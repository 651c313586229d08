//! What stands above the low tier for an agent, and how it becomes something that it asks for, in one step.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "../../governance/tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use model::{AgentKind, Authority, Class, Decision, StepUp, Tier};
use policy::{Policies, PolicyFile};
use privilege::authority::{
    Asker,
    explain::{self, With},
};
use support::{CLAUDE, Installation, NIGHTLY};

/// Nightly may write tickets at any time.
async fn lenient() -> Installation {
    let mut world = Installation::start().await;
    let text = r#"@id("nightly-writes") permit (principal == Agent::"nightly", action in Action::"call", resource in Server::"tickets")
                  when { resource.tier == Tier::"medium" };"#;
    let file = PolicyFile { name: "own.cedar".into(), text: text.into() };
    world.policies = Arc::new(Policies::load(&[file]).unwrap());
    world
}

async fn said(world: &Installation) -> Decision {
    let agent = world.store.agent(&NIGHTLY.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(agent.kind, AgentKind::Autonomous);
    let target = model::CallTarget::Tool("create_ticket".parse().unwrap(), Class::Rated(Tier::Medium));
    let (tickets, asker) = ("tickets".parse().unwrap(), Asker::of(&agent));
    explain::with(&world.policies, &asker, (&tickets, &target), Authority::Standing, With::Any).unwrap()
}

#[tokio::test]
async fn what_stands_above_the_low_tier_is_named_and_one_press_makes_it_ask() {
    let world = lenient().await;
    let (dan, at) = (world.browser("dan").await, format!("/console/agents/{NIGHTLY}"));
    let before = dan.get(&at).await.html;
    assert!(before.contains("Policies let it call this tool at any time") && before.contains("tickets.create_x"));
    assert!(matches!(said(&world).await, Decision::Allow { .. }));
    let posted = dan.post(&format!("{at}/standing"), "eligible_only=true").await;
    assert_eq!((posted.status.as_u16(), posted.location.as_str()), (303, at.as_str()));
    let after = dan.get(&at).await.html;
    assert!(after.contains("Nothing stands") && !after.contains("tickets.create_x"), "{after}");
    let decision = said(&world).await;
    assert!(matches!(decision, Decision::StepUp { by: StepUp::Consent, .. }), "it can still be had: {decision:?}");
    assert!(decision.policies().contains(&"eligible-only".to_owned()), "{decision:?}");
    let again = dan.post(&format!("{at}/standing"), "eligible_only=true").await;
    assert!(again.status == 409 && again.html.contains("already"), "{}", again.html);
    assert_eq!(dan.post(&format!("{at}/standing"), "eligible_only=false").await.status, 303);
    assert!(matches!(said(&world).await, Decision::Allow { .. }));
}

#[tokio::test]
async fn only_an_administrator_may_and_nothing_is_said_where_nothing_stands() {
    let world = lenient().await;
    let at = format!("/console/agents/{NIGHTLY}");
    let carol = world.browser("carol").await;
    let page = carol.get(&at).await.html;
    assert!(page.contains("Policies let it call") && !page.contains("Make it ask first"), "{page}");
    for name in ["carol", "ada", "bob"] {
        let refused = world.browser(name).await.post(&format!("{at}/standing"), "eligible_only=true").await;
        assert_eq!(refused.status, 403, "{name}");
    }
    let dan = world.browser("dan").await;
    assert_eq!(dan.post(&format!("{at}/standing"), "eligible_only=perhaps").await.status, 400);
    assert_eq!(dan.post("/console/agents/nobody/standing", "eligible_only=true").await.status, 404);
    assert!(matches!(said(&world).await, Decision::Allow { .. }));
    assert!(!dan.get(&format!("/console/agents/{CLAUDE}")).await.html.contains("Above the low tier"));
}
