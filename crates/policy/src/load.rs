//! From texts to policies.
//!
//! A policy is known by its `@id`, which the audit shows; one without is called after its file. Whether they hold against
//! what there is, is found out in [`crate::validate`].

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{ActionConstraint, Policy, PolicyId, PolicySet};
use miette::Diagnostic;
use model::ExceptionName;
use serde_json::Value;

use crate::{
    PolicyError,
    by_input::{self, ByInput},
    exceptions,
    words::CALL,
};

/// One file of policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// Its name in messages, such as its path.
    pub name: String,
    /// Its text, in Cedar.
    pub text: String,
}

impl PolicyFile {
    /// Its name without the folder it is in.
    pub fn file_name(&self) -> &str {
        self.name.rsplit(['/', '\\']).next().unwrap_or_default()
    }
}

/// A policy, and where it stands.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Under the id that the audit shows.
    pub policy: Policy,
    /// The number of its file.
    pub file: usize,
    /// What it asks of arguments.
    pub by_input: Option<ByInput>,
    /// The actions that it names anywhere.
    pub actions: Vec<String>,
    /// The exceptions that it asks for.
    pub exceptions: BTreeSet<ExceptionName>,
    /// Cedar's JSON form of it, while it is held against what there is: making it takes as long as parsing.
    pub json: Value,
}

/// All policies of `files`, each under the id the audit will show.
pub(crate) fn load(files: &[PolicyFile]) -> Result<Vec<Loaded>, PolicyError> {
    let mut all = Vec::new();
    let mut origins: HashMap<PolicyId, &PolicyFile> = HashMap::new();
    for (number, file) in files.iter().enumerate() {
        for policy in parse(file)? {
            let id = policy.id().clone();
            if let Some(other) = origins.insert(id.clone(), file) {
                return Err(duplicate(file, &id, other));
            }
            let failed = |why: &dyn Diagnostic| PolicyError::from_diagnostic(&file.name, &file.text, why);
            let json = policy.to_json().map_err(|error| failed(&error))?;
            let by_input = by_input::of(&policy, &json);
            let mut actions = Vec::new();
            actions_in(&json, &mut actions);
            let asked = exceptions::asked(&json);
            let mut loaded = Loaded { policy, file: number, by_input, actions, exceptions: BTreeSet::new(), json };
            loaded.exceptions = asked.map_err(|why| loaded.error(file, "exceptions", why))?;
            if is_only_the_group(&loaded.policy, &loaded.json) {
                return Err(loaded.error(file, "Action::\"call\"", EVERY_CALL.to_owned()));
            }
            all.push(loaded);
        }
    }
    Ok(all)
}

const EVERY_CALL: &str = "`Action::\"call\"` is the group of all calls, and no call is it: write `action in \
    Action::\"call\"` for every call, or name a tool, as `action == Action::\"tickets.delete_ticket\"`";

impl Loaded {
    /// What is wrong with it, at the first `word` in it.
    pub(crate) fn error(&self, file: &PolicyFile, word: &str, message: String) -> PolicyError {
        let message = format!("in policy `{}`: {message}", self.policy.id());
        PolicyError::at(&file.name, &file.text, self.place(file, word), message)
    }

    /// Where the first `word` in it is, in bytes; else where it begins.
    fn place(&self, file: &PolicyFile, word: &str) -> usize {
        let own = self.policy.to_cedar().unwrap_or_default();
        // Two that say the same word for word stand for each other.
        let begin = file.text.find(&own).unwrap_or(0);
        begin + own.find(word).unwrap_or(0)
    }
}

/// Does it speak of the group as if it were a call?
fn is_only_the_group(policy: &Policy, json: &Value) -> bool {
    let is_group = |expression: &Value| {
        let entity = &expression["Value"]["__entity"];
        entity["type"] == "Action" && entity["id"] == "call"
    };
    fn any(expression: &Value, is_it: &impl Fn(&Value) -> bool) -> bool {
        let compares = ["==", "!="].iter().filter_map(|operator| expression.get(operator));
        compares.into_iter().any(|sides| is_it(&sides["left"]) || is_it(&sides["right"]))
            || match expression {
                Value::Object(members) => members.values().any(|inner| any(inner, is_it)),
                Value::Array(elements) => elements.iter().any(|inner| any(inner, is_it)),
                _ => false,
            }
    }
    let in_scope = matches!(policy.action_constraint(), ActionConstraint::Eq(action) if action == *CALL);
    in_scope || any(&json["conditions"], &is_group)
}

/// The ids of all actions that are written out.
fn actions_in(json: &Value, found: &mut Vec<String>) {
    match json {
        Value::Object(members) => {
            if json["type"] == "Action"
                && let Some(id) = json["id"].as_str()
            {
                found.push(id.to_owned());
            }
            members.values().for_each(|inner| actions_in(inner, found));
        }
        Value::Array(elements) => elements.iter().for_each(|inner| actions_in(inner, found)),
        _ => {}
    }
}

fn parse(file: &PolicyFile) -> Result<Vec<Policy>, PolicyError> {
    let set: PolicySet =
        file.text.parse().map_err(|errors| PolicyError::from_diagnostic(&file.name, &file.text, &errors as _))?;
    if let Some(template) = set.templates().next() {
        let at = file.text.find("?principal").or_else(|| file.text.find("?resource")).unwrap_or(0);
        let message = format!("`{}` is a template: write the principal and the resource out", template.id());
        return Err(PolicyError::at(&file.name, &file.text, at, message));
    }
    Ok(set.policies().map(|policy| policy.new_id(id_of(policy, file))).collect())
}

/// The `@id`, or the file's name and the policy's number in it, from 1.
fn id_of(policy: &Policy, file: &PolicyFile) -> PolicyId {
    if let Some(id) = policy.annotation("id").filter(|id| !id.is_empty()) {
        return PolicyId::new(id);
    }
    // Cedar calls them `policy0`, `policy1`, … in their order.
    match policy.id().to_string().strip_prefix("policy").and_then(|number| number.parse::<usize>().ok()) {
        Some(number) => PolicyId::new(format!("{}#{}", file.name, number + 1)),
        None => policy.id().clone(),
    }
}

fn duplicate(file: &PolicyFile, id: &PolicyId, other: &PolicyFile) -> PolicyError {
    let at = file.text.rfind(&format!("@id(\"{id}\")")).unwrap_or(0);
    let message = format!("the id `{id}` is taken by a policy of {}: choose another", other.name);
    PolicyError::at(&file.name, &file.text, at, message)
}

/// The built-in policies.
pub(crate) const DEFAULT: &str = include_str!("default.cedar");
