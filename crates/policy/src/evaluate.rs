//! One question in Cedar's words, and Cedar's answer in ours.

use cedar_policy::{
    Authorizer, Context, Decision as Verdict, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet,
    Request, RestrictedExpression,
};
use model::{Authority, CallTarget, Question};

/// A question, as the entities and the request that Cedar takes.
pub(crate) struct Scene {
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
    server: EntityUid,
    person: Option<EntityUid>,
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

impl Scene {
    /// Everything about `question` but what the agent holds.
    pub(crate) fn of(question: &Question) -> Result<Self, Unaskable> {
        let principal = uid("Agent", question.agent.as_str())?;
        let server = uid("Server", question.server.as_str())?;
        let agent = Entity::new(
            principal.clone(),
            [
                ("kind".to_owned(), word("Kind", question.kind.as_str())?),
                ("assurance".to_owned(), word("Assurance", question.assurance.as_str())?),
            ]
            .into(),
            [].into(),
        )
        .map_err(|_| Unaskable)?;
        let mut entities = vec![agent, Entity::new_no_attrs(server.clone(), [].into())];
        let (action, resource) = match &question.target {
            CallTarget::Protocol => ("connect", server.clone()),
            CallTarget::Tool(tool, class) => {
                let resource = uid("Tool", &tool.qualified(&question.server))?;
                let attributes = [
                    ("tier".to_owned(), word("Tier", class.tier().as_str())?),
                    ("held".to_owned(), RestrictedExpression::new_bool(class.held().is_some())),
                ];
                let entity = Entity::new(resource.clone(), attributes.into(), [server.clone()].into());
                entities.push(entity.map_err(|_| Unaskable)?);
                ("call", resource)
            }
        };
        let person = question.person.as_ref().map(|person| uid("Person", person.as_str())).transpose()?;
        entities.extend(person.clone().map(|person| Entity::new_no_attrs(person, [].into())));
        Ok(Self {
            principal,
            action: uid("Action", action)?,
            resource,
            server,
            person,
            entities: Entities::from_entities(entities, None).map_err(|_| Unaskable)?,
        })
    }

    /// What a policy can name in its scope and still be about this question, each once.
    pub(crate) fn names(&self) -> impl Iterator<Item = &EntityUid> {
        let server = Some(&self.server).filter(|server| **server != self.resource);
        [&self.principal, &self.resource].into_iter().chain(server)
    }

    /// Cedar's answer, if the agent held `authority`.
    pub(crate) fn ask(&self, policies: &PolicySet, authority: Authority) -> Answer {
        let Ok(request) = self.request(authority) else { return Answer::Failed };
        let response = Authorizer::new().is_authorized(&request, policies, &self.entities);
        if response.diagnostics().errors().next().is_some() {
            return Answer::Failed;
        }
        let mut reasons: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        reasons.sort_unstable();
        match response.decision() {
            Verdict::Allow => Answer::Permitted(reasons),
            Verdict::Deny => Answer::Refused(reasons),
        }
    }

    fn request(&self, authority: Authority) -> Result<Request, Unaskable> {
        let mut circumstances = vec![("authority".to_owned(), word("Authority", authority.as_str())?)];
        if let Some(person) = &self.person {
            circumstances.push(("person".to_owned(), RestrictedExpression::new_entity_uid(person.clone())));
        }
        let context = Context::from_pairs(circumstances).map_err(|_| Unaskable)?;
        let (principal, action, resource) = (self.principal.clone(), self.action.clone(), self.resource.clone());
        // No schema: the request is built here from closed types, and a test holds every shape against it.
        Request::new(principal, action, resource, context, None).map_err(|_| Unaskable)
    }
}

fn word(kind: &str, text: &str) -> Result<RestrictedExpression, Unaskable> {
    uid(kind, text).map(RestrictedExpression::new_entity_uid)
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, Unaskable> {
    let kind: EntityTypeName = kind.parse().map_err(|_| Unaskable)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

#[cfg(test)]
mod tests {
    use model::{AgentKind, Assurance, Class, Tier};

    use super::*;
    use crate::load::schema;

    /// What `request` and `of` leave to their types, Cedar's own validation confirms for every shape.
    #[test]
    fn every_scene_holds_against_the_schema() {
        let schema = schema();
        let tool = |class| CallTarget::Tool("a.b/c".parse().unwrap(), class);
        let rated = Tier::ALL.map(|tier| tool(Class::Rated(tier)));
        let targets: Vec<_> =
            [CallTarget::Protocol, tool(Class::Held(model::HeldFor::Tier))].into_iter().chain(rated).collect();
        for kind in [AgentKind::Delegated, AgentKind::Autonomous] {
            for assurance in [Assurance::Declared, Assurance::Published, Assurance::Proven] {
                for target in &targets {
                    for person in [None, Some("ada")] {
                        let question = Question {
                            agent: "claude-code@ada".parse().unwrap(),
                            kind,
                            assurance,
                            person: person.map(|person| person.parse().unwrap()),
                            server: "tickets".parse().unwrap(),
                            target: target.clone(),
                            authority: Authority::Standing,
                        };
                        holds(&question, &schema);
                    }
                }
            }
        }
    }

    fn holds(question: &Question, schema: &cedar_policy::Schema) {
        let scene = Scene::of(question).ok().unwrap();
        let entities = scene.entities.iter().cloned();
        Entities::from_entities(entities, Some(schema)).unwrap();
        for authority in [Authority::Standing, Authority::Consent, Authority::Approval] {
            let request = scene.request(authority).ok().unwrap();
            request.context().unwrap().validate(schema, request.action().unwrap()).unwrap();
            let (principal, action, resource) = (&scene.principal, &scene.action, &scene.resource);
            let context = request.context().unwrap().clone();
            Request::new(principal.clone(), action.clone(), resource.clone(), context, Some(schema)).unwrap();
        }
    }
}
