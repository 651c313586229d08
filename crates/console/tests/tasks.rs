//! Pieces of work on pages: who sees them, and who ends them.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "../../governance/tests/support/mod.rs"]
mod support;

use governance::orders;
use model::{Actor, Task, TaskEnd, TaskState};
use privilege::task::open::TaskWish;
use support::{CLAUDE, Installation, NIGHTLY};

async fn opened(world: &Installation, agent: &str, purpose: &str) -> Task {
    let wish = TaskWish {
        agent: agent.parse().unwrap(),
        grant: None,
        purpose: purpose.into(),
        lasts: TaskWish::LASTS,
        idle: TaskWish::IDLE,
        uses: Some(7),
    };
    orders::open_task(&world.store, wish, Actor::Operator).await.unwrap()
}

async fn state(world: &Installation, task: &Task) -> TaskState {
    world.store.task(&task.id).await.unwrap().unwrap().state(world.now())
}

#[tokio::test]
async fn an_auditor_reads_all_of_them_and_ends_none() {
    let world = Installation::start().await;
    let task = opened(&world, NIGHTLY, "close <b>4711</b>").await;
    let carol = world.browser("carol").await;
    let list = carol.get("/console/tasks").await.html;
    assert!(list.contains("close &#60;b&#62;4711&#60;/b&#62;") && list.contains("0 of 7"), "{list}");
    let page = carol.get(&format!("/console/tasks/{}", task.id)).await.html;
    assert!(page.contains(&task.digest) && !page.contains("End it now"), "{page}");
    assert_eq!(carol.post(&format!("/console/tasks/{}/end", task.id), "").await.status, 403);
    assert_eq!(carol.get("/console/tasks/tsk_none").await.status, 404);
    assert_eq!(world.browser("bob").await.get("/console/tasks").await.status, 403);
    assert!(carol.get(&format!("/console/agents/{NIGHTLY}")).await.html.contains("close &#60;b&#62;4711"));
}

/// Field: K16
#[tokio::test]
async fn an_administrator_ends_one_and_a_second_click_changes_nothing() {
    let world = Installation::start().await;
    let task = opened(&world, NIGHTLY, "close 4711").await;
    let dan = world.browser("dan").await;
    let at = format!("/console/tasks/{}", task.id);
    assert!(dan.get(&at).await.html.contains(&format!(r#"action="{at}/end""#)));
    for _ in 0..2 {
        assert_eq!(dan.post(&format!("{at}/end"), "").await.location, at);
    }
    let ended = world.store.task(&task.id).await.unwrap().unwrap();
    assert_eq!(ended.end(world.now()).unwrap().0, TaskEnd::ByHand);
    assert!(dan.get(&at).await.html.contains("ended: by hand"));
}

/// Field: K11
#[tokio::test]
async fn people_end_the_pieces_of_work_of_their_own_agents_and_learn_of_no_other() {
    let world = Installation::start().await;
    let (mine, nightly) =
        (opened(&world, CLAUDE, "merge them").await, opened(&world, NIGHTLY, "the nightly run").await);
    let (ada, eve) = (world.browser("ada").await, world.browser("eve").await);
    let me = ada.get("/me").await.html;
    for task in [&mine, &nightly] {
        assert!(me.contains(&task.purpose) && me.contains(&format!("/me/tasks/{}/end", task.id)), "{me}");
        assert!(ada.get(&format!("/console/tasks/{}", task.id)).await.html.contains("End it now"));
        assert_eq!(eve.get(&format!("/console/tasks/{}", task.id)).await.status, 404);
        assert_eq!(eve.post(&format!("/me/tasks/{}/end", task.id), "").await.status, 403);
        assert_eq!(state(&world, task).await, TaskState::Open);
        assert_eq!(ada.post(&format!("/me/tasks/{}/end", task.id), "").await.location, "/me");
        assert_eq!(state(&world, task).await, TaskState::Ended);
    }
    assert!(!ada.get("/me").await.html.contains("Under way"));
}
