//! The few policies that can matter for one question, out of many.
//!
//! Cedar looks at every policy of the set it is given, a microsecond or two each. A policy whose
//! scope names an agent, a tool or a server can neither match nor fail for another one, because
//! its scope is evaluated before its conditions. So policies are filed under what they name, and
//! a question takes out only its own.

use std::{borrow::Cow, collections::HashMap};

use cedar_policy::{EntityUid, Policy, PolicySet, PrincipalConstraint, ResourceConstraint};

/// Policies filed under what their scope names.
#[derive(Debug, Default)]
pub(crate) struct Slices {
    general: PolicySet,
    named: HashMap<EntityUid, Vec<Policy>>,
}

impl Slices {
    /// Files every policy of `all`.
    pub(crate) fn of(all: &PolicySet) -> Self {
        let mut slices = Self::default();
        for policy in all.policies() {
            match name_in_scope(policy) {
                Some(name) => slices.named.entry(name).or_default().push(policy.clone()),
                None => slices.general.add(policy.clone()).expect("ids are unique in `all`, and it holds no template"),
            }
        }
        slices
    }

    /// Every policy that names nobody, or one of `names`, which must differ.
    pub(crate) fn about<'a>(&self, names: impl Iterator<Item = &'a EntityUid>) -> Cow<'_, PolicySet> {
        let mut slice = Cow::Borrowed(&self.general);
        for policy in names.filter_map(|name| self.named.get(name)).flatten() {
            slice.to_mut().add(policy.clone()).expect("ids are unique, and each policy is filed once");
        }
        slice
    }
}

/// The one entity without which the policy can not match. The resource first: it is the narrower.
fn name_in_scope(policy: &Policy) -> Option<EntityUid> {
    match policy.resource_constraint() {
        ResourceConstraint::Eq(name) | ResourceConstraint::In(name) | ResourceConstraint::IsIn(_, name) => {
            return Some(name);
        }
        ResourceConstraint::Any | ResourceConstraint::Is(_) => {}
    }
    match policy.principal_constraint() {
        PrincipalConstraint::Eq(name) | PrincipalConstraint::In(name) | PrincipalConstraint::IsIn(_, name) => {
            Some(name)
        }
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
    }
}
