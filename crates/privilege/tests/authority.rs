//! One decision: what may be issued, what a list shows and what a call is told agree, whatever is held and whatever
//! policy says.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, sync::Arc};

use model::{
    Actor, Agent, AgentKind, AgentState, Assurance, Authority, CallTarget, Clock, Grant, HeldFor, ManualClock, Person,
    Pin, Role, Scope, ScopeSet, Span, StepUp, Timestamp, ToolName, config::ServerConfig,
};
use policy::{Arguments, Policies, PolicyFile};
use portcullis_privilege::{
    Decider, Refused, agent,
    authority::{
        Allowed, Approvals, Asker, Basis, Need, NotAllowed, NotIssuable, Reach, decide, decide::Wanted, plan::Issuing,
        reach,
    },
    elevation::{
        decide::approve,
        open::{self, Asking, ElevationWish, Opened},
    },
    grant, person,
};
use store::{Commit, Missing, OpenOptions, Store, Tx};

struct Installation {
    store: Store,
    agent: Agent,
    grant: Grant,
    rules: ServerConfig,
    _directory: tempfile::TempDir,
}

const TOOLS: [&str; 4] = ["get_ticket", "create_ticket", "delete_ticket", "unheard_of"];

/// Carries out a change of `privilege`.
macro_rules! change {
    ($store:expr, $tx:ident, $work:expr) => {
        $store
            .write::<_, Refused, _>(move |$tx: &mut Tx<'_>| {
                Box::pin(async move {
                    let (event, value) = $work;
                    Ok(Commit::with(event, value))
                })
            })
            .await
            .unwrap()
    };
}

impl Installation {
    /// `claude@ada` holds a grant on `tickets`; Bob may approve.
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let options = OpenOptions {
            url: model::config::StoreUrl::sqlite_in(directory.path()),
            data_dir: directory.path().into(),
            origin: "gw.test/audit".into(),
            clock: clock.clone(),
            node: None,
            store_silence: Span::from_seconds(60),
            missing: Missing::IsMade,
        };
        let store = Store::open(options).await.unwrap();
        for (name, roles) in [("ada", vec![]), ("bob", vec![Role::Approver])] {
            let roles: BTreeSet<Role> = roles.into_iter().collect();
            let known = Person { id: name.parse().unwrap(), display_name: name.to_owned(), roles, disabled: false };
            change!(store, tx, (person::add(tx, &known, Actor::Operator).await?, ()));
        }
        let agent = Agent {
            id: "claude@ada".parse().unwrap(),
            title: "Claude".into(),
            owner: "ada".parse().unwrap(),
            purpose: "helps".into(),
            kind: AgentKind::Delegated,
            client: "https://claude.test/client.json".parse().unwrap(),
            assurance: Assurance::Published,
            state: AgentState::Active,
            created_at: clock.now(),
            sponsor: None,
            eligible_only: false,
        };
        let known = agent.clone();
        change!(store, tx, (agent::register(tx, &known, Actor::Operator).await?.unwrap(), ()));
        let known = agent.clone();
        let lasts = Span::from_minutes(600);
        let consented = change!(store, tx, {
            let (ada, tickets) = (known.owner.clone(), "tickets".parse().unwrap());
            let consented = grant::consent(tx, &known, &ada, &tickets, lasts).await?;
            (consented.event.clone(), consented)
        });
        let rules = r#"{"url": "http://127.0.0.1:1/mcp",
                        "tools": {"get_*": "low", "create_*": "medium", "delete_*": "high"}, "any_arguments": ["*"]}"#;
        let rules = serde_json::from_str(rules).unwrap();
        Self { store, agent, grant: consented.grant, rules, _directory: directory }
    }

    async fn elevate(&self, scope: &str, by: StepUp) {
        let (agent, grant, scope) = (self.agent.clone(), self.grant.clone(), scope.parse::<Scope>().unwrap());
        let opened = change!(self.store, tx, {
            let config = model::config::ElevationConfig::default();
            let wish = ElevationWish {
                agent: &agent,
                grant: &grant,
                scope: &scope,
                call: None,
                by,
                reason: "why",
                task: None,
            };
            let opened = match by {
                StepUp::Consent => open::consent(&config, tx, wish, &agent.owner).await?,
                StepUp::Approval => {
                    let policies = Policies::built_in();
                    let asking = Asking { config: &config, approvals: config.approvals, policies: &policies };
                    open::request(asking, tx, wish, Actor::Operator).await?
                }
            };
            let Opened::New(elevation, event) = opened else { panic!("{opened:?}") };
            (event, elevation)
        });
        if by == StepUp::Approval {
            let bob = self.store.person(&"bob".parse().unwrap()).await.unwrap().unwrap();
            change!(
                self.store,
                tx,
                approve(
                    tx,
                    &opened.id,
                    &Decider::at_the_command_line(bob, Arc::new(Policies::built_in())),
                    Default::default()
                )
                .await
                .map(|(event, approved)| (event.unwrap(), approved))?
            );
        }
    }

    async fn decide(&self, policies: &Policies, target: &CallTarget, credential: &str) -> Result<Allowed, NotAllowed> {
        let credential: ScopeSet = credential.parse().unwrap();
        let asker = Asker::by_grant(&self.agent, &self.grant);
        let approvals = Approvals::of(&self.rules, target, None);
        let wanted = Wanted {
            asker,
            grant: &self.grant,
            credential: &credential,
            target,
            approvals,
            arguments: Arguments::None,
            task: None,
        };
        decide(&self.store, policies, wanted).await
    }

    fn issuing<'a>(&'a self, policies: &'a Policies) -> Issuing<'a> {
        let (asker, server, pins) = (Asker::of(&self.agent), &self.grant.server, self.store.pins());
        Issuing { policies, asker, server, rules: &self.rules, pins, proof: self.rules.proof }
    }

    fn target(&self, tool: &str) -> CallTarget {
        CallTarget::of(&self.rules, Some(tool.parse::<ToolName>().unwrap()), |_| Pin::Accepted)
    }

    /// Asks all three for every tool, and holds them against each other.
    async fn agrees(&self, policies: &Policies) -> Vec<&'static str> {
        let live = self.store.live_elevations(&self.grant.id, self.store.now()).await.unwrap();
        let asker = Asker::by_grant(&self.agent, &self.grant);
        let mut told = Vec::new();
        for tool in TOOLS {
            let target = self.target(tool);
            let need = self.issuing(policies).need(&target.scope(&self.grant.server));
            let approvals = Approvals::of(&self.rules, &target, None);
            let listed = reach(policies, &asker, &self.grant.server, &target, approvals, &live);
            let decided = self.decide(policies, &target, "tickets:low").await;
            told.push(match (decided, listed, need) {
                (Ok(Allowed { basis: Basis::Standing, .. }), Some(Reach::Usable { with, .. }), Ok(Need::Standing)) => {
                    assert_eq!(with, Authority::Standing);
                    "standing"
                }
                (
                    Ok(Allowed { basis: Basis::Elevation { by, .. }, .. }),
                    Some(Reach::Usable { with, .. }),
                    Ok(Need::Elevation(_)),
                ) => {
                    assert_eq!(with, by.authority());
                    "elevated"
                }
                (
                    Err(NotAllowed::StepUp { scope, by, .. }),
                    Some(Reach::StepUp { scope: shown, by: shown_by }),
                    Ok(Need::Elevation(asked)),
                ) => {
                    assert_eq!((&scope, by, by), (&shown, shown_by, asked));
                    "step up"
                }
                (Err(NotAllowed::Denied { .. }), None, Err(_)) => "denied",
                (decided, listed, need) => panic!("{tool}: {decided:?}, {listed:?}, {need:?}"),
            });
        }
        told
    }
}

fn own(text: &str) -> Policies {
    Policies::load(&[PolicyFile { name: "own.cedar".into(), text: text.into() }]).unwrap()
}

const CAREFUL: &str = r#"forbid (principal, action in Action::"call", resource)
    when { resource.tier == Tier::"medium" && context.authority != Authority::"approval" };"#;
const CLOSED: &str = r#"forbid (principal, action in Action::"call", resource == Tool::"tickets.delete_ticket");"#;
const OPEN: &str = r#"permit (principal == Agent::"claude@ada", action in Action::"call",
    resource == Tool::"tickets.create_x"); permit (principal == Agent::"claude@ada", action in Action::"call",
    resource == Tool::"tickets.create_ticket");"#;

#[tokio::test]
async fn a_call_a_list_and_a_token_are_told_the_same() {
    let world = Installation::start().await;
    let (built_in, careful, closed, open) = (Policies::built_in(), own(CAREFUL), own(CLOSED), own(OPEN));
    assert_eq!(world.agrees(&built_in).await, ["standing", "step up", "step up", "denied"]);
    assert_eq!(world.agrees(&careful).await, ["standing", "step up", "step up", "denied"]);
    assert_eq!(world.agrees(&closed).await, ["standing", "step up", "denied", "denied"]);
    assert_eq!(world.agrees(&open).await, ["standing", "standing", "step up", "denied"]);
    world.elevate("tickets:medium", StepUp::Consent).await;
    assert_eq!(world.agrees(&built_in).await, ["standing", "elevated", "step up", "denied"]);
    // The consent was given, and policy has become stricter since.
    assert_eq!(world.agrees(&careful).await, ["standing", "step up", "step up", "denied"]);
    world.elevate("tickets.delete_ticket", StepUp::Approval).await;
    assert_eq!(world.agrees(&built_in).await, ["standing", "elevated", "elevated", "denied"]);
    // What was approved is forbidden now: it counts at once.
    assert_eq!(world.agrees(&closed).await, ["standing", "elevated", "denied", "denied"]);
}

/// Spec: RFC 9700 §4.14, OAuth 2.1 §5.2
#[tokio::test]
async fn authority_is_within_each_of_its_sources() {
    let mut world = Installation::start().await;
    let policies = Policies::built_in();
    let low = world.target("get_ticket");
    assert!(world.decide(&policies, &low, "tickets:low").await.is_ok());
    let narrow = |found| matches!(found, Err(NotAllowed::Narrow(scope)) if scope.to_string() == "tickets:low");
    // The credential names less than the grant.
    assert!(narrow(world.decide(&policies, &low, "").await));
    assert!(narrow(world.decide(&policies, &low, "files:low").await));
    assert!(narrow(world.decide(&policies, &CallTarget::Protocol, "files:low").await));
    // The grant names less than the credential.
    world.grant.scopes = ScopeSet::default();
    assert!(narrow(world.decide(&policies, &low, "tickets:low").await));
    // A scope in the token above the baseline is a hint: without a live elevation it opens nothing.
    let high = world.target("delete_ticket");
    let claimed = world.decide(&policies, &high, "tickets:low tickets.delete_ticket").await;
    assert!(matches!(claimed, Err(NotAllowed::StepUp { by: StepUp::Approval, .. })));
}

#[tokio::test]
async fn what_can_not_be_issued_says_why() {
    let world = Installation::start().await;
    let (built_in, closed) = (Policies::built_in(), own(&format!("@id(\"closed\") {CLOSED}")));
    let need = |policies, scope: &str| world.issuing(policies).need(&scope.parse().unwrap());
    let held = need(&built_in, "tickets.unheard_of").unwrap_err();
    assert_eq!(held, NotIssuable::Held("tickets.unheard_of".parse().unwrap(), HeldFor::Tier));
    let not_high = need(&built_in, "tickets.get_ticket").unwrap_err();
    assert!(not_high.to_string().ends_with("ask for `tickets:low`"), "{not_high}");
    let forbidden = need(&closed, "tickets.delete_ticket").unwrap_err();
    assert_eq!(forbidden.policies(), ["closed"]);

    let nobody = own(r#"@id("nobody") forbid (principal, action == Action::"connect", resource);"#);
    let refused = world.issuing(&nobody).plan(&"tickets:low".parse().unwrap()).unwrap_err();
    assert_eq!(refused, NotIssuable::NoConnection("tickets".parse().unwrap(), vec!["nobody".into()]));
}

#[tokio::test]
async fn what_can_not_be_had_is_left_out_unless_that_is_all() {
    let world = Installation::start().await;
    let policies = Policies::built_in();
    let plan =
        world.issuing(&policies).plan(&"tickets:low tickets.unheard_of tickets:medium".parse().unwrap()).unwrap();
    let possible: Vec<_> = plan.possible.iter().map(|(scope, need)| (scope.to_string(), *need)).collect();
    let expected =
        [("tickets:low".into(), Need::Standing), ("tickets:medium".into(), Need::Elevation(StepUp::Consent))];
    assert_eq!(possible, expected);
    assert_eq!(plan.left_out, [NotIssuable::Held("tickets.unheard_of".parse().unwrap(), HeldFor::Tier)]);
    let nothing = world.issuing(&policies).plan(&"tickets.unheard_of".parse().unwrap()).unwrap_err();
    assert_eq!(nothing, NotIssuable::Held("tickets.unheard_of".parse().unwrap(), HeldFor::Tier));
}

/// Each of the four may take it away, and none of them gives what another one does not.
///
/// Spec: RFC 9700 §4.14, OAuth 2.1 §5.2
#[tokio::test]
async fn a_call_is_allowed_when_agent_person_credential_and_elevation_allow_it_and_never_else() {
    for case in 0..16 {
        let is = |bit: u32| case & (1 << bit) != 0;
        let (by_agent, by_person, by_credential, by_elevation) = (is(0), is(1), is(2), is(3));
        let mut world = Installation::start().await;
        let mut text = String::new();
        if !by_agent {
            text += r#"@id("agent") forbid (principal == Agent::"claude@ada", action in Action::"call", resource);"#;
        }
        if !by_person {
            text += r#"@id("person") forbid (principal, action in Action::"call", resource)
                when { context has person && context.person == Person::"ada" };"#;
        }
        let policies = own(&text);
        if by_elevation {
            world.elevate("tickets.delete_ticket", StepUp::Approval).await;
        }
        // What is low rests on the credential, what is high on the elevation, and both on agent and person.
        let credential = if by_credential { "tickets:low tickets.delete_ticket" } else { "" };
        let low = world.decide(&policies, &world.target("get_ticket"), credential).await;
        let high = world.decide(&policies, &world.target("delete_ticket"), credential).await;
        assert_eq!(low.is_ok(), by_agent && by_person && by_credential, "{case:04b}: {low:?}");
        assert_eq!(high.is_ok(), by_agent && by_person && by_elevation, "{case:04b}: {high:?}");
        // And the grant that the credential is of.
        world.grant.scopes = ScopeSet::default();
        assert!(world.decide(&policies, &world.target("get_ticket"), credential).await.is_err(), "{case:04b}");
    }
}

/// Whoever may not call it whatever the arguments are is not told what is wrong with them.
#[tokio::test]
async fn what_is_denied_anyway_says_nothing_of_the_arguments() {
    let world = Installation::start().await;
    let looks = "forbid (principal, action in Action::\"call\", resource in Server::\"tickets\")
        when { context has input && context.input has n && context.input.n > 5 };";
    let closed = format!("{looks} @id(\"closed\") {CLOSED}");
    let input = policy::InputType::of(&serde_json::json!({"properties": {"n": {"type": "integer"}}}));
    for (policies, denied) in [(own(looks), false), (own(&closed), true)] {
        let credential: ScopeSet = "tickets:low".parse().unwrap();
        let (asker, target) = (Asker::by_grant(&world.agent, &world.grant), world.target("delete_ticket"));
        let arguments = Arguments::Sent(&input, Some(b"{\"n\": 1.5}"));
        let approvals = Approvals::of(&world.rules, &target, None);
        let wanted = Wanted {
            asker,
            grant: &world.grant,
            credential: &credential,
            target: &target,
            approvals,
            arguments,
            task: None,
        };
        match decide(&world.store, &policies, wanted).await.unwrap_err() {
            NotAllowed::Denied { policies, .. } if denied => assert_eq!(policies, ["closed"]),
            NotAllowed::Untyped(why) if !denied => assert_eq!(why.place, "/n"),
            other => panic!("{other:?}"),
        }
    }
}
