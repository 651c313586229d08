//! What of an approved call may differ: a comment that is written anew, an amount that may be less.
//!
//! An approval covers one exact call, and that is what an approver gives who says nothing else. Where they let some of its arguments
//! vary, all the others are as they were approved: by the name of the call without those ([`Latitude::rest`]), which nobody can make
//! who does not hold the key of this installation.
//!
//! Only whole arguments may vary, by their names; nothing inside of one.
//!
//! Next: `authority::decide`.

pub mod wish;

use std::collections::BTreeMap;

use crypto::Digest;
use model::{AskedCall, Elevation, ExactCall, Grant, Id, Latitude, Scope, Task, ThisCall};
use serde_json::value::RawValue;
use store::{Store, StoreError};

pub use wish::{LatitudeWish, MOST_USES, NoLatitude};

use crate::{Refused, asked_call};

/// What an approver may let vary of the call that `elevation` is for: its arguments, and whether each is a number that could be
/// less. Empty when nothing can.
///
/// # Errors
/// The store failed.
pub async fn choices(store: &Store, elevation: &Elevation) -> Result<Vec<(String, bool)>, StoreError> {
    if elevation.quorum.needed > 1 {
        return Ok(Vec::new());
    }
    let Some(text) = asked_call::arguments(store, elevation).await? else { return Ok(Vec::new()) };
    let members = members(&text).unwrap_or_default();
    Ok(members.into_iter().map(|(name, value)| (name, is_bound(value.get()))).collect())
}

/// What `wish` lets vary of the call that `elevation` of `grant` is for.
///
/// # Errors
/// It can not be had.
pub async fn of(store: &Store, elevation: &Elevation, wish: &LatitudeWish) -> Result<Latitude, Refused> {
    let no = |why| Err(Refused::NoLatitude(why));
    let Some(exact) = &elevation.call else { return no(NoLatitude::NotExact) };
    if elevation.quorum.needed > 1 {
        return no(NoLatitude::Several);
    }
    if wish.uses == 0 || wish.uses > MOST_USES {
        return no(NoLatitude::Uses(wish.uses));
    }
    let (text, asked) = match asked_call::arguments(store, elevation).await? {
        Some(text) => (text, store.asked_call(&exact.asked).await?),
        None => return no(NoLatitude::Gone),
    };
    let Some((members, asked)) = members(&text).zip(asked) else { return no(NoLatitude::Gone) };
    if let Some(twice) = wish.any.intersection(&wish.at_most).next() {
        return no(NoLatitude::Twice(twice.clone()));
    }
    let mut at_most = BTreeMap::new();
    for name in wish.any.iter().chain(&wish.at_most) {
        let Some(value) = members.get(name) else { return no(NoLatitude::NoArgument(name.clone())) };
        if !wish.at_most.contains(name) {
            continue;
        }
        if !is_bound(value.get()) {
            return no(NoLatitude::NoNumber(name.clone()));
        }
        at_most.insert(name.clone(), value.get().to_owned());
    }
    let any = wish.any.clone();
    let rest = rest(
        store,
        (&asked.grant, asked.task.as_ref()),
        (&asked.scope, exact.definition.as_deref()),
        &members,
        |name| any.contains(name) || at_most.contains_key(name),
    );
    let Some(rest) = rest else { return no(NoLatitude::Gone) };
    Ok(Latitude { rest, any, at_most })
}

/// Does what may differ cover `this` call of the same tool, as it was accepted?
pub(crate) fn covers(
    store: &Store,
    of: (&Id<Grant>, Option<&Id<Task>>),
    (scope, exact): (&Scope, &ExactCall),
    this: &ThisCall,
) -> bool {
    let (Some(latitude), Some(members)) = (&exact.latitude, members(&this.text)) else { return false };
    if exact.definition != this.definition || (exact.installation.is_some() && exact.installation != this.installation)
    {
        return false;
    }
    let within =
        |(name, most): (&String, &String)| members.get(name).is_some_and(|value| policy::is_at_most(value.get(), most));
    let differs = |name: &str| latitude.any.contains(name) || latitude.at_most.contains_key(name);
    latitude.at_most.iter().all(within)
        && rest(store, of, (scope, exact.definition.as_deref()), &members, differs).as_ref() == Some(&latitude.rest)
}

type Members = BTreeMap<String, Box<RawValue>>;

/// The arguments of a call, each as it is written.
fn members(text: &str) -> Option<Members> {
    serde_json::from_str(text).ok()
}

/// Could a number be this or less?
fn is_bound(text: &str) -> bool {
    policy::is_at_most(text, text)
}

/// The name of a call without those of its arguments that may differ.
fn rest(
    store: &Store,
    of: (&Id<Grant>, Option<&Id<Task>>),
    (scope, definition): (&Scope, Option<&str>),
    members: &Members,
    may_differ: impl Fn(&str) -> bool,
) -> Option<Id<AskedCall>> {
    let kept: BTreeMap<_, _> = members.iter().filter(|(name, _)| !may_differ(name)).collect();
    // No call has this name: arguments are an object.
    let text = format!("but: {}", serde_json::to_string(&kept).ok()?);
    Some(store.name_call(of, scope, definition.and_then(Digest::from_hex).as_ref(), &text).id)
}
