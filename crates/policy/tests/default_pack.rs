//! What the built-in policies say, and what an operator's own can change.

#![allow(clippy::unwrap_used)]

use model::{AgentKind, Assurance, Authority, CallTarget, Class, Decision, DenyReason, Question, StepUp, Tier};
use portcullis_policy::{Arguments, Policies, PolicyFile};

/// Nothing here looks at arguments.
const NO_INPUT: Arguments<'static> = Arguments::None;

fn call(tier: Tier, authority: Authority) -> Question {
    Question {
        agent: "claude-code@ada".parse().unwrap(),
        kind: AgentKind::Delegated,
        assurance: Assurance::Published,
        owner: "ada".parse().unwrap(),
        purpose: "to help".into(),
        sponsor: None,
        eligible_only: false,
        person: Some("ada".parse().unwrap()),
        server: "tickets".parse().unwrap(),
        target: CallTarget::Tool("delete_ticket".parse().unwrap(), Class::Rated(tier)),
        authority,
        exceptions: Default::default(),
        key_proven: false,
    }
}

fn connect() -> Question {
    Question { target: CallTarget::Protocol, ..call(Tier::Low, Authority::Standing) }
}

fn built_in_and(text: &str) -> Policies {
    Policies::load(&[PolicyFile { name: "own.cedar".into(), text: text.into() }]).unwrap()
}

fn allowed_by(policies: &Policies, question: &Question) -> String {
    match policies.decide(question, NO_INPUT).unwrap() {
        Decision::Allow { policies } => policies.join(" "),
        other => panic!("not allowed: {other:?}"),
    }
}

fn step_up(policies: &Policies, question: &Question) -> (String, StepUp) {
    match policies.decide(question, NO_INPUT).unwrap() {
        Decision::StepUp { scope, by, .. } => (scope.to_string(), by),
        other => panic!("no step-up: {other:?}"),
    }
}

fn denied(policies: &Policies, question: &Question) -> (DenyReason, String) {
    match policies.decide(question, NO_INPUT).unwrap() {
        Decision::Deny { reason, policies } => (reason, policies.join(" ")),
        other => panic!("not denied: {other:?}"),
    }
}

#[test]
fn each_tier_is_allowed_with_what_it_asks_for() {
    let policies = Policies::built_in();
    assert_eq!(allowed_by(&policies, &connect()), "connect");
    assert_eq!(allowed_by(&policies, &call(Tier::Low, Authority::Standing)), "low-standing");
    assert_eq!(allowed_by(&policies, &call(Tier::Medium, Authority::Consent)), "medium-by-consent");
    assert_eq!(allowed_by(&policies, &call(Tier::Medium, Authority::Approval)), "medium-by-consent");
    assert_eq!(allowed_by(&policies, &call(Tier::High, Authority::Approval)), "high-by-approval");
}

#[test]
fn a_call_above_what_is_held_names_the_least_step_that_helps() {
    let policies = Policies::built_in();
    let medium = step_up(&policies, &call(Tier::Medium, Authority::Standing));
    assert_eq!(medium, ("tickets:medium".into(), StepUp::Consent));
    for held in [Authority::Standing, Authority::Consent] {
        let high = step_up(&policies, &call(Tier::High, held));
        assert_eq!(high, ("tickets.delete_ticket".into(), StepUp::Approval), "{held}");
    }
}

#[test]
fn a_held_tool_is_denied_whatever_is_held() {
    let policies = Policies::built_in();
    for authority in [Authority::Standing, Authority::Consent, Authority::Approval] {
        let held = CallTarget::Tool("delete_ticket".parse().unwrap(), Class::Held(model::HeldFor::Tier));
        let question = Question { target: held, ..call(Tier::High, authority) };
        assert_eq!(denied(&policies, &question), (DenyReason::Held, "held-tool".into()), "{authority}");
    }
}

#[test]
fn a_forbid_of_the_operator_wins_and_is_named() {
    let policies = built_in_and(
        r#"@id("nobody-declared") forbid (principal is Agent, action, resource)
           when { principal.assurance == Assurance::"declared" };"#,
    );
    let declared = Question { assurance: Assurance::Declared, ..call(Tier::Low, Authority::Approval) };
    assert_eq!(denied(&policies, &declared), (DenyReason::Forbidden, "nobody-declared".into()));
    assert_eq!(allowed_by(&policies, &call(Tier::Low, Authority::Standing)), "low-standing");
}

#[test]
fn a_forbid_that_an_approval_cures_is_a_step_up() {
    let policies = built_in_and(
        r#"forbid (principal, action in Action::"call", resource in Server::"tickets")
           unless { context.authority == Authority::"approval" };"#,
    );
    let low = step_up(&policies, &call(Tier::Low, Authority::Standing));
    assert_eq!(low, ("tickets:low".into(), StepUp::Approval));
    let medium = step_up(&policies, &call(Tier::Medium, Authority::Consent));
    assert_eq!(medium, ("tickets:medium".into(), StepUp::Approval));
}

#[test]
fn a_permit_of_the_operator_widens_only_what_it_names() {
    let policies = built_in_and(
        r#"@id("reconciler") permit (principal == Agent::"reconciler", action in Action::"call",
             resource == Tool::"tickets.delete_ticket") when { !(context has person) };"#,
    );
    let mine = Question {
        agent: "reconciler".parse().unwrap(),
        kind: AgentKind::Autonomous,
        person: None,
        ..call(Tier::High, Authority::Standing)
    };
    assert_eq!(allowed_by(&policies, &mine), "reconciler");
    let for_a_person = Question { person: Some("ada".parse().unwrap()), ..mine.clone() };
    let other_server = Question { server: "files".parse().unwrap(), ..mine.clone() };
    let other_agent = Question { agent: "reconciler2".parse().unwrap(), ..mine };
    for question in [for_a_person, other_server, other_agent] {
        step_up(&policies, &question);
    }
}

#[test]
fn the_protocol_itself_is_denied_and_never_stepped_up() {
    let policies = built_in_and(
        r#"@id("closed") forbid (principal, action == Action::"connect", resource == Server::"tickets")
           unless { context.authority == Authority::"approval" };"#,
    );
    assert_eq!(denied(&policies, &connect()), (DenyReason::Forbidden, "closed".into()));
}

#[test]
fn a_policy_that_can_not_be_evaluated_denies_even_what_others_permit() {
    let policies = built_in_and(
        r#"forbid (principal, action in Action::"call", resource == Tool::"tickets.delete_ticket")
           when { 9223372036854775807 + 1 == 0 };"#,
    );
    let question = call(Tier::Low, Authority::Standing);
    assert_eq!(denied(&policies, &question), (DenyReason::EvaluationError, String::new()));
    let other_tool = CallTarget::Tool("get_ticket".parse().unwrap(), Class::Rated(Tier::Low));
    let other_tool = Question { target: other_tool, ..question };
    assert_eq!(allowed_by(&policies, &other_tool), "low-standing");
}

#[test]
fn the_fingerprint_changes_with_any_text() {
    let built_in = Policies::built_in();
    assert_eq!(built_in.fingerprint(), Policies::built_in().fingerprint());
    assert_eq!(built_in.fingerprint().len(), 64);
    let own = built_in_and("permit (principal, action == Action::\"connect\", resource);");
    assert_ne!(built_in.fingerprint(), own.fingerprint());
    assert_eq!(own.texts().len(), 2);
}

#[test]
fn the_fingerprint_is_the_same_in_another_folder_and_another_one_under_another_name() {
    let named = |name: &str| {
        let text = "permit (principal, action == Action::\"connect\", resource);".into();
        Policies::load(&[PolicyFile { name: name.into(), text }]).unwrap().fingerprint().to_owned()
    };
    assert_eq!(named("/etc/portcullis/a.cedar"), named("policies/a.cedar"));
    assert_ne!(named("policies/a.cedar"), named("policies/b.cedar"));
}

/// Who reads a denial looks for the policy that has to change: that is the one which refuses at the end of the climb.
#[test]
fn a_denial_names_what_refuses_whatever_is_approved() {
    let policies = built_in_and(
        "@id(\"not-by-hand\") forbid (principal, action in Action::\"call\", resource)
         when { context.authority == Authority::\"standing\" };
         @id(\"not-even-approved\") forbid (principal, action in Action::\"call\", resource)
         when { context.authority == Authority::\"approval\" };",
    );
    let (reason, by) = denied(&policies, &call(Tier::High, Authority::Standing));
    assert_eq!((reason, by.as_str()), (DenyReason::Forbidden, "not-even-approved"));
}

/// Field: H10
#[test]
fn a_step_up_names_what_stands_in_the_way_now_and_what_will_allow_it() {
    let named =
        |policies: &Policies, question: &Question| policies.decide(question, NO_INPUT).unwrap().policies().join(" ");
    let medium = call(Tier::Medium, Authority::Standing);
    assert_eq!(named(&Policies::built_in(), &medium), "medium-by-consent");
    let careful = built_in_and(
        r#"@id("four-eyes") forbid (principal, action in Action::"call", resource)
           when { resource.tier == Tier::"medium" && context.authority != Authority::"approval" };"#,
    );
    assert_eq!(named(&careful, &medium), "four-eyes medium-by-consent");
    assert_eq!(named(&careful, &call(Tier::Medium, Authority::Approval)), "medium-by-consent");
}

/// What nobody may be raised to is neither had nor asked for, by whatever yes; a tool that needs none stays as it is.
#[test]
fn an_elevation_takes_two_permits_and_a_call_that_needs_none_takes_one() {
    let nobody = built_in_and(r#"@id("nobody") forbid (principal, action == Action::"elevate", resource);"#);
    for authority in [Authority::Standing, Authority::Consent, Authority::Approval] {
        assert_eq!(allowed_by(&nobody, &call(Tier::Low, authority)), "low-standing");
        for tier in [Tier::Medium, Tier::High] {
            assert_eq!(denied(&nobody, &call(tier, authority)), (DenyReason::Forbidden, "nobody".into()), "{tier}");
        }
    }
    assert_eq!(allowed_by(&nobody, &connect()), "connect");
    let own = built_in_and(
        r#"@id("not-alone") forbid (principal, action == Action::"elevate", resource in Server::"tickets")
           when { context.authority == Authority::"consent" };"#,
    );
    assert_eq!(step_up(&own, &call(Tier::Medium, Authority::Standing)).1, StepUp::Approval);
    assert_eq!(step_up(&own, &call(Tier::Medium, Authority::Consent)).1, StepUp::Approval, "a live one counts no more");
    assert_eq!(allowed_by(&own, &call(Tier::Medium, Authority::Approval)), "medium-by-consent");
}

#[test]
fn a_policy_on_elevations_that_can_not_be_evaluated_is_a_denial() {
    let broken = built_in_and(
        "forbid (principal, action == Action::\"elevate\", resource) when { 9223372036854775807 + 1 == 0 };",
    );
    assert_eq!(denied(&broken, &call(Tier::High, Authority::Standing)).0, DenyReason::EvaluationError);
    assert_eq!(allowed_by(&broken, &call(Tier::Low, Authority::Standing)), "low-standing");
}

#[test]
fn a_token_is_for_whom_a_policy_on_issuing_does_not_forbid() {
    let said = |policies: &Policies| match policies.decide_issuing(&connect()) {
        Decision::Allow { policies } | Decision::Deny { policies, .. } => policies.join(" "),
        Decision::StepUp { .. } => panic!("nobody steps up to a token"),
    };
    assert_eq!(said(&Policies::built_in()), "issue");
    let own = built_in_and(
        r#"@id("proven-alone") forbid (principal, action == Action::"issue", resource == Server::"tickets")
           when { principal.assurance != Assurance::"proven" };
           @id("not-there") forbid (principal, action == Action::"issue", resource == Server::"files");"#,
    );
    assert_eq!(said(&own), "proven-alone");
    assert_eq!(allowed_by(&own, &connect()), "connect", "what is done with a token is another matter");
}

/// Spec: NIST SP 800-207 §2.1 (tenet 3: access is granted for the session, with the least privilege)
#[test]
fn whoever_is_only_eligible_asks_for_what_policies_would_let_stand() {
    let own = built_in_and(r#"@id("writes-are-fine") permit (principal, action in Action::"call", resource);"#);
    let eligible = |tier, authority| Question { eligible_only: true, ..call(tier, authority) };
    for tier in [Tier::Medium, Tier::High] {
        assert!(allowed_by(&own, &call(tier, Authority::Standing)).contains("writes-are-fine"));
        assert_eq!(step_up(&own, &eligible(tier, Authority::Standing)).1, StepUp::Consent, "{tier}");
        assert!(allowed_by(&own, &eligible(tier, Authority::Approval)).contains("writes-are-fine"));
    }
    assert!(allowed_by(&own, &eligible(Tier::Low, Authority::Standing)).contains("low-standing"));
}

#[test]
fn a_policy_may_look_at_who_sponsors_an_agent() {
    let own = built_in_and(
        r#"@id("sponsored") forbid (principal, action in Action::"call", resource)
           unless { principal has sponsor && principal.sponsor == Person::"bob" };
           @id("by-sponsor") forbid (principal, action == Action::"approve", resource)
           unless { context.agent has sponsor && context.agent.sponsor == principal };"#,
    );
    let low = || call(Tier::Low, Authority::Standing);
    assert_eq!(denied(&own, &low()), (DenyReason::Forbidden, "sponsored".into()));
    let sponsored = Question { sponsor: Some("bob".parse().unwrap()), ..low() };
    assert_eq!(allowed_by(&own, &sponsored), "low-standing");
}
