//! However an agent calls, whoever decides is asked no more than the rules say.
#![allow(clippy::unwrap_used)]

mod support;

use model::{
    Actor, AskedCall, Elevation, ElevationState, ExactCall, Grant, Id, Span, StepUp, Timestamp, config::ElevationConfig,
};
use portcullis_governance::orders::{deny, end, write_elapsed};
use privilege::{
    asked_call,
    elevation::open::{self, Asking, ElevationWish, Opened},
};
use store::{Commit, StoreError};
use support::{Installation, NIGHTLY};

/// Numbers that look like none, and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A call of some tool, with some arguments, by some login of the client.
fn some_call(world: &Installation, dice: &mut Dice, grant: &Id<Grant>, now: Timestamp) -> (AskedCall, Vec<u8>) {
    let server = if grant.as_str() == "grt_other" { "files" } else { "tickets" };
    let scope = format!("{server}.delete_{}", dice.below(5)).parse().unwrap();
    let arguments = format!(r#"{{"id":{},"why":"{}"}}"#, dice.below(40), dice.below(3));
    let name = world.store.name_call((grant, None), &scope, None, &arguments);
    let asked = AskedCall {
        id: name.id,
        grant: grant.clone(),
        task: None,
        scope,
        definition: None,
        arguments: name.arguments,
        salt: name.salt,
        installation: Some(format!("ins_{}", dice.below(6)).parse().unwrap()),
        asked_at: now,
        not_after: now.after(Span::from_minutes(10)),
        requested_at: None,
    };
    let sealed = world.store.seal_arguments(&asked.id, &arguments);
    (asked, sealed)
}

/// Ten thousand calls of one agent, under two grants, over ten hours, each of which asks. Now and then somebody says no, the
/// agent withdraws what it asked for, or nobody looks.
///
/// Field: V4
#[tokio::test]
async fn ten_thousand_calls_of_one_agent_ask_no_more_than_the_rules_say() {
    const AT_ONCE: usize = 50;
    let world = Installation::start().await;
    world.grant("grt_other", NIGHTLY, None, "files").await;
    let agent = world.store.agent(&NIGHTLY.parse().unwrap()).await.unwrap().unwrap();
    let config = ElevationConfig::default();
    let window = config.decide_within;
    let mut dice = Dice(4711);
    // When each request that nobody decided on was made. A no makes room for another tool, and closes its own.
    let mut notices: Vec<(Id<Elevation>, Timestamp)> = Vec::new();
    let mut denied_until = std::collections::HashMap::new();
    let (mut made, mut most_waiting) = (0, 0);
    for round in 0..10_000 / AT_ONCE {
        let now = world.now();
        let grant: Id<Grant> = if round % 7 == 3 { "grt_other" } else { "grt_nightly" }.parse().unwrap();
        let calls: Vec<_> = (0..AT_ONCE).map(|_| some_call(&world, &mut dice, &grant, now)).collect();
        let (of_grant, by, config, policies) =
            (world.store.grant(&grant).await.unwrap().unwrap(), agent.clone(), config.clone(), world.policies.clone());
        let opened = world.store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let (mut events, mut new) = (vec![model::event::examples::any()], Vec::new());
                for (asked, sealed) in calls {
                    if !asked_call::leave(tx, &config, &asked, &sealed).await? {
                        continue;
                    }
                    let call = ExactCall::from(&asked);
                    let wish = ElevationWish {
                        agent: &by,
                        grant: &of_grant,
                        scope: &asked.scope,
                        call: Some(&call),
                        by: StepUp::Approval,
                        reason: "a spill",
                        task: None,
                    };
                    let asking = Asking { config: &config, approvals: config.approvals, policies: &policies };
                    let actor = Actor::Agent(by.id.clone());
                    if let Opened::New(elevation, event) = open::request(asking, tx, wish, actor).await? {
                        events.push(event);
                        new.push(elevation);
                    }
                }
                Ok(events.into_iter().fold(Commit::nothing(new), Commit::and))
            })
        });
        for elevation in opened.await.unwrap() {
            let cooled = denied_until.get(&elevation.scope).is_none_or(|until| now >= *until);
            assert!(cooled, "{} was denied a short while ago", elevation.scope);
            notices.push((elevation.id, now));
            made += 1;
        }
        notices.retain(|(_, at)| *at > now.before(window));
        assert!(notices.len() <= 3, "{} in {window}", notices.len());
        let waiting = world.store.pending_entries(now, None, 100).await.unwrap().items;
        most_waiting = most_waiting.max(waiting.len());
        assert!(waiting.len() <= 3, "{} wait", waiting.len());
        for grant in ["grt_nightly", "grt_other"] {
            let left = world.store.asked_calls(&grant.parse().unwrap(), now).await.unwrap();
            assert!(left.len() <= 8, "{} left behind", left.len());
        }
        match (dice.below(4), waiting.first()) {
            (0, Some(entry)) => {
                let id = &entry.elevation.id;
                deny(&world.store, id, &world.decider("bob").await).await.unwrap();
                assert_eq!(world.state_of(id).await, ElevationState::Denied);
                notices.retain(|(noticed, _)| noticed != id);
                denied_until.insert(entry.elevation.scope.clone(), now.after(window));
            }
            (1, Some(entry)) => end(&world.store, &entry.elevation.id, Actor::Operator).await.unwrap(),
            _ => {}
        }
        world.clock.advance(Span::from_minutes(3));
        write_elapsed(&world.store).await.unwrap();
    }
    assert_eq!(most_waiting, 3, "the rules were reached");
    assert!(made > 50, "and somebody was asked again and again: {made}");
}
