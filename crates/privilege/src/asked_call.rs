//! Asked calls: left behind by refusals, for whoever may ask for exactly them.
//!
//! Leaving one tells nobody. A grant can leave a few, so that what a person is shown stays readable, whatever the agent tries.

use catalogue::{ShownArgument, shown_arguments};
use model::{
    Agent, AskedCall, Elevation, Id, Scope, Stage, Task, Timestamp,
    config::{ElevationConfig, ServerConfig},
};
use store::{Store, StoreError, Tx, privilege::PrivilegeTx};

/// Keeps a refused call with its sealed arguments; `false` when its grant has left as many as it may.
///
/// Its record is the one of the refusal, which names it.
pub async fn leave(
    tx: &mut Tx<'_>,
    config: &ElevationConfig,
    asked: &AskedCall,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let open = tx.asked_calls(&asked.grant, tx.now()).await?;
    let is_there = open.iter().any(|other| other.id == asked.id);
    if !is_there && open.len() >= config.asked_per_grant as usize {
        return Ok(false);
    }
    PrivilegeTx::of(tx).put_asked_call(asked, sealed).await?;
    Ok(true)
}

/// The arguments of an asked call, for whoever asks for it; `None` when they are not kept any more.
///
/// # Errors
/// The store failed, or what it keeps is not what the call was left with.
pub async fn card(store: &Store, asked: &AskedCall) -> Result<Option<Vec<ShownArgument>>, StoreError> {
    Ok(store.asked_arguments(asked).await?.map(|text| shown_arguments(&text, None)))
}

/// The one call that an elevation of `agent` is for, beside the one of the same tool that was approved last, for whoever
/// decides on it. `None` when it is for any call of its scope, or when its arguments are not kept any more.
///
/// # Errors
/// The store failed, or what it keeps is not what the call was left with.
pub async fn card_of(
    store: &Store,
    agent: &Id<Agent>,
    elevation: &Elevation,
) -> Result<Option<Vec<ShownArgument>>, StoreError> {
    let Some(text) = arguments(store, elevation).await? else { return Ok(None) };
    let last = store.last_approved_call(agent, &elevation.scope, &elevation.id).await?;
    let before = match &last {
        Some(last) => arguments(store, last).await?,
        None => None,
    };
    Ok(Some(shown_arguments(&text, before.as_deref())))
}

pub(crate) async fn arguments(store: &Store, elevation: &Elevation) -> Result<Option<String>, StoreError> {
    let Some(exact) = &elevation.call else { return Ok(None) };
    let Some(asked) = store.asked_call(&exact.asked).await? else { return Ok(None) };
    // The row says what its arguments are; the elevation says which were asked for.
    if asked.arguments != exact.arguments {
        let why = format!("{} is not for the call that its asked call is", elevation.id);
        return Err(StoreError::Unreadable { what: "elevation", why });
    }
    store.asked_arguments(&asked).await
}

/// Does an approval of `scope` take one exact call, by the rules of its server?
pub fn is_exact(rules: &ServerConfig, scope: &Scope) -> bool {
    match scope {
        Scope::Tool(_, tool) => rules.approves_exact_calls(tool),
        Scope::Low(_) | Scope::Medium(_) => false,
    }
}

/// The task in which it was called, to which all that is asked for of it belongs.
///
/// # Errors
/// That task is over, so nobody asks for anything of it any more.
pub async fn task_of(tx: &mut Tx<'_>, asked: &AskedCall) -> Result<Result<Option<Task>, Over>, StoreError> {
    let Some(id) = &asked.task else { return Ok(Ok(None)) };
    let now = tx.now();
    let task = tx.task(id).await?.filter(|task| task.is_open(now));
    Ok(task.map(Some).ok_or(Over))
}

/// The task of a call is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over;

/// Which call is asked for: the newest that was refused, or the one that waits, was approved already, or was denied a short
/// while ago, so that whoever asks again hears of that.
pub fn to_ask_for(
    config: &ElevationConfig,
    newest: Option<AskedCall>,
    elevation: Option<Elevation>,
    now: Timestamp,
) -> Option<Id<AskedCall>> {
    let open = newest.filter(|asked| asked.is_open(now)).map(|asked| asked.id);
    let stands = |elevation: &Elevation| match &elevation.stage {
        Stage::Denied(decided) => decided.at > now.before(config.decide_within),
        _ => elevation.is_pending(now) || elevation.is_live(now),
    };
    open.or_else(|| elevation.filter(stands)?.call.map(|call| call.asked))
}
