//! From texts to policies that hold against the schema.
//!
//! A policy is known by its `@id`, which the audit shows; one without is called after its file.
//! Cedar's warnings are errors here: a policy that can never match, or that hides characters, is
//! not what its author meant.

use std::collections::HashMap;

use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
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

/// The `@id`, or the file's name and the policy's number in it.
fn id_of(policy: &Policy, file: &PolicyFile) -> PolicyId {
    match policy.annotation("id").filter(|id| !id.is_empty()) {
        Some(id) => PolicyId::new(id),
        None => PolicyId::new(format!("{}#{}", file.name, policy.id().to_string().trim_start_matches("policy"))),
    }
}

fn duplicate(file: &PolicyFile, id: &PolicyId, other: &PolicyFile) -> PolicyError {
    let at = file.text.rfind(&format!("@id(\"{id}\")")).unwrap_or(0);
    let message = format!("the id `{id}` is taken by a policy of {}: choose another", other.name);
    PolicyError::at(&file.name, &file.text, at, message)
}

fn validate(all: &PolicySet, origins: &HashMap<PolicyId, &PolicyFile>) -> Result<(), PolicyError> {
    let result = Validator::new(schema()).validate(all, ValidationMode::Strict);
    let errors = result.validation_errors().map(|error| (error.policy_id(), error as &dyn Diagnostic));
    let warnings = result.validation_warnings().map(|warning| (warning.policy_id(), warning as &dyn Diagnostic));
    let first = errors.chain(warnings).map(|(id, finding)| match origins.get(id) {
        Some(file) => PolicyError::from_diagnostic(&file.name, &file.text, finding).without_policy(id),
        None => PolicyError::at(&id.to_string(), "", 0, finding.to_string()),
    });
    match first.min_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column))) {
        None => Ok(()),
        Some(error) => Err(error),
    }
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
