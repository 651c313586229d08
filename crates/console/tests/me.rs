//! A person's own page: what their agents hold, where they are logged in, what they were refused, and the end of each.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "../../governance/tests/support/mod.rs"]
mod support;

use model::{
    Actor, ElevationState, Id, Span,
    event::{CallRefused, Verdict, examples},
};
use store::{Commit, StoreError, privilege::PrivilegeTx};
use support::{CLAUDE, Installation, NIGHTLY};

/// A call of `tool` that lacked something, as the gateway records it.
async fn refuse(world: &Installation, agent: &str, grant: &str, tool: &str, tier: &str, by: &str) {
    let event = CallRefused {
        agent: agent.parse().unwrap(),
        grant: grant.parse().unwrap(),
        tier: Some(tier.parse().unwrap()),
        scope: Some("tickets:low tickets:medium tickets.delete_ticket".into()),
        by: Some(by.parse().unwrap()),
        tool: Some(tool.parse::<model::ToolName>().unwrap().into()),
        policies: vec![format!("{tier}-by-{by}")],
        ..examples::call_refused()
    };
    let event = event.by(Actor::Agent(agent.parse().unwrap()));
    world.store.record(event).await.unwrap();
}

/// A login of a copy of ada's client.
async fn log_in(world: &Installation, id: &str, grant: &str, person: Option<&str>) -> Id<model::Installation> {
    let installation = model::Installation {
        id: id.parse().unwrap(),
        grant: grant.parse().unwrap(),
        client: "https://claude.ai/client.json".parse().unwrap(),
        person: person.map(|name| name.parse().unwrap()),
        since: world.now(),
        last_refresh: None,
        not_after: world.now().after(Span::from_minutes(60)),
        hard_end: world.now().after(Span::from_minutes(60)),
        ended_at: None,
    };
    let id = installation.id.clone();
    let event = examples::any();
    world
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_installation(&installation).await?;
                Ok(Commit::with(event, ()))
            })
        })
        .await
        .unwrap();
    id
}

/// Field: H18
#[tokio::test]
async fn a_call_that_lacked_the_medium_tier_is_listed_with_allow() {
    let world = Installation::start().await;
    for tool in ["create_ticket", "create_note", "create_ticket"] {
        refuse(&world, CLAUDE, "grt_claude", tool, "medium", "consent").await;
    }
    let page = world.browser("ada").await.get("/me").await.html;
    for part in [
        "Refused just now",
        "3 calls",
        "<code>create_ticket</code> <a ",
        "<code>create_note</code> <a ",
        r#"action="/me/step-up""#,
        r#"name="grant" value="grt_claude""#,
        r#"name="scope" value="tickets:medium""#,
        r#"name="by" value="consent""#,
        "create_*",
        ">Allow<",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("Ask for approval"), "{page}");
}

/// Field: H18
#[tokio::test]
async fn a_call_that_lacked_a_high_tool_is_listed_with_a_question_for_the_reason() {
    let world = Installation::start().await;
    refuse(&world, CLAUDE, "grt_claude", "delete_ticket", "high", "approval").await;
    let page = world.browser("ada").await.get("/me").await.html;
    for part in
        [r#"name="scope" value="tickets.delete_ticket""#, r#"value="approval""#, "Ask for approval", "Why is it"]
    {
        assert!(page.contains(part), "{part} in {page}");
    }
}

/// Field: H10
#[tokio::test]
async fn the_card_of_what_was_refused_names_the_policies_that_said_so() {
    let world = Installation::start().await;
    refuse(&world, CLAUDE, "grt_claude", "create_ticket", "medium", "consent").await;
    let page = world.browser("ada").await.get("/me").await.html;
    assert!(page.contains("Policy: <code>medium-by-consent</code>"), "{page}");
}

/// Field: H18
#[tokio::test]
async fn what_others_agents_lacked_or_was_long_ago_or_is_open_by_now_is_not_listed() {
    let world = Installation::start().await;
    let ada = world.browser("ada").await;
    refuse(&world, CLAUDE, "grt_claude", "create_ticket", "medium", "consent").await;
    refuse(&world, NIGHTLY, "grt_nightly", "delete_ticket", "high", "approval").await;
    assert!(!world.browser("eve").await.get("/me").await.html.contains("Refused just now"));
    world.request("elv_1", "grt_nightly", "tickets.delete_ticket").await;
    let page = ada.get("/me").await.html;
    assert!(page.contains("create_ticket</code>") && !page.contains("delete_ticket</code>"), "it waits: {page}");
    world.browser("bob").await.post("/console/approvals/elv_1", "decision=approve").await;
    assert!(!ada.get("/me").await.html.contains("delete_ticket</code>"), "it is in force");
    world.clock.advance(Span::from_minutes(61));
    assert!(!ada.get("/me").await.html.contains("Refused just now"));
}

/// The baseline comes with the next authorization, and a denial is no question of scope.
///
/// Field: H18
#[tokio::test]
async fn only_what_a_person_can_open_is_listed() {
    let world = Installation::start().await;
    refuse(&world, CLAUDE, "grt_claude", "get_ticket", "low", "consent").await;
    let denied = CallRefused {
        grant: "grt_claude".parse().unwrap(),
        decision: Verdict::Deny,
        tier: Some(model::Tier::Medium),
        tool: Some("create_ticket".parse::<model::ToolName>().unwrap().into()),
        ..examples::call_refused()
    };
    let denied = denied.by(Actor::Agent(CLAUDE.parse().unwrap()));
    world.store.record(denied).await.unwrap();
    assert!(!world.browser("ada").await.get("/me").await.html.contains("Refused just now"));
}

/// Field: H18
#[tokio::test]
async fn the_page_says_what_each_agent_holds_where_it_is_logged_in_and_what_for() {
    let world = Installation::start().await;
    log_in(&world, "ins_desk", "grt_claude", Some("ada")).await;
    let page = world.browser("ada").await.get("/me").await.html;
    for part in [
        CLAUDE,
        "Helps ada write code",
        "Closes tickets that were paid",
        "Ticket system",
        "tickets:low",
        "in 24 h",
        "ins_desk",
        "Allow changes for a while",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let eve = world.browser("eve").await.get("/me").await.html;
    assert!(eve.contains("No agent acts for you") && !eve.contains("ins_desk"), "{eve}");
}

/// Field: H18
#[tokio::test]
async fn a_person_ends_one_login_and_the_grant_stays() {
    let world = Installation::start().await;
    let ada = world.browser("ada").await;
    let (desk, laptop) = (
        log_in(&world, "ins_desk", "grt_claude", Some("ada")).await,
        log_in(&world, "ins_laptop", "grt_claude", Some("ada")).await,
    );
    assert_eq!(ada.post("/me/installations/ins_desk/end", "").await.location, "/me");
    assert!(world.store.installation(&desk).await.unwrap().unwrap().ended_at.is_some());
    assert!(world.store.installation(&laptop).await.unwrap().unwrap().ended_at.is_none());
    assert!(world.store.grant(&"grt_claude".parse().unwrap()).await.unwrap().unwrap().ended_at.is_none());
    let page = ada.get("/me").await.html;
    assert!(!page.contains("ins_desk") && page.contains("ins_laptop"), "{page}");
    assert_eq!(ada.post("/me/installations/ins_desk/end", "").await.location, "/me", "clicked twice");
    assert_eq!(ada.post("/me/installations/ins_none/end", "").await.status, 404);
}

/// Field: H18
#[tokio::test]
async fn nobody_ends_a_login_or_an_elevation_of_somebody_else() {
    let world = Installation::start().await;
    let desk = log_in(&world, "ins_desk", "grt_claude", Some("ada")).await;
    let elevation = world.request("elv_1", "grt_claude", "tickets:medium").await;
    for name in ["carol", "eve"] {
        let browser = world.browser(name).await;
        for path in ["/me/installations/ins_desk/end", "/me/elevations/elv_1/end"] {
            assert_eq!(browser.post(path, "").await.status, 403, "{name} at {path}");
        }
    }
    let ada = world.browser("ada").await;
    for path in ["/me/installations/ins_desk/end", "/me/elevations/elv_1/end"] {
        assert_eq!(ada.post_from(path, "csrf=x", Some("https://gw.test")).await.status, 403, "a forged form");
        assert_eq!(world.stranger().post(path, "").await.status, 303, "nobody");
    }
    assert!(world.store.installation(&desk).await.unwrap().unwrap().ended_at.is_none());
    assert_eq!(world.state_of(&elevation).await, ElevationState::Requested);
    assert_eq!(ada.post("/me/elevations/elv_1/end", "").await.location, "/me");
    assert_eq!(world.state_of(&elevation).await, ElevationState::Ended);
}
