//! The console as people with different rights see it.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "../../governance/tests/support/mod.rs"]
mod support;

use governance::{
    inventory,
    orders::{restore, revoke},
};
use model::{Actor, ElevationState, Span, Target};
use serde_json::json;
use support::{CLAUDE, Installation, NIGHTLY};

const DELETE: &str = "tickets.delete_ticket";

#[tokio::test]
async fn who_is_not_signed_in_goes_to_the_login_and_comes_back() {
    let world = Installation::start().await;
    let page = world.stranger().get("/console/audit?event=revoked&who=a").await;
    assert_eq!(
        (page.status.as_u16(), page.location.as_str()),
        (303, "/login?next=%2Fconsole%2Faudit%3Fevent%3Drevoked%26who%3Da")
    );
    let posted = world.stranger().post("/console/revoke", "kind=all&reason=x").await;
    assert_eq!((posted.status.as_u16(), posted.location.as_str()), (303, "/login?next=%2F"));
    assert!(world.store.blocks().is_empty());
}

/// One row per page, one column per person: ada and bob approve, carol audits, dan administers, eve has no role.
#[tokio::test]
async fn every_page_opens_for_those_it_is_for_and_for_nobody_else() {
    let world = Installation::start().await;
    let agent = format!("/console/agents/{NIGHTLY}");
    let table: [(&str, [u16; 4]); 13] = [
        ("/console", [200, 200, 200, 403]),
        ("/console/agents", [403, 200, 200, 403]),
        (&agent, [403, 200, 200, 403]),
        ("/console/grants", [403, 200, 200, 403]),
        ("/console/tasks", [403, 200, 200, 403]),
        ("/console/exceptions", [403, 200, 200, 403]),
        ("/console/servers", [403, 200, 200, 403]),
        ("/console/people", [403, 200, 200, 403]),
        ("/console/audit", [403, 200, 200, 403]),
        ("/console/kill-switch", [403, 403, 200, 403]),
        ("/audit/log/tile/entries/000.p/1", [403, 200, 200, 403]),
        ("/me", [200, 200, 200, 200]),
        ("/", [303, 303, 303, 303]),
    ];
    for (at, name) in ["bob", "carol", "dan", "eve"].into_iter().enumerate() {
        let browser = world.browser(name).await;
        for (path, expected) in &table {
            assert_eq!(browser.get(path).await.status, expected[at], "{name} at {path}");
        }
    }
}

/// As above, for what changes something.
#[tokio::test]
async fn every_change_is_made_by_those_who_may_and_by_nobody_else() {
    let world = Installation::start().await;
    for name in ["bob", "carol", "eve"] {
        let browser = world.browser(name).await;
        for (path, form) in [
            ("/console/revoke", "kind=all&reason=x"),
            ("/console/restore", "kind=all&reason=x"),
            ("/console/agents/nightly/state", "state=suspended"),
            ("/me/grants/grt_claude/revoke", ""),
        ] {
            assert_eq!(browser.post(path, form).await.status, 403, "{name} at {path}");
        }
    }
    assert!(world.store.blocks().is_empty());
    assert!(world.store.grant(&"grt_claude".parse().unwrap()).await.unwrap().unwrap().ended_at.is_none());
}

#[tokio::test]
async fn an_approver_sees_the_request_with_reason_and_scope_and_approves_it() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let bob = world.browser("bob").await;
    let overview = bob.get("/console").await.html;
    for part in [DELETE, NIGHTLY, "Ticket 4711", "Approve", "Deny"] {
        assert!(overview.contains(part), "{part}");
    }
    assert!(!overview.contains("<b>of</b>"), "a reason is text");

    let page = bob.get("/console/approvals/elv_1").await.html;
    assert!(page.contains("Closes tickets that were paid") && page.contains("2 calls"), "{page}");
    let decided = bob.post("/console/approvals/elv_1", "decision=approve&lasts=60").await;
    assert_eq!((decided.status.as_u16(), decided.location.as_str()), (303, "/console/approvals/elv_1"));
    let elevation = world.store.elevation(&id).await.unwrap().unwrap();
    assert_eq!(elevation.not_after(), Some(world.now().after(Span::from_seconds(60))));
    assert_eq!(world.last_record().await["actor"], "person:bob");
    assert!(bob.get("/console/approvals/elv_1").await.html.contains("In force"));
}

#[tokio::test]
async fn an_approver_denies_and_the_page_says_so() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let bob = world.browser("bob").await;
    assert_eq!(bob.post("/console/approvals/elv_1", "decision=deny").await.status, 303);
    assert_eq!(world.state_of(&id).await, ElevationState::Denied);
    let again = bob.post("/console/approvals/elv_1", "decision=approve").await;
    assert_eq!(again.status, 409);
    assert!(again.html.contains("denied, by bob"), "{}", again.html);
}

/// Spec: NIST SP 800-53 AC-5
#[tokio::test]
async fn nobody_approves_for_themselves_through_a_page() {
    let world = Installation::start().await;
    let own = world.request("elv_1", "grt_nightly", DELETE).await;
    let acted_for = world.request("elv_2", "grt_claude", DELETE).await;
    let ada = world.browser("ada").await;
    for id in [&own, &acted_for] {
        let page = ada.get(&format!("/console/approvals/{id}")).await;
        assert!(page.html.contains("another approver") && !page.html.contains(">Approve<"), "{}", page.html);
        let refused = ada.post(&format!("/console/approvals/{id}"), "decision=approve").await;
        assert_eq!(refused.status, 403);
        assert_eq!(world.state_of(id).await, ElevationState::Requested);
    }
    assert_eq!(ada.post("/console/approvals/elv_1", "decision=deny").await.status, 303, "but may withdraw");
}

#[tokio::test]
async fn an_auditor_reads_a_request_and_does_not_decide_it() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let carol = world.browser("carol").await;
    assert!(!carol.get("/console/approvals/elv_1").await.html.contains(">Approve<"));
    assert_eq!(carol.post("/console/approvals/elv_1", "decision=approve").await.status, 403);
    assert_eq!(world.state_of(&id).await, ElevationState::Requested);
}

#[tokio::test]
async fn a_request_about_somebody_elses_agent_is_not_shown_to_just_anybody() {
    let world = Installation::start().await;
    world.request("elv_1", "grt_nightly", DELETE).await;
    assert_eq!(world.browser("eve").await.get("/console/approvals/elv_1").await.status, 403);
    assert_eq!(world.browser("ada").await.get("/console/approvals/elv_1").await.status, 200);
    assert_eq!(world.browser("bob").await.get("/console/approvals/elv_none").await.status, 404);
}

/// Spec: OpenID Connect Core 1.0 §3.1.2.1 (max_age)
#[tokio::test]
async fn an_approval_needs_a_login_of_the_last_quarter_of_an_hour() {
    let world = Installation::start().await;
    let bob = world.browser("bob").await;
    world.clock.advance(Span::from_minutes(15));
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let login = "/login?next=%2Fconsole%2Fapprovals%2Felv_1&again=1";
    assert_eq!(bob.get("/console/approvals/elv_1").await.location, login);
    assert_eq!(bob.post("/console/approvals/elv_1", "decision=approve").await.location, login);
    assert!(bob.get("/console").await.html.contains("Log in again to decide"));
    assert_eq!(world.state_of(&id).await, ElevationState::Requested);
    let again = world.browser("bob").await;
    assert_eq!(again.post("/console/approvals/elv_1", "decision=approve").await.status, 303);
    assert_eq!(world.state_of(&id).await, ElevationState::Active);
}

#[tokio::test]
async fn an_expired_request_is_not_approved() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    world.clock.advance(Span::from_minutes(15));
    let bob = world.browser("bob").await;
    assert!(bob.get("/console/approvals/elv_1").await.html.contains("lapsed"));
    assert_eq!(bob.post("/console/approvals/elv_1", "decision=approve").await.status, 409);
    assert_ne!(world.state_of(&id).await, ElevationState::Active);
}

/// Spec: RFC 6749 §10.12
#[tokio::test]
async fn a_forged_form_changes_nothing() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let (bob, eve) = (world.browser("bob").await, world.browser("eve").await);
    let (ours, path) = (Some("https://gw.test"), "/console/approvals/elv_1");
    let right = format!("csrf={}&decision=approve", bob.csrf());
    for (body, origin) in [
        ("decision=approve".to_owned(), ours),
        ("csrf=&decision=approve".to_owned(), ours),
        (format!("csrf={}&decision=approve", eve.csrf()), ours),
        (right.clone(), Some("https://evil.test")),
    ] {
        assert_eq!(bob.post_from(path, &body, origin).await.status, 403, "{body} from {origin:?}");
    }
    let twice = format!("{right}&decision=deny");
    assert_eq!(bob.post_from(path, &twice, ours).await.status, 400, "what is said twice is not said");
    assert_eq!(world.state_of(&id).await, ElevationState::Requested);
    // What our own `no-referrer` makes of the origin; the token decides.
    assert_eq!(bob.post_from(path, &right, Some("null")).await.status, 303);
}

#[tokio::test]
async fn a_form_that_says_neither_yes_nor_no_is_neither() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let bob = world.browser("bob").await;
    for form in
        ["", "decision=maybe", "decision=approve&lasts=x", "decision=approve&lasts=-1", "decision=approve&lasts=301"]
    {
        assert_eq!(bob.post("/console/approvals/elv_1", form).await.status, 400, "{form}");
    }
    assert_eq!(world.state_of(&id).await, ElevationState::Requested);
}

#[tokio::test]
async fn an_administrator_turns_the_kill_switch_and_back() {
    let world = Installation::start().await;
    let dan = world.browser("dan").await;
    let done = dan.post("/console/revoke", "kind=agent&name=nightly&reason=strange+calls").await;
    assert_eq!(done.location, "/console/kill-switch", "{}", done.html);
    let page = dan.get("/console/kill-switch?kind=agent&name=nightly").await.html;
    assert!(page.contains("agent nightly") && page.contains("strange calls"));
    assert!(dan.get("/console/agents/nightly").await.html.contains("strange calls"));
    assert_eq!(dan.post("/console/restore", "kind=agent&name=nightly&reason=explained").await.status, 303);
    assert_eq!(world.last_record().await["actor"], "person:dan");
}

#[tokio::test]
async fn a_mistyped_name_is_not_revoked_and_the_page_says_what_there_is() {
    let world = Installation::start().await;
    let dan = world.browser("dan").await;
    for (form, status, hint) in [
        ("kind=server&name=ticket&reason=x", 404, "tickets"),
        ("kind=agent&name=nightli&reason=x", 404, "nightly"),
        ("kind=tool&name=delete_ticket&reason=x", 400, "server.tool"),
        ("kind=planet&name=x&reason=x", 400, "planet"),
        ("kind=all", 400, "why"),
    ] {
        let refused = dan.post("/console/revoke", form).await;
        assert_eq!(refused.status, status, "{form}");
        assert!(refused.html.contains(hint), "{form}: {}", refused.html);
    }
    assert!(world.store.blocks().is_empty());
}

#[tokio::test]
async fn a_revoked_person_is_shown_nothing_even_with_a_new_session() {
    let world = Installation::start().await;
    world.browser("dan").await.post("/console/revoke", "kind=person&name=carol&reason=left").await;
    assert_eq!(world.browser("carol").await.get("/console/audit").await.status, 403);
}

#[tokio::test]
async fn a_disabled_person_is_signed_out() {
    let world = Installation::start().await;
    let carol = world.browser("carol").await;
    world.person("carol", json!(["auditor"]), true).await;
    assert_eq!(carol.get("/console").await.status, 303);
}

#[tokio::test]
async fn an_administrator_suspends_and_resumes_an_agent() {
    let world = Installation::start().await;
    let dan = world.browser("dan").await;
    assert_eq!(dan.post("/console/agents/nightly/state", "state=suspended").await.status, 303);
    assert!(dan.get("/console/agents/nightly").await.html.contains("Resume"));
    assert_eq!(dan.post("/console/agents/nightly/state", "state=suspended").await.status, 409);
    assert_eq!(dan.post("/console/agents/nightly/state", "state=active").await.status, 303);
    assert_eq!(dan.post("/console/agents/nightly/state", "state=deleted").await.status, 400);
    assert_eq!(dan.post("/console/agents/nobody/state", "state=active").await.status, 404);
}

#[tokio::test]
async fn people_revoke_their_own_grants_and_nobody_elses() {
    let world = Installation::start().await;
    let ada = world.browser("ada").await;
    let page = ada.get("/me").await.html;
    assert!(page.contains(CLAUDE) && page.contains(NIGHTLY) && page.contains("tickets:low"));
    assert!(!world.browser("eve").await.get("/me").await.html.contains(CLAUDE));
    assert_eq!(ada.post("/me/grants/grt_claude/revoke", "").await.location, "/me");
    assert!(world.store.grant(&"grt_claude".parse().unwrap()).await.unwrap().unwrap().ended_at.is_some());
    assert_eq!(ada.post("/me/grants/grt_claude/revoke", "").await.location, "/me", "clicked twice");
    assert_eq!(ada.post("/me/grants/grt_none/revoke", "").await.status, 404);
}

#[tokio::test]
async fn a_person_ends_an_elevation_of_their_own_agent() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    world.browser("bob").await.post("/console/approvals/elv_1", "decision=approve").await;
    assert_eq!(world.browser("eve").await.post("/console/elevations/elv_1/end", "").await.status, 403);
    let ada = world.browser("ada").await;
    assert!(ada.get("/me").await.html.contains(r#"action="/me/elevations/elv_1/end""#));
    assert_eq!(ada.post("/console/elevations/elv_1/end", "").await.status, 303);
    assert_eq!(world.state_of(&id).await, ElevationState::Ended);
}

#[tokio::test]
async fn the_audit_page_filters_by_event_and_by_name() {
    let world = Installation::start().await;
    world.request("elv_1", "grt_nightly", DELETE).await;
    let carol = world.browser("carol").await;
    let page = carol.get("/console/audit?event=agent_registered&who=nightly").await.html;
    assert!(page.contains(r#"<b>agent</b> nightly"#) && !page.contains(r#"<b>agent</b> claude"#), "{page}");
    assert!(page.contains("gw.test/audit+"), "the key to verify with");
    let none = carol.get("/console/audit?event=code_replayed").await.html;
    assert!(none.contains("No record fits"));
    assert_eq!(carol.get("/console/audit?event=%3Cscript%3E&before=x&before=y").await.status, 200);
}

#[tokio::test]
async fn the_servers_page_shows_rules_and_tiers_and_no_credentials() {
    let world = Installation::start().await;
    let page = world.browser("carol").await.get("/console/servers").await.html;
    for part in ["Ticket system", "https://gw.test/mcp/tickets", "get_*", "delete_*", "held"] {
        assert!(page.contains(part), "{part}");
    }
}

/// Spec: C2SP tlog-tiles
#[tokio::test]
async fn the_checkpoint_is_public_and_what_it_covers_is_for_auditors() {
    let world = Installation::start().await;
    let stranger = world.stranger();
    let note = stranger.get("/audit/log/checkpoint").await;
    assert_eq!(note.status, 200);
    let key = world.store.log_public_key();
    let checkpoint = audit::Checkpoint::open(&note.html, world.store.log_origin(), &key).unwrap();
    assert!(checkpoint.size > 0);
    for path in ["/audit/log/tile/0/000.p/1", "/audit/log/tile/entries/000.p/1"] {
        assert_eq!(stranger.get(path).await.status, 303, "{path}");
        assert_eq!(world.browser("carol").await.get(path).await.status, 200, "{path}");
    }
    let carol = world.browser("carol").await;
    assert!(carol.get("/audit/log/tile/entries/000.p/1").await.html.contains("log_started"));
    for path in
        ["/audit/log/tile/0/001", "/audit/log/tile/0/000", "/audit/log/tile/entries/../x", "/audit/log/tile/9/000"]
    {
        assert_eq!(carol.get(path).await.status, 404, "{path}");
    }
}

/// Field: P4
#[tokio::test]
async fn a_decision_that_is_clicked_twice_is_one_decision() {
    let world = Installation::start().await;
    let bob = world.browser("bob").await;
    for (number, decision, state) in
        [("elv_1", "approve", ElevationState::Active), ("elv_2", "deny", ElevationState::Denied)]
    {
        let id = world.request(number, "grt_nightly", DELETE).await;
        let page = format!("/console/approvals/{number}");
        for _ in 0..2 {
            assert_eq!(bob.post(&page, &format!("decision={decision}")).await.location, page);
        }
        assert_eq!(world.state_of(&id).await, state);
        let records = world.store.last_records(100).await.unwrap().into_iter();
        let about = records.filter(|(_, bytes)| {
            let record: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            record["decided_by"] == "bob" && record["elevation"] == number
        });
        assert_eq!(about.count(), 1, "{number} is decided once");
        let opposite = if decision == "approve" { "deny" } else { "approve" };
        assert_eq!(
            bob.post(&page, &format!("decision={opposite}")).await.status,
            409,
            "the other button is another matter"
        );
    }
    assert_eq!(bob.post("/console/elevations/elv_1/end", "").await.status, 303);
    assert_eq!(bob.post("/console/elevations/elv_1/end", "").await.status, 303);
    let dan = world.browser("dan").await;
    assert_eq!(
        dan.post("/console/approvals/elv_1", "decision=approve").await.status,
        409,
        "nor is it somebody else\u{2019}s"
    );
}

/// Field: H14, S8
#[tokio::test]
async fn the_card_of_a_request_says_by_name_who_asks_for_what_where_and_for_whom() {
    let world = Installation::start().await;
    world.request("elv_1", "grt_claude", DELETE).await;
    world.request("elv_2", "grt_nightly", DELETE).await;
    let bob = world.browser("bob").await;
    let page = bob.get("/console/approvals/elv_1").await.html;
    for part in [
        "<strong>claude.ai</strong>",
        "<code>https://claude.ai/client.json</code>",
        "Ada (ada)",
        "Ticket system",
        "the tool delete_ticket of Ticket system, and nothing else",
        "<code>delete_*</code>",
        "Helps ada write code",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let itself = bob.get("/console/approvals/elv_2").await.html;
    assert!(itself.contains("<dt>Acts for</dt><dd>itself</dd>") && itself.contains("<code>nightly</code>"), "{itself}");
    let list = bob.get("/console").await.html;
    assert!(list.contains("of <strong>claude.ai</strong>, acting for <strong>Ada (ada)</strong>"), "{list}");
}

/// Field: H15
#[tokio::test]
async fn pages_can_be_used_with_a_keyboard_and_left_again() {
    let world = Installation::start().await;
    let audit = world.browser("carol").await.get("/console/audit").await.html;
    assert_eq!(
        audit.matches("<pre ").count(),
        audit.matches("<pre tabindex=\"0\" role=\"region\" aria-label=").count()
    );
    let nowhere = world.browser("bob").await.get("/console/approvals/elv_none").await.html;
    assert!(nowhere.contains("href=\"/\">To the start page"), "{nowhere}");
    let dan = world.browser("dan").await;
    let empty = dan.post("/console/revoke", "kind=agent&name=+&reason=x").await;
    assert!(empty.status == 400 && empty.html.contains("The name is empty"), "{}", empty.html);
    assert!(world.store.blocks().is_empty());
}

/// Spec: docs/decisions/0029-lists-are-read-in-pages.md
#[tokio::test]
async fn a_long_list_has_pages_and_each_links_to_the_next() {
    let world = Installation::start().await;
    let template = world.store.agent(&NIGHTLY.parse().unwrap()).await.unwrap().unwrap();
    let written = world.store.write::<_, store::StoreError, _>(move |tx| {
        Box::pin(async move {
            for number in 0..60 {
                let id = format!("many-{number:02}").parse().unwrap();
                let mut tx = store::privilege::PrivilegeTx::of(tx);
                tx.put_agent(&model::Agent { id, ..template.clone() }).await?;
            }
            Ok(store::Commit::with(model::event::examples::any(), ()))
        })
    });
    written.await.unwrap();
    let browser = world.browser("carol").await;
    let first = browser.get("/console/agents").await.html;
    assert!(first.contains("many-00") && !first.contains("many-59"), "{first}");
    let next = first.split_once("href=\"/console/agents?after=").unwrap().1.split_once('"').unwrap().0;
    let second = browser.get(&format!("/console/agents?after={next}")).await.html;
    assert!(!second.contains("many-00") && second.contains("many-59") && !second.contains("?after="), "{second}");
    assert_eq!(browser.get("/console/agents?after=no+name").await.status.as_u16(), 400);
}

#[tokio::test]
async fn an_agent_is_shown_as_stopped_by_whatever_stops_it() {
    let world = Installation::start().await;
    for (kind, name) in [("person", "ada"), ("client", NIGHTLY), ("all", "")] {
        let stopped = Target::parse(kind, name).unwrap();
        revoke(&world.store, &stopped, Actor::Operator, "a drill").await.unwrap();
        let agents = inventory::agents(&world.store, None, 50).await.unwrap().items;
        let entry = agents.iter().find(|entry| entry.agent.id.as_str() == NIGHTLY).unwrap();
        assert_eq!(entry.block.as_ref().map(|block| &block.target), Some(&stopped));
        let page = world.browser("dan").await.get("/console/agents/nightly").await.html;
        assert!(page.contains("a drill") && page.contains(&format!("kind={kind}")), "{page}");
        restore(&world.store, &stopped, Actor::Operator, "over").await.unwrap();
    }
}
