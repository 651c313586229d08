//! The few policies that can matter for one question, out of many.
//!
//! Cedar looks at every policy of the set it is given, a microsecond or two each. A policy whose
//! scope names an agent, a tool or a server can neither match nor fail for another one, because
//! its scope is evaluated before its conditions. So policies are filed under what they name, and
//! a question takes out only its own.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use cedar_policy::{ActionConstraint, EntityUid, Policy, PolicySet, PrincipalConstraint, ResourceConstraint};

use crate::{
    by_input::ByInput,
    typed::Named,
    words::{CALL, is_built_in},
};

/// What is asked of a policy that looks at arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// What it says to these arguments.
    Exactly,
    /// What it says to those that allow the most.
    Most,
    /// What it says to those that allow the least.
    Least,
}

/// Policies filed under what their scope names.
#[derive(Debug, Default)]
pub(crate) struct Slices {
    general: Versions,
    named: HashMap<EntityUid, Vec<Filed>>,
}

/// The policies that name nobody, as each question takes them.
#[derive(Debug, Default)]
struct Versions {
    exactly: PolicySet,
    most: PolicySet,
    least: PolicySet,
    looks: Option<Named>,
}

#[derive(Clone, Debug)]
struct Filed {
    exactly: Policy,
    /// It looks at these arguments, and says that at the most and at the least.
    by_input: Option<(Named, Policy, Policy)>,
}

impl Slices {
    /// Files every policy of `all`, with what it asks of arguments.
    pub(crate) fn of<'p>(all: impl Iterator<Item = (&'p Policy, Option<&'p ByInput>)>) -> Self {
        let mut slices = Self::default();
        for (policy, by_input) in all {
            let by_input = by_input.map(|by| (by.named.clone(), by.most.clone(), by.least.clone()));
            let filed = Filed { exactly: policy.clone(), by_input };
            match names_in_scope(policy) {
                None => slices.general.add(&filed),
                Some(names) => {
                    for name in names {
                        slices.named.entry(name).or_default().push(filed.clone());
                    }
                }
            }
        }
        slices
    }

    /// Every policy that names nobody, or one of `names`, which must differ.
    pub(crate) fn about<'a>(&self, names: impl Iterator<Item = &'a EntityUid>, asked: Asked) -> Cow<'_, PolicySet> {
        let mut slice = Cow::Borrowed(self.general.as_asked(asked));
        for filed in names.filter_map(|name| self.named.get(name)).flatten() {
            slice.to_mut().add(filed.as_asked(asked).clone()).expect("ids are unique, and each policy is filed once");
        }
        slice
    }

    /// Which arguments those look at; `None`, when none of them looks at any.
    pub(crate) fn looks_at<'a>(&self, names: impl Iterator<Item = &'a EntityUid>) -> Option<Named> {
        let filed = names.filter_map(|name| self.named.get(name)).flatten();
        let named = filed.filter_map(|filed| filed.by_input.as_ref().map(|(named, ..)| named));
        self.general.looks.iter().chain(named).fold(None, |all, one| Some(united(all, one)))
    }
}

impl Versions {
    fn add(&mut self, filed: &Filed) {
        if let Some((named, ..)) = &filed.by_input {
            self.looks = Some(united(self.looks.take(), named));
        }
        for asked in [Asked::Exactly, Asked::Most, Asked::Least] {
            let set = match asked {
                Asked::Exactly => &mut self.exactly,
                Asked::Most => &mut self.most,
                Asked::Least => &mut self.least,
            };
            set.add(filed.as_asked(asked).clone()).expect("ids are unique, and templates are refused");
        }
    }

    fn as_asked(&self, asked: Asked) -> &PolicySet {
        match asked {
            Asked::Exactly => &self.exactly,
            Asked::Most => &self.most,
            Asked::Least => &self.least,
        }
    }
}

impl Filed {
    fn as_asked(&self, asked: Asked) -> &Policy {
        match (&self.by_input, asked) {
            (None, _) | (_, Asked::Exactly) => &self.exactly,
            (Some((_, most, _)), Asked::Most) => most,
            (Some((.., least)), Asked::Least) => least,
        }
    }
}

fn united(all: Option<Named>, one: &Named) -> Named {
    match (all, one) {
        (None, one) => one.clone(),
        (Some(Named::These(mut all)), Named::These(more)) => {
            all.extend(more.iter().cloned());
            Named::These(all)
        }
        (Some(_), _) => Named::All,
    }
}

/// The entities without one of which the policy can not match, so that a question has at most one of them; `None` when there
/// are none. The narrowest first: many agents share a server, and every agent shares `connect`.
fn names_in_scope(policy: &Policy) -> Option<BTreeSet<EntityUid>> {
    let (resource, action) = (policy.resource_constraint(), policy.action_constraint());
    // A question has one action; in the group of all calls are most.
    let actions: Option<BTreeSet<EntityUid>> = match action {
        ActionConstraint::Eq(name) => Some([name].into()),
        ActionConstraint::In(names) if !names.contains(&CALL) => Some(names.into_iter().collect()),
        ActionConstraint::In(_) | ActionConstraint::Any => None,
    };
    let is_tools = |names: &BTreeSet<EntityUid>| names.iter().all(|name| !is_built_in(name.id().unescaped()));
    if let ResourceConstraint::Eq(name) = resource {
        return Some([name].into());
    }
    if let Some(tools) = actions.clone().filter(is_tools) {
        return Some(tools);
    }
    match (policy.principal_constraint(), resource) {
        (PrincipalConstraint::Eq(name) | PrincipalConstraint::In(name) | PrincipalConstraint::IsIn(_, name), _)
        | (_, ResourceConstraint::In(name) | ResourceConstraint::IsIn(_, name)) => Some([name].into()),
        _ => actions,
    }
}
