//! From texts to policies that hold against the schema.
//!
//! A policy is known by its `@id`, which the audit shows; one without is called after its file.
//! Cedar's warnings are errors here: a policy that can never match, or that hides characters, is
//! not what its author meant.

use std::collections::HashMap;

use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationError, ValidationMode, Validator};
use miette::Diagnostic;

use crate::PolicyError;

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

/// All policies of `files`, each under the id the audit will show.
pub(crate) fn load(files: &[PolicyFile]) -> Result<PolicySet, PolicyError> {
    let mut all = PolicySet::new();
    let mut origins: HashMap<PolicyId, &PolicyFile> = HashMap::new();
    for file in files {
        for policy in parse(file)? {
            let id = policy.id().clone();
            if let Some(other) = origins.insert(id.clone(), file) {
                return Err(duplicate(file, &id, other));
            }
            let failed = |why: &dyn Diagnostic| PolicyError::from_diagnostic(&file.name, &file.text, why);
            all.add(policy).map_err(|error| failed(&error))?;
        }
    }
    validate(&all, &origins)?;
    Ok(all)
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

fn validate(all: &PolicySet, origins: &HashMap<PolicyId, &PolicyFile>) -> Result<(), PolicyError> {
    let result = Validator::new(schema()).validate(all, ValidationMode::Strict);
    let errors = result.validation_errors().map(|error| {
        // It has no place of its own and only follows from another finding, when there is one.
        let follows = matches!(error, ValidationError::InvalidActionApplication(_));
        (follows, error.policy_id(), error as &dyn Diagnostic)
    });
    let warnings = result.validation_warnings().map(|warning| (true, warning.policy_id(), warning as &dyn Diagnostic));
    let findings = errors.chain(warnings).map(|(follows, id, finding)| match origins.get(id) {
        Some(file) => (follows, PolicyError::from_diagnostic(&file.name, &file.text, finding).without_policy(id)),
        None => (follows, PolicyError::at(id.as_ref(), "", 0, finding.to_string())),
    });
    let order = |(follows, error): &(bool, PolicyError)| (*follows, error.file.clone(), error.line, error.column);
    findings.min_by_key(order).map_or(Ok(()), |(_, first)| Err(first))
}

/// The schema every policy is held against.
pub(crate) fn schema() -> Schema {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).expect("the built-in schema parses");
    schema
}

/// What a policy can see.
pub(crate) const SCHEMA: &str = include_str!("portcullis.cedarschema");

/// The built-in policies.
pub(crate) const DEFAULT: &str = include_str!("default.cedar");
