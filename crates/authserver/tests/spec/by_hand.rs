//! What a person opens, or asks for, on their own page.

use model::{ElevationState, StepUp, Target};
use store::privilege::PrivilegeTx;

use crate::world::*;

const ELSEWHERE: &str = "files:low";

/// Ada, logged in, with a client that holds the baseline; the token for her forms.
struct Page<'w> {
    browser: Browser<'w>,
    csrf: String,
    grant: String,
}

async fn page(world: &World) -> Page<'_> {
    let mut browser = world.browser();
    browser.code(&link("tickets:low", &[])).await;
    let csrf = browser.get(&link("tickets:low", &[])).await.field("csrf");
    Page { browser, csrf, grant: world.only_grant().await.id.to_string() }
}

impl Page<'_> {
    async fn post(&mut self, scope: &str, by: &str, reason: &str) -> Reply {
        let (csrf, grant) = (self.csrf.clone(), self.grant.clone());
        let fields = [("csrf", csrf.as_str()), ("grant", &grant), ("scope", scope), ("by", by), ("reason", reason)];
        self.browser.post("/me/step-up", &fields).await
    }
}

/// Field: H18
#[tokio::test]
async fn allow_opens_the_medium_tier_at_once_as_a_consent_does() {
    let world = World::start().await;
    let mut page = page(&world).await;
    assert_eq!(page.post("tickets:medium", "consent", "").await.location(), "/me");
    let by_hand = world.elevation("tickets:medium").await;
    assert_eq!((by_hand.state(), by_hand.by, by_hand.uses()), (ElevationState::Active, StepUp::Consent, 0));
    assert_eq!(by_hand.max_uses, world.config.elevation.consent_uses);
    assert_eq!(by_hand.not_after(), Some(world.store.now().after(world.config.elevation.consent_lasts)));
    let record = world.last_record().await;
    assert_eq!((record["event"].as_str(), record["actor"].as_str()), (Some("elevation_approved"), Some("person:ada")));
    assert_eq!(page.post("tickets:medium", "consent", "").await.location(), "/me", "the same answer again");
    assert_eq!(world.elevations().await.len(), 1, "and not a second one");
}

/// Field: H18
#[tokio::test]
async fn ask_for_approval_waits_for_another_person_with_the_reason() {
    let world = World::start().await;
    let mut page = page(&world).await;
    page.post("tickets.delete_ticket", "approval", " \u{200b} ").await.page(400, "why it is needed");
    assert!(world.elevations().await.is_empty());
    assert_eq!(page.post("tickets.delete_ticket", "approval", "two of a kind").await.location(), "/me");
    let asked = world.elevation("tickets.delete_ticket").await;
    assert!(asked.is_pending(world.store.now()) && asked.reason == "two of a kind" && asked.by == StepUp::Approval);
    page.post("tickets.delete_ticket", "approval", "again").await;
    assert_eq!(world.elevations().await.len(), 1, "joined");
    world.deny(&asked.id).await;
    page.post("tickets.delete_ticket", "approval", "please").await.page(409, "was denied");
    assert_eq!(world.last_record().await["cause"], "denied");
}

/// A click on *Allow* is no word to another person, whatever the form was made to say.
///
/// Field: H18
#[tokio::test]
async fn allow_never_opens_what_another_person_has_to_approve() {
    let world = World::start().await;
    let mut page = page(&world).await;
    page.post("tickets.delete_ticket", "consent", "").await.page(409, "another person has to approve");
    assert!(world.elevations().await.is_empty());
    assert_eq!(world.last_record().await["cause"], "needs_approval");
}

/// Field: H18, H10
#[tokio::test]
async fn what_rules_and_policy_do_not_give_is_not_opened_by_hand_either() {
    let forbids = r#"forbid (principal, action in Action::"call", resource) when { resource.tier == Tier::"medium" };"#;
    for (policy, scope, words) in [
        ("", "tickets.unheard_of", "waits for an operator"),
        ("", "tickets.get_ticket", "high tier only"),
        ("", ELSEWHERE, "another server"),
        (forbids, "tickets:medium", "policy does not allow"),
    ] {
        let world = World::of(|_| {}, Default::default(), policy).await;
        page(&world).await.post(scope, "consent", "").await.page(409, words);
        assert!(world.elevations().await.is_empty(), "{scope}");
    }
    let named = format!("@id(\"no-changes\") {forbids}");
    let world = World::of(|_| {}, Default::default(), &named).await;
    page(&world).await.post("tickets:medium", "consent", "").await.page(409, "The policy that says so: no-changes.");
    let world = World::start().await;
    let mut page = page(&world).await;
    assert_eq!(page.post("tickets:low", "consent", "").await.location(), "/me", "held already");
    for (scope, by) in [("tickets", "consent"), ("tickets:medium", "magic"), ("tickets:medium tickets:low", "consent")]
    {
        page.post(scope, by, "").await.page(410, "no longer good");
    }
    assert!(world.elevations().await.is_empty());
}

/// Field: H18
#[tokio::test]
async fn what_is_over_or_stopped_is_not_opened() {
    let world = World::start().await;
    let mut page = page(&world).await;
    world.block(Target::Client("desk".parse().unwrap())).await;
    page.post("tickets:medium", "consent", "").await.page(409, "access is blocked");
    let world = World::start().await;
    let mut page = self::page(&world).await;
    world.end_grant(&world.only_grant().await.id).await;
    page.post("tickets:medium", "consent", "").await.page(409, "the grant has ended");
    let world = World::start().await;
    let mut page = self::page(&world).await;
    let agent = world.only_grant().await.agent;
    world
        .change(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).set_agent_state(&agent, model::AgentState::Suspended).await?;
                done()
            })
        })
        .await;
    page.post("tickets:medium", "consent", "").await.page(409, "suspended");
    assert!(world.elevations().await.is_empty());
}

/// One text, so that nobody learns which grants there are.
///
/// Field: H18
#[tokio::test]
async fn nobody_opens_anything_for_somebody_elses_agent() {
    let world = World::start().await;
    let ada = page(&world).await;
    let mut bob = world.signed_in("bob").await;
    let csrf = bob.get(&link("tickets:low", &[])).await.field("csrf");
    for grant in [ada.grant.as_str(), "grt_unknown", "../x"] {
        let fields = [("csrf", csrf.as_str()), ("grant", grant), ("scope", "tickets:medium"), ("by", "consent")];
        bob.post("/me/step-up", &fields).await.page(404, "somebody else’s agent");
    }
    assert!(world.elevations().await.is_empty());
}

/// Field: H18
#[tokio::test]
async fn a_forged_form_a_stranger_and_an_old_login_open_nothing() {
    let world = World::start().await;
    let mut page = page(&world).await;
    let right = page.csrf.clone();
    for wrong in ["", "x", &"0".repeat(64)] {
        page.csrf = wrong.to_owned();
        page.post("tickets:medium", "consent", "").await.page(403, "another site");
    }
    page.csrf = right;
    let fields = [("csrf", page.csrf.as_str()), ("grant", &page.grant), ("scope", "tickets:medium"), ("by", "consent")];
    assert_eq!(world.post("/me/step-up", &fields).await.location(), "/login?next=%2Fme");
    world.advance(15 * 60);
    let again = page.post("tickets:medium", "consent", "").await;
    assert_eq!(again.location(), "/login?next=%2Fme&again=1");
    page.browser.get(again.location()).await.page(200, "Password");
    assert!(world.elevations().await.is_empty());
}

/// Field: H18
#[tokio::test]
async fn an_owner_opens_for_an_agent_that_acts_for_itself() {
    let world = World::start().await;
    world.as_agent(&[("resource", RESOURCE), ("scope", "tickets:low")]).await.granted();
    let grant = world.only_grant().await.id.to_string();
    let mut browser = world.signed_in("ada").await;
    let csrf = browser.get(&link("tickets:low", &[])).await.field("csrf");
    let fields = [
        ("csrf", csrf.as_str()),
        ("grant", &grant),
        ("scope", "tickets:medium"),
        ("by", "approval"),
        ("reason", "night"),
    ];
    assert_eq!(browser.post("/me/step-up", &fields).await.location(), "/me");
    assert_eq!(world.elevations().await.len(), 1);
}
