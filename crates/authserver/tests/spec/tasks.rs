//! Tasks of people: opened with a consent, kept by the tokens that come of it, and over with all that was given for them.

use model::{Id, Scope, Task, TaskEnd, TaskState};
use privilege::task::{end, lacked, open};

use crate::world::*;

const DETAILS: &str =
    r#"[{"type":"io.portcullis/task","purpose":"close ticket 4711","lasts":"1h","idle":"10m","uses":20}]"#;

/// A form of ada's with more fields.
async fn answer(browser: &mut Browser<'_>, page: &Reply, more: &[(&str, &str)]) -> Reply {
    let (csrf, ticket) = (page.field("csrf"), page.field("ticket"));
    let mut fields = vec![("csrf", csrf.as_str()), ("ticket", &ticket), ("decision", "allow")];
    fields.extend_from_slice(more);
    browser.post("/oauth/consent", &fields).await
}

fn task_of(token: &serde_json::Value) -> Id<Task> {
    token["authorization_details"][0]["id"].as_str().unwrap().parse().unwrap()
}

async fn task(world: &World, id: &Id<Task>) -> Task {
    world.store.task(id).await.unwrap().unwrap()
}

/// A task of ada's `desk` that its client does not know by its tokens.
async fn opened(world: &World, purpose: &str) -> Task {
    let grant = world.only_grant().await;
    let wish = open::TaskWish {
        agent: grant.agent.clone(),
        grant: Some(grant),
        purpose: purpose.into(),
        lasts: open::TaskWish::LASTS,
        idle: open::TaskWish::IDLE,
        uses: None,
    };
    let opened = world.store.write(move |tx| {
        Box::pin(async move {
            let (event, task) = open::open(tx, wish, model::Actor::System).await?;
            Ok::<_, privilege::Refused>(store::Commit::with(event, task))
        })
    });
    opened.await.unwrap()
}

/// A call in a task lacked the medium tier.
async fn lacks(world: &World, task: &Id<Task>, by_token: bool) {
    let (task, scope): (_, Scope) = (task.clone(), "tickets:medium".parse().unwrap());
    world
        .change(move |tx| {
            Box::pin(async move {
                lacked::note(tx, &task, &scope, by_token).await?;
                done()
            })
        })
        .await;
}

/// Spec: RFC 9396 §3, §7 and §9.1
#[tokio::test]
async fn a_client_opens_a_task_with_the_consent_of_its_person() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:medium", &[("authorization_details", DETAILS)])).await;
    for part in
        ["close ticket 4711", "the words of the application", "one hour, or 10 minutes without a call, or 20 calls"]
    {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    let code = answer(&mut browser, &page, &[]).await.parameter("code");
    let token = world.redeem(&code).await.granted();
    let task = task(&world, &task_of(&token)).await;
    assert_eq!(claims(&token)["task"], task.id.as_str());
    assert_eq!((task.purpose.as_str(), task.max_uses), ("close ticket 4711", Some(20)));
    assert_eq!(task.grant, Some(world.only_grant().await.id));
    assert_eq!(token["scope"], "tickets:low tickets:medium");
    assert_eq!(world.elevation("tickets:medium").await.ends_with.task, Some(task.id));
    assert!(world.log().await.contains(r#""event":"task_opened""#));
}

/// Spec: docs/decisions/0034-privilege-belongs-to-a-task.md
/// Field: K11
#[tokio::test]
async fn a_person_makes_one_piece_of_work_of_what_any_client_asks_for() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:medium", &[])).await;
    page.page(200, "Only for one piece of work");
    let fields = [("task_purpose", "merge the duplicates of May"), ("task_lasts", "15m")];
    let code = answer(&mut browser, &page, &fields).await.parameter("code");
    let token = world.redeem(&code).await.granted();
    let task = task(&world, &task_of(&token)).await;
    assert_eq!(
        (task.purpose.as_str(), task.opened_at.seconds_until(task.deadline)),
        ("merge the duplicates of May", 900)
    );
    assert_eq!(world.elevation("tickets:medium").await.ends_with.task, Some(task.id.clone()));
    // Its tokens belong to it while it is open, and to none afterwards.
    let again = world.refresh(&refresh_of(&token)).await.granted();
    assert_eq!((task_of(&again), &again["scope"]), (task.id.clone(), &"tickets:low".into()));
    let id = task.id.clone();
    let ended = world.store.write(move |tx| {
        Box::pin(async move {
            let event = end::end(tx, id, model::Actor::System).await?;
            Ok::<_, privilege::Refused>(store::Commit::with(event, ()))
        })
    });
    ended.await.unwrap();
    let last = world.refresh(&refresh_of(&again)).await.granted();
    assert!(last.get("authorization_details").is_none() && claims(&last).get("task").is_none());
    assert_eq!(last["scope"], "tickets:low");
    assert!(!world.elevation("tickets:medium").await.is_live(world.store.now()));
}

#[tokio::test]
async fn what_was_given_before_is_given_to_the_new_piece_of_work_as_well() {
    let world = World::start().await;
    world.browser().code(&link("tickets:medium", &[])).await;
    world.advance(1);
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:medium", &[])).await;
    page.page(200, "It holds already");
    let code = answer(&mut browser, &page, &[("task_purpose", "one thing more")]).await.parameter("code");
    let token = world.redeem(&code).await.granted();
    assert_eq!(token["scope"], "tickets:low tickets:medium");
    let tasks: Vec<_> = world.elevations().await.into_iter().map(|elevation| elevation.ends_with.task).collect();
    assert_eq!(tasks, [Some(task_of(&token)), None]);
}

/// Spec: RFC 9396 §5
#[tokio::test]
async fn details_that_can_not_be_had_go_back_to_the_client_before_anybody_is_asked() {
    let world = World::start().await;
    let mut browser = world.browser();
    browser.code(&link("tickets:low", &[])).await;
    let over = opened(&world, "yesterday's").await;
    world.advance(3 * 60 * 60);
    let bad = [
        "[]".to_owned(),
        r#"[{"type":"payment_initiation"}]"#.to_owned(),
        r#"[{"type":"io.portcullis/task","purpose":" "}]"#.to_owned(),
        r#"[{"type":"io.portcullis/task","purpose":"two\nlines"}]"#.to_owned(),
        r#"[{"type":"io.portcullis/task","purpose":"w","lasts":"9h"}]"#.to_owned(),
        r#"[{"type":"io.portcullis/task","purpose":"w","uses":0}]"#.to_owned(),
        r#"[{"type":"io.portcullis/task","id":"tsk_of_another"}]"#.to_owned(),
        format!(r#"[{{"type":"io.portcullis/task","id":"{}"}}]"#, over.id),
    ];
    for details in bad {
        let back = world.signed_in("ada").await.get(&link("tickets:low", &[("authorization_details", &details)])).await;
        back.sent_back("invalid_authorization_details");
    }
    assert!(world.elevations().await.is_empty());
}

/// Spec: RFC 9396 §3
/// Field: K14
#[tokio::test]
async fn a_client_goes_on_in_a_task_that_is_open_and_in_none_of_another_agent() {
    let world = World::start().await;
    world.browser().code(&link("tickets:low", &[])).await;
    let mine = opened(&world, "the one that is open").await;
    let details = format!(r#"[{{"type":"io.portcullis/task","id":"{}"}}]"#, mine.id);
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:medium", &[("authorization_details", &details)])).await;
    page.page(200, "the one that is open");
    let code = answer(&mut browser, &page, &[("task", "elsewhere")]).await.parameter("code");
    let token = world.redeem(&code).await.granted();
    assert_eq!(task_of(&token), mine.id, "what the client asks for by name is no guess");
    let mut bob = world.signed_in("bob").await;
    bob.get(&link("tickets:low", &[("authorization_details", &details)]))
        .await
        .sent_back("invalid_authorization_details");
}

/// The link of a client says nothing of the call that was refused: without this a person would consent to what does not count
/// in the task, and the call would be refused for ever.
///
/// Spec: docs/decisions/0034-privilege-belongs-to-a-task.md
/// Field: K17
#[tokio::test]
async fn what_a_call_in_a_task_lacked_is_consented_to_for_the_task_and_once() {
    for by_token in [true, false] {
        let world = World::start().await;
        world.browser().code(&link("tickets:low", &[])).await;
        let mine = opened(&world, "the one with the call").await;
        lacks(&world, &mine.id, by_token).await;
        let mut browser = world.browser();
        let page = browser.consent_page(&link("tickets:medium", &[])).await;
        page.page(200, "the one with the call");
        let code = answer(&mut browser, &page, &[]).await.parameter("code");
        assert_eq!(world.elevation("tickets:medium").await.ends_with.task, Some(mine.id.clone()));
        let token = world.redeem(&code).await.granted();
        assert_eq!(claims(&token).get("task").is_some(), by_token, "a client that names tasks itself goes on doing so");
        world.advance(1);
        // The next is a matter of its own.
        let page = browser.get(&link("tickets:medium", &[])).await;
        assert!(!page.body.contains("the one with the call"));
        answer(&mut browser, &page, &[]).await.parameter("code");
        assert_eq!(world.elevation("tickets:medium").await.ends_with.task, None);
    }
}

#[tokio::test]
async fn the_person_says_that_it_is_for_something_else() {
    let world = World::start().await;
    world.browser().code(&link("tickets:low", &[])).await;
    let mine = opened(&world, "not this one").await;
    lacks(&world, &mine.id, true).await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:medium", &[])).await;
    let code = answer(&mut browser, &page, &[("task", "elsewhere")]).await.parameter("code");
    assert!(claims(&world.redeem(&code).await.granted()).get("task").is_none());
    assert_eq!(world.elevation("tickets:medium").await.ends_with.task, None);
}

/// It was lacking too long ago, or the task is over, or is another agent's: nobody is told of it.
#[tokio::test]
async fn what_lacked_long_ago_or_in_a_task_that_is_over_is_not_asked_for() {
    let world = World::start().await;
    world.browser().code(&link("tickets:low", &[])).await;
    let mine = opened(&world, "too long ago").await;
    lacks(&world, &mine.id, true).await;
    world.advance(11 * 60);
    assert!(!world.browser().consent_page(&link("tickets:medium", &[])).await.body.contains("too long ago"));
    lacks(&world, &mine.id, true).await;
    world.advance(16 * 60);
    assert_eq!(task(&world, &mine.id).await.state(world.store.now()), TaskState::Ended);
    assert!(!world.browser().consent_page(&link("tickets:medium", &[])).await.body.contains("too long ago"));
}

/// What is live in a task is not held outside of it: a page that said so would send the client away with nothing.
///
/// Field: K17
#[tokio::test]
async fn what_belongs_to_a_task_is_held_in_it_alone() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:medium", &[("authorization_details", DETAILS)])).await;
    answer(&mut browser, &page, &[]).await.parameter("code");
    let page = browser.get(&link("tickets:medium", &[])).await;
    assert!(!page.body.contains("It holds already</h2>\n  \n  <p class=\"muted small\"><span class=\"badge medium"));
    let code = answer(&mut browser, &page, &[]).await.parameter("code");
    assert_eq!(world.redeem(&code).await.granted()["scope"], "tickets:low tickets:medium");
    assert_eq!(world.elevations().await.len(), 2);
}

/// Nothing is given by a form of which a part can not be had, and who wrote it hears of it.
#[tokio::test]
async fn an_agent_with_as_many_tasks_as_it_may_have_gets_no_further_one() {
    let world = World::start().await;
    world.browser().code(&link("tickets:low", &[])).await;
    for _ in 0..open::AT_ONCE {
        opened(&world, "one of many").await;
    }
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:medium", &[])).await;
    answer(&mut browser, &page, &[("task_purpose", "one more")]).await.page(409, "as many open tasks as it may");
    let page = browser.get(&link("tickets:medium", &[("authorization_details", DETAILS)])).await;
    answer(&mut browser, &page, &[]).await.sent_back("invalid_authorization_details");
    assert!(world.elevations().await.is_empty());
    // The same form without it goes through.
    let page = browser.get(&link("tickets:medium", &[])).await;
    assert_ne!(answer(&mut browser, &page, &[]).await.parameter("code"), "");
}

/// No delegated agent without a purpose, in the words of its person.
///
/// Field: K20
#[tokio::test]
async fn a_new_agent_says_what_it_is_for_in_the_words_of_its_person() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:low", &[])).await;
    page.page(200, "What will you use it for?");
    let again = answer(&mut browser, &page, &[("purpose", " \u{200b} ")]).await;
    again.page(200, "Say in one line what you will use it for");
    assert!(world.grants().await.is_empty());
    answer(&mut browser, &again, &[("purpose", "Sorting my tickets")]).await.parameter("code");
    let agent = world.only_grant().await.agent;
    assert_eq!(world.store.agent(&agent).await.unwrap().unwrap().purpose, "Sorting my tickets");
    // A parameter without a value is none: that is a script, and the agent acts for its person as ever.
    let mut bob = world.signed_in("bob").await;
    let page = bob.get(&link("tickets:low", &[])).await;
    assert!(page.body.contains(r#"name="purpose" value="" maxlength="500" required"#), "{}", page.body);
    answer(&mut bob, &page, &[("purpose", "")]).await.parameter("code");
    assert_eq!(world.store.agent(&"desk@bob".parse().unwrap()).await.unwrap().unwrap().purpose, "Acts for bob");
    // Nobody is asked twice, and no later form changes it.
    let page = browser.get(&link("tickets:low", &[])).await;
    assert!(!page.body.contains("What will you use it for?"));
    answer(&mut browser, &page, &[("purpose", "Deleting everything")]).await.parameter("code");
    assert_eq!(world.store.agent(&agent).await.unwrap().unwrap().purpose, "Sorting my tickets");
}

#[tokio::test]
async fn a_piece_of_work_that_can_not_be_shown_comes_back_with_what_was_written() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:medium", &[])).await;
    let fields = [("task_purpose", "merge \u{202e}these"), ("purpose", "Sorting")];
    let again = answer(&mut browser, &page, &fields).await;
    again.page(200, "one line of text that can be shown");
    assert!(again.body.contains(r#"value="Sorting""#), "nothing that was written is lost");
    assert!(world.grants().await.is_empty());
}

/// Opens a task with a consent; its token.
async fn in_a_task(world: &World) -> serde_json::Value {
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:medium", &[("authorization_details", DETAILS)])).await;
    let code = answer(&mut browser, &page, &[]).await.parameter("code");
    world.redeem(&code).await.granted()
}

async fn complete(world: &World, client: &str, token: &str, task: Option<&str>) -> Reply {
    let mut fields = vec![("client_id", client), ("token", token)];
    fields.extend(task.map(|task| ("task", task)));
    world.post("/oauth/task/complete", &fields).await
}

/// Spec: docs/decisions/0034-privilege-belongs-to-a-task.md
#[tokio::test]
async fn an_agent_says_that_its_task_is_complete_and_all_of_it_ends() {
    for kind in ["access_token", "refresh_token"] {
        let world = World::start().await;
        let token = in_a_task(&world).await;
        let id = task_of(&token);
        let answer = complete(&world, "desk", token[kind].as_str().unwrap(), None).await.granted();
        assert_eq!(answer, serde_json::json!({"task": id, "state": "ended"}));
        assert_eq!(task(&world, &id).await.end(world.store.now()).unwrap().0, TaskEnd::Completed);
        assert!(!world.elevation("tickets:medium").await.is_live(world.store.now()));
        assert_eq!(world.events(2).await, ["task_ended", "elevation_ended"]);
        // The same again is the same answer.
        complete(&world, "desk", token["access_token"].as_str().unwrap(), Some(id.as_str())).await.granted();
    }
}

#[tokio::test]
async fn what_was_approved_and_used_in_a_task_is_looked_at_by_a_person_first() {
    let world = World::start().await;
    let token = in_a_task(&world).await;
    let mut browser = world.browser();
    let details = format!(r#"[{{"type":"io.portcullis/task","id":"{}"}}]"#, task_of(&token));
    let page = browser.consent_page(&link("tickets.delete_ticket", &[("authorization_details", &details)])).await;
    answer(&mut browser, &page, &[("reason", "two of a kind")]).await;
    let high = world.elevation("tickets.delete_ticket").await;
    assert_eq!(high.ends_with.task, Some(task_of(&token)));
    world.approve(&high.id).await;
    let (id, grant) = (high.id.clone(), high.grant.clone());
    let used = world.store.write(move |tx| {
        Box::pin(async move {
            privilege::elevation::uses::take(tx, &grant, &id).await?;
            Ok::<_, store::StoreError>(store::Commit::with(model::event::examples::any(), ()))
        })
    });
    used.await.unwrap();
    let answer = complete(&world, "desk", token["access_token"].as_str().unwrap(), None).await.granted();
    assert_eq!((&answer["state"], &answer["confirm_at"]), (&"completing".into(), &"https://gw.test/me".into()));
    assert_eq!(task(&world, &task_of(&token)).await.state(world.store.now()), TaskState::Completing);
    assert!(claims(&world.refresh(&refresh_of(&token)).await.granted()).get("task").is_none());
}

#[tokio::test]
async fn nobody_completes_the_task_of_another_and_no_dead_token_does() {
    let world = World::start().await;
    let token = in_a_task(&world).await;
    let id = task_of(&token);
    let access = token["access_token"].as_str().unwrap();
    complete(&world, "native", access, None).await.refused(400, "invalid_grant");
    complete(&world, "desk", "nonsense", Some(id.as_str())).await.refused(400, "invalid_grant");
    complete(&world, "desk", "", Some(id.as_str())).await.refused(400, "invalid_request");
    complete(&world, "desk", access, Some("tsk_of_another")).await.refused(400, "invalid_request");
    complete(&world, "desk", access, Some("not a task")).await.refused(400, "invalid_request");
    // A token of the same grant that belongs to no task has to name one.
    let plain = world.logged_in().await;
    complete(&world, "desk", plain["access_token"].as_str().unwrap(), None).await.refused(400, "invalid_request");
    assert_eq!(task(&world, &id).await.state(world.store.now()), TaskState::Open);
    world.end_grant(&world.only_grant().await.id).await;
    complete(&world, "desk", access, None).await.refused(400, "invalid_grant");
}

#[tokio::test]
async fn what_is_allowed_by_hand_for_a_task_counts_in_it() {
    let world = World::start().await;
    let mut browser = world.browser();
    browser.code(&link("tickets:low", &[])).await;
    let (mine, grant) = (opened(&world, "by hand").await, world.only_grant().await);
    let csrf = browser.get(&link("tickets:low", &[])).await.field("csrf");
    let fields = |task: &str| {
        [("csrf", csrf.as_str()), ("grant", grant.id.as_str()), ("scope", "tickets:medium"), ("by", "consent")]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .chain([("task".to_owned(), task.to_owned())])
            .collect::<Vec<_>>()
    };
    let post = async |browser: &mut Browser<'_>, task: &str| {
        let fields = fields(task);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post("/me/step-up", &fields).await
    };
    post(&mut browser, "tsk_of_another").await.page(409, "there is no task");
    assert_eq!(post(&mut browser, mine.id.as_str()).await.location(), "/me");
    assert_eq!(world.elevation("tickets:medium").await.ends_with.task, Some(mine.id.clone()));
    world.advance(16 * 60);
    let fresh = browser.log_in("ada", PASSWORD, "/me").await;
    assert_eq!(fresh.status.as_u16() / 100, 3);
    let gone = post(&mut browser, mine.id.as_str()).await;
    assert!(gone.status.as_u16() >= 300, "{}", gone.body);
    assert_eq!(world.elevations().await.len(), 1);
}
