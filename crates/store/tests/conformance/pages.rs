//! Lists in pages, and their numbers.

use model::{Agent, Block, Elevation, Grant, Id, Role, Span, Target};
use store::{After, Commit, Page, Store, StoreError, privilege::PrivilegeTx};

use crate::place::{Place, START, agent, elevation, event, grant, person};

on_both!(
    a_list_read_in_pages_is_the_whole_list_once,
    what_a_block_ended_is_in_no_list_and_no_number,
    the_agents_of_a_person_are_theirs_and_those_that_act_for_them,
);

/// Nine agents of ada, each with a grant and a request; every second request is in force.
async fn nine(store: &Store) -> Vec<Agent> {
    let agents: Vec<Agent> = (0..9).map(|number| agent(&format!("agent-{number}"), "ada")).collect();
    let put = agents.clone();
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let mut tx = PrivilegeTx::of(tx);
                for (number, agent) in put.iter().enumerate() {
                    // Some of one time, some of another.
                    let at = START.after(Span::from_seconds(number as u32 / 3));
                    let owner = [Role::Approver].into_iter().take(number % 2).collect();
                    let somebody = model::Person { roles: owner, ..person(&format!("person-{number}")) };
                    tx.put_person(&somebody, None).await?;
                    tx.put_agent(agent).await?;
                    let grant = Grant { created_at: at, ..grant(agent) };
                    tx.put_grant(&grant).await?;
                    let asked = Elevation { requested_at: at, ..elevation(&grant.id, 2) };
                    tx.put_elevation(&asked).await?;
                    if number % 2 == 0 {
                        let end = START.after(Span::from_minutes(9));
                        tx.activate_elevation(&asked.id, "bob", at, end).await?;
                    }
                }
                tx.put_person(&person("ada"), None).await?;
                Ok(Commit::with(event(), ()))
            })
        })
        .await
        .unwrap();
    agents
}

/// Reads all pages of two, and says what came in which order.
async fn read<T, C>(mut page: impl AsyncFnMut(Option<&C>) -> Page<T, C>) -> Vec<T> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let part = page(after.as_ref()).await;
        assert!(part.items.len() <= 2);
        all.extend(part.items);
        after = part.next;
        if after.is_none() {
            return all;
        }
    }
}

async fn a_list_read_in_pages_is_the_whole_list_once(place: &Place) {
    let store = place.open().await;
    let agents = nine(&store).await;
    assert_eq!(read(async |after: Option<&Id<Agent>>| store.agents_page(after, 2).await.unwrap()).await, agents);
    let people = read(async |after: Option<&Id<_>>| store.people_page(after, 2).await.unwrap()).await;
    assert_eq!(people, store.people_page(None, 99).await.unwrap().items);
    assert_eq!(people.len(), 10);
    let approvers =
        read(async |after: Option<&Id<_>>| store.holders_page(Role::Approver, after, 2).await.unwrap()).await;
    assert_eq!(approvers.len(), 4);
    let held = read(async |after: Option<&After<Grant>>| store.standing_grants(START, after, 2).await.unwrap()).await;
    assert_eq!(held, store.standing_grants(START, None, 99).await.unwrap().items);
    assert!(held.len() == 9 && held.is_sorted_by_key(|held| std::cmp::Reverse(held.grant.created_at)));
    assert!(held.iter().all(|held| held.agent.id == held.grant.agent));
    let entries = read(async |after| store.elevation_entries(after, 2).await.unwrap()).await;
    assert_eq!(entries, store.elevation_entries(None, 99).await.unwrap().items);
    assert!(entries.len() == 9 && entries.is_sorted_by_key(|entry| std::cmp::Reverse(entry.elevation.requested_at)));
    let entry = &entries[0];
    assert_eq!(entry.owner.as_ref().map(|owner| owner.id.as_str()), Some("ada"));
    assert_eq!(entry.grant.id, entry.elevation.grant);
    assert_eq!(store.elevation_entry(&entry.elevation.id).await.unwrap().as_ref(), Some(entry));

    let live = read(async |after| store.live_elevation_entries(START, after, 2).await.unwrap()).await;
    assert!(live.iter().all(|entry| entry.elevation.is_live(START)));
    let waits = read(async |after| store.pending_entries(START, after, 2).await.unwrap()).await;
    assert!(waits.iter().all(|entry| entry.elevation.is_pending(START)));
    assert!(waits.is_sorted_by_key(|entry| entry.elevation.requested_at));
    assert_eq!((live.len(), waits.len()), (5, 4));
    let counted = store.count_live_elevations(START).await.unwrap();
    assert_eq!(counted, [("tickets.delete_ticket".parse().unwrap(), 5)]);
    assert_eq!(store.count_pending(START).await.unwrap(), 4);
    let standing = store.count_standing_grants(START).await.unwrap();
    assert_eq!((standing.len(), standing[0].server.as_str(), standing[0].count), (1, "tickets", 9));
    assert_eq!((store.count_agents().await.unwrap(), store.count_people().await.unwrap()), (9, 10));
    assert_eq!(store.count_people_with(Role::Approver).await.unwrap(), 4);
    assert_eq!(store.clients_of_agents(2).await.unwrap(), [agents[0].client.clone(), agents[1].client.clone()]);
    assert_eq!(store.count_clients_of_agents().await.unwrap(), 9);
}

async fn what_a_block_ended_is_in_no_list_and_no_number(place: &Place) {
    let store = place.open().await;
    let agents = nine(&store).await;
    let at = START.after(Span::from_seconds(9));
    let block = Block { target: Target::Agent(agents[4].id.clone()), at, reason: "a drill".into(), lifted_at: None };
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move { Ok(Commit::with(event(), PrivilegeTx::of(tx).put_block(&block).await?)) })
        })
        .await
        .unwrap();
    assert_eq!(store.unwritten_blocks().await.unwrap().len(), 1);
    let held = read(async |after: Option<&After<Grant>>| store.standing_grants(at, after, 2).await.unwrap()).await;
    assert!(held.len() == 8 && held.iter().all(|held| held.agent.id != agents[4].id));
    assert!(store.standing_grants_of(&agents[4].id, at).await.unwrap().is_empty());
    assert_eq!(store.standing_grants_of(&agents[5].id, at).await.unwrap().len(), 1);
    assert_eq!(store.count_standing_grants(at).await.unwrap()[0].count, 8);
    assert_eq!(store.count_live_elevations(at).await.unwrap()[0].1, 4);
    assert_eq!(store.count_pending(at).await.unwrap(), 4);
    let live = read(async |after| store.live_elevation_entries(at, after, 2).await.unwrap()).await;
    assert_eq!(live.len(), 4);
    assert!(store.live_elevation_entries_of(&agents[4].id, at).await.unwrap().is_empty());
    assert_eq!(store.live_elevation_entries_of(&agents[6].id, at).await.unwrap().len(), 1);
}

async fn the_agents_of_a_person_are_theirs_and_those_that_act_for_them(place: &Place) {
    let store = place.open().await;
    nine(&store).await;
    let (hers, his) = (agent("zeta", "eve"), agent("beta", "bob"));
    let acts = Grant { person: Some("eve".parse().unwrap()), ..grant(&his) };
    let asked = elevation(&acts.id, 1);
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let mut tx = PrivilegeTx::of(tx);
                tx.put_agent(&hers).await?;
                tx.put_agent(&his).await?;
                tx.put_grant(&acts).await?;
                Ok(Commit::with(event(), tx.put_elevation(&asked).await?))
            })
        })
        .await
        .unwrap();
    let of = async |name: &str| {
        let person = name.parse().unwrap();
        let page = async |after: Option<&Id<Agent>>| store.agents_of_person(&person, START, after, 2).await.unwrap();
        read(page).await.iter().map(|agent| agent.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of("eve").await, ["beta", "zeta"]);
    assert_eq!(of("bob").await, ["beta"]);
    assert_eq!(of("ada").await.len(), 9);
    assert!(of("nobody").await.is_empty());
    let waits = async |name: &str| store.pending_entries_of(&name.parse().unwrap(), START, 50).await.unwrap().len();
    assert_eq!([waits("eve").await, waits("bob").await, waits("ada").await, waits("nobody").await], [1, 1, 4, 0]);
    assert_eq!(store.count_agents_of(&"ada".parse().unwrap()).await.unwrap(), 9);
}
