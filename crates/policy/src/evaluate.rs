//! One question in Cedar's words, and Cedar's answer in ours.

use std::collections::HashSet;

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision as Verdict, Entities, Entity, EntityTypeName, EntityUid,
    PolicyId, PolicySet, Request, RestrictedExpression,
};
use model::{
    Agent, AgentKind, ApprovalQuestion, Assurance, Authority, CallTarget, Id, Person, Question, Server, server::Kind,
};

use crate::{
    directory::Directory,
    words::{self, uid},
};

/// A question, as the entities and the request that Cedar takes.
pub(crate) struct Scene {
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
    /// What a policy can name in its scope and still be about this question, each once.
    names: Vec<EntityUid>,
    /// What its context has whatever is held.
    circumstances: Vec<(String, RestrictedExpression)>,
    entities: Entities,
}

/// What Cedar said to one request.
pub(crate) enum Answer {
    /// Yes, by these permits.
    Permitted(Vec<String>),
    /// No, by these forbids; by none, when nothing permits it.
    Refused(Vec<String>),
    /// A policy could not be evaluated.
    Failed,
}

/// A value that Cedar would not take, though the question was well formed.
pub(crate) struct Unaskable;

/// What an agent would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// What the question is about: calling it, or speaking the protocol.
    Calling,
    /// Holding more than the standing grant for it.
    Elevating,
    /// Being issued a token for the server.
    Issued,
}

/// What is asked with.
#[derive(Clone, Copy)]
pub(crate) enum Holding<'a> {
    /// This much, with these arguments if there are any.
    Authority(Authority, Option<&'a RestrictedExpression>),
    /// Nothing: a person approves, or does not.
    Nothing,
}

impl Scene {
    /// Everything about `question` but what the agent holds and what the arguments are.
    pub(crate) fn of(question: &Question, doing: Doing, directory: &Directory) -> Result<Self, Unaskable> {
        let Question { agent, owner, person, server, target, exceptions, key_proven, .. } = question;
        let (principal, server_uid) = (uid(&words::AGENT, agent.as_str()), uid(&words::SERVER, server.as_str()));
        let mut entities = vec![
            AgentFacts::of(question).entity()?,
            person_entity(owner, directory),
            server_entity(server, directory)?,
        ];
        let mut groups = Vec::new();
        let (action, resource) = match (doing, target) {
            (Doing::Issued, _) => ("issue".into(), server_uid.clone()),
            (_, CallTarget::Protocol) => ("connect".into(), server_uid.clone()),
            (_, CallTarget::Tool(tool, class)) => {
                let qualified = tool.qualified(server);
                let resource = uid(&words::TOOL, &qualified);
                groups = directory.groups_of_tool(server, tool);
                entities.push(tool_entity(&resource, (&server_uid, &groups), *class)?);
                let action = match doing {
                    Doing::Elevating => "elevate".into(),
                    Doing::Calling | Doing::Issued => action_of(tool.kind(), qualified, directory.is_unpinned(server)),
                };
                (action, resource)
            }
        };
        let action = uid(&words::ACTION, &action);
        let is_in_server = resource != server_uid;
        let is_call = is_in_server && doing == Doing::Calling;
        let parents = is_call.then(|| words::CALL.clone()).into_iter().collect();
        entities.push(Entity::new_no_attrs(action.clone(), parents));
        let names = exceptions.iter().map(|name| RestrictedExpression::new_string(name.to_string()));
        let mut circumstances = vec![
            ("server".to_owned(), RestrictedExpression::new_entity_uid(server_uid.clone())),
            ("exceptions".to_owned(), RestrictedExpression::new_set(names)),
            ("key_proven".to_owned(), RestrictedExpression::new_bool(*key_proven)),
        ];
        if let Some(person) = person {
            let uid = uid(&words::PERSON, person.as_str());
            circumstances.push(("person".to_owned(), RestrictedExpression::new_entity_uid(uid)));
            if person != owner {
                entities.push(person_entity(person, directory));
            }
        }
        if let Some(sponsor) = &question.sponsor
            && sponsor != owner
            && person.as_ref() != Some(sponsor)
        {
            entities.push(person_entity(sponsor, directory));
        }
        let mut names = vec![principal.clone(), action.clone(), resource.clone()];
        if is_in_server {
            names.push(server_uid);
        }
        names.extend(groups);
        let entities = Entities::from_entities(entities, None).map_err(|_| Unaskable)?;
        Ok(Self { principal, action, resource, names, circumstances, entities })
    }

    /// Everything about a yes that somebody would say.
    pub(crate) fn of_approval(question: &ApprovalQuestion, directory: &Directory) -> Result<Self, Unaskable> {
        let ApprovalQuestion { approver, agent, owner, sponsor, person, server, tool, .. } = question;
        let principal = uid(&words::PERSON, approver.as_str());
        let server_uid = uid(&words::SERVER, server.as_str());
        let action = uid(&words::ACTION, "approve");
        let mut entities = vec![
            AgentFacts::of_approval(question).entity()?,
            person_entity(approver, directory),
            server_entity(server, directory)?,
            Entity::new_no_attrs(action.clone(), [].into()),
        ];
        let mut people = vec![approver, owner];
        people.extend(person);
        people.extend(sponsor);
        people.sort_unstable();
        people.dedup();
        people.retain(|person| *person != approver);
        entities.extend(people.into_iter().map(|person| person_entity(person, directory)));
        let mut names = vec![principal.clone(), action.clone(), server_uid.clone()];
        names.extend_from_slice(directory.groups(approver));
        let resource = match tool {
            None => server_uid,
            Some((tool, class)) => {
                let resource = uid(&words::TOOL, &tool.qualified(server));
                let groups = directory.groups_of_tool(server, tool);
                entities.push(tool_entity(&resource, (&server_uid, &groups), *class)?);
                names.push(resource.clone());
                names.extend(groups);
                resource
            }
        };
        let agent = RestrictedExpression::new_entity_uid(uid(&words::AGENT, agent.as_str()));
        let mut circumstances = vec![("agent".to_owned(), agent)];
        circumstances.extend(person.as_ref().map(|person| {
            let person = uid(&words::PERSON, person.as_str());
            ("for".to_owned(), RestrictedExpression::new_entity_uid(person))
        }));
        let entities = Entities::from_entities(entities, None).map_err(|_| Unaskable)?;
        Ok(Self { principal, action, resource, names, circumstances, entities })
    }

    /// What a policy can name in its scope and still be about this question, each once.
    pub(crate) fn names(&self) -> impl Iterator<Item = &EntityUid> {
        self.names.iter()
    }

    /// Cedar's answer. That a policy of `may_fail` could not be evaluated means that it does not match.
    pub(crate) fn ask(&self, policies: &PolicySet, holding: Holding<'_>, may_fail: &HashSet<PolicyId>) -> Answer {
        let Ok(request) = self.request(holding) else { return Answer::Failed };
        let response = Authorizer::new().is_authorized(&request, policies, &self.entities);
        let counts = |error: &AuthorizationError| match error {
            AuthorizationError::PolicyEvaluationError(error) => !may_fail.contains(error.policy_id()),
        };
        if response.diagnostics().errors().any(counts) {
            return Answer::Failed;
        }
        let mut reasons: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        reasons.sort_unstable();
        match response.decision() {
            Verdict::Allow => Answer::Permitted(reasons),
            Verdict::Deny => Answer::Refused(reasons),
        }
    }

    fn request(&self, holding: Holding<'_>) -> Result<Request, Unaskable> {
        let mut circumstances = self.circumstances.clone();
        if let Holding::Authority(authority, input) = holding {
            circumstances.push(("authority".to_owned(), word(&words::AUTHORITY, authority.as_str())));
            circumstances.extend(input.map(|input| ("input".to_owned(), input.clone())));
        }
        let context = Context::from_pairs(circumstances).map_err(|_| Unaskable)?;
        let (principal, action, resource) = (self.principal.clone(), self.action.clone(), self.resource.clone());
        // No schema: the request is built here from closed types, and a test holds every shape against it.
        Request::new(principal, action, resource, context, None).map_err(|_| Unaskable)
    }
}

/// Each tool has its own action, called after it. What has no definition has no type of its own.
pub(crate) fn action_of(kind: Kind<'_>, qualified: String, is_unpinned: bool) -> String {
    match kind {
        Kind::Tool(_) if is_unpinned => "call_unlisted".into(),
        Kind::Tool(_) => qualified,
        Kind::Resource(_) => "read_resource".into(),
        Kind::Prompt(_) => "get_prompt".into(),
        // Nothing that could be used, and held whatever it is.
        Kind::Template(_) | Kind::Uri(_) | Kind::Words(_) | Kind::Unnamed(_) => "read_resource".into(),
    }
}

/// What a policy sees of an agent.
struct AgentFacts<'q> {
    agent: &'q Id<Agent>,
    kind: AgentKind,
    assurance: Assurance,
    owner: &'q Id<Person>,
    sponsor: Option<&'q Id<Person>>,
    purpose: &'q str,
    eligible_only: bool,
}

impl<'q> AgentFacts<'q> {
    fn of(question: &'q Question) -> Self {
        let Question { agent, kind, assurance, owner, sponsor, purpose, eligible_only, .. } = question;
        let (kind, assurance, eligible_only) = (*kind, *assurance, *eligible_only);
        Self { agent, kind, assurance, owner, sponsor: sponsor.as_ref(), purpose, eligible_only }
    }

    fn of_approval(question: &'q ApprovalQuestion) -> Self {
        let ApprovalQuestion { agent, kind, assurance, owner, sponsor, purpose, eligible_only, .. } = question;
        let (kind, assurance, eligible_only) = (*kind, *assurance, *eligible_only);
        Self { agent, kind, assurance, owner, sponsor: sponsor.as_ref(), purpose, eligible_only }
    }

    fn entity(self) -> Result<Entity, Unaskable> {
        let sponsor = self.sponsor.map(|sponsor| ("sponsor".to_owned(), word(&words::PERSON, sponsor.as_str())));
        let attributes = [
            ("kind".to_owned(), word(&words::KIND, self.kind.as_str())),
            ("assurance".to_owned(), word(&words::ASSURANCE, self.assurance.as_str())),
            ("owner".to_owned(), word(&words::PERSON, self.owner.as_str())),
            ("purpose".to_owned(), RestrictedExpression::new_string(self.purpose.to_owned())),
            ("eligible_only".to_owned(), RestrictedExpression::new_bool(self.eligible_only)),
        ];
        let attributes = attributes.into_iter().chain(sponsor).collect();
        Entity::new(uid(&words::AGENT, self.agent.as_str()), attributes, [].into()).map_err(|_| Unaskable)
    }
}

fn person_entity(person: &Id<Person>, directory: &Directory) -> Entity {
    let groups = directory.groups(person).iter().cloned().collect();
    Entity::new_no_attrs(uid(&words::PERSON, person.as_str()), groups)
}

fn server_entity(server: &Id<Server>, directory: &Directory) -> Result<Entity, Unaskable> {
    let attributes = directory.reserved(server).map(|groups| ("for".to_owned(), groups.clone()));
    Entity::new(uid(&words::SERVER, server.as_str()), attributes.into_iter().collect(), [].into())
        .map_err(|_| Unaskable)
}

fn tool_entity(
    tool: &EntityUid,
    (server, groups): (&EntityUid, &[EntityUid]),
    class: model::Class,
) -> Result<Entity, Unaskable> {
    let attributes = [
        ("tier".to_owned(), word(&words::TIER, class.tier().as_str())),
        ("held".to_owned(), RestrictedExpression::new_bool(class.held().is_some())),
    ];
    let parents = groups.iter().chain([server]).cloned().collect();
    Entity::new(tool.clone(), attributes.into(), parents).map_err(|_| Unaskable)
}

fn word(kind: &EntityTypeName, text: &str) -> RestrictedExpression {
    RestrictedExpression::new_entity_uid(uid(kind, text))
}

#[cfg(test)]
mod tests {
    use model::{Class, HeldFor, Tier};
    use serde_json::json;

    use super::*;
    use crate::{Arguments, InputType, schema, typed::Named};

    fn directory() -> Directory {
        Directory::default()
            .with_person("ada".parse().unwrap(), ["ops", "on call"])
            .with_server_for("tickets".parse().unwrap(), ["ops"])
            .with_unpinned("wild".parse().unwrap())
            .with_tool_groups("tickets".parse().unwrap(), serde_json::from_str(r#"{"a":["a.*"],"b":["*"]}"#).unwrap())
    }

    fn question(server: &str, target: CallTarget, person: Option<&str>) -> Question {
        Question {
            agent: "claude-code@ada".parse().unwrap(),
            kind: AgentKind::Delegated,
            assurance: Assurance::Published,
            owner: "ada".parse().unwrap(),
            purpose: "to \"help\"".into(),
            sponsor: None,
            eligible_only: false,
            person: person.map(|person| person.parse().unwrap()),
            server: server.parse().unwrap(),
            target,
            authority: Authority::Standing,
            exceptions: ["change-freeze".parse().unwrap()].into_iter().collect(),
            key_proven: false,
        }
    }

    /// What `request` and `of` leave to their types, Cedar's own validation confirms for every shape.
    #[test]
    fn every_scene_holds_against_the_schema() {
        let input =
            InputType::of(&json!({"properties": {"n": {"type": "integer"}, "odd \"name\"": {"type": "string"}},
            "required": ["n"]}));
        let schema = schema::of([("tickets.a.b/c", Some(&input))]).unwrap();
        let tool = |name: &str, class| CallTarget::Tool(model::ToolName::after_server(name).unwrap(), class);
        let mut targets = vec![CallTarget::Protocol, tool(".a.b/c", Class::Held(HeldFor::Tier))];
        for name in [".a.b/c", ":resource/docs", ":prompt/hello"] {
            targets.extend(Tier::ALL.map(|tier| tool(name, Class::Rated(tier))));
        }
        for (server, target) in
            targets.iter().map(|target| ("tickets", target)).chain([("wild", &targets[0]), ("wild", &targets[2])])
        {
            for person in [None, Some("ada"), Some("bob")] {
                let question = question(server, target.clone(), person);
                let is_typed = server == "tickets"
                    && matches!(target, CallTarget::Tool(tool, _) if matches!(tool.kind(), Kind::Tool(_)));
                let sent = br#"{"n": 7, "odd \"name\"": "x", "more": {}}"#;
                let value = Arguments::Sent(&input, Some(sent)).value(&Named::All).unwrap();
                let scene = |doing| Scene::of(&question, doing, &directory()).ok().unwrap();
                for authority in [Authority::Standing, Authority::Consent, Authority::Approval] {
                    let input = is_typed.then_some(&value);
                    holds(&scene(Doing::Calling), Holding::Authority(authority, input), &schema);
                    holds(&scene(Doing::Elevating), Holding::Authority(authority, None), &schema);
                    holds(&scene(Doing::Issued), Holding::Authority(authority, None), &schema);
                }
            }
        }
    }

    #[test]
    fn every_approval_holds_against_the_schema() {
        let schema = schema::of([]).unwrap();
        for person in [None, Some("ada"), Some("bob"), Some("cleo")] {
            for tool in [None, Some(("delete_ticket".parse().unwrap(), Class::Rated(Tier::High)))] {
                let question = ApprovalQuestion {
                    approver: "bob".parse().unwrap(),
                    agent: "claude-code@ada".parse().unwrap(),
                    kind: AgentKind::Delegated,
                    assurance: Assurance::Published,
                    owner: "ada".parse().unwrap(),
                    purpose: "".into(),
                    sponsor: None,
                    eligible_only: false,
                    person: person.map(|person| person.parse().unwrap()),
                    server: "tickets".parse().unwrap(),
                    tool,
                };
                let scene = Scene::of_approval(&question, &directory()).ok().unwrap();
                holds(&scene, Holding::Nothing, &schema);
            }
        }
    }

    fn holds(scene: &Scene, holding: Holding<'_>, schema: &cedar_policy::Schema) {
        // Actions and their groups are the schema's own.
        let entities = scene.entities.iter().filter(|entity| entity.uid().type_name() != &*words::ACTION).cloned();
        Entities::from_entities(entities, Some(schema)).unwrap();
        let request = scene.request(holding).ok().unwrap();
        request.context().unwrap().validate(schema, request.action().unwrap()).unwrap();
        let (principal, action, resource) = (&scene.principal, &scene.action, &scene.resource);
        let context = request.context().unwrap().clone();
        Request::new(principal.clone(), action.clone(), resource.clone(), context, Some(schema)).unwrap();
        let declared = Entities::from_entities([], Some(schema)).unwrap();
        assert_eq!(
            scene.entities.ancestors(action).unwrap().collect::<Vec<_>>(),
            declared.ancestors(action).unwrap().collect::<Vec<_>>(),
            "the groups of {action}"
        );
    }
}
