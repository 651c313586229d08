//! An order on its way to whoever carries it out: the node that runs here, or the store itself when none answers.

use std::path::PathBuf;

use anyhow::{Result, bail};
use store::StoreError;

use super::Visit;
use crate::{
    config::Needs,
    node::{
        control::{self, Answer, Asked},
        order::{NotDone, Order},
    },
};

/// Carries `order` out, and says through whom: the end of a sentence that says what was done.
pub async fn carry_out(visit: &Visit, order: &Order) -> Result<&'static str> {
    let config = visit.config(Needs::Store)?;
    let (mut was_asked, through) = match control::asked(&config.data_dir, order).await {
        Asked::Answered(Answer::Everywhere) => return Ok("the running node"),
        Asked::Answered(Answer::NotEverywhere(nodes)) => bail!(StoreError::NotEverywhere(nodes)),
        Asked::Answered(Answer::Refused(why)) => bail!(why),
        Asked::Answered(Answer::NotDone(_)) => (false, "the store, because the running node could not"),
        Asked::Answered(Answer::NotKnown) => (false, "the store, because the running node is of another version"),
        Asked::Nobody => (false, "the store"),
        Asked::NoAnswer => (true, "the store, because the running node did not answer"),
    };
    let (config, store) = visit.open().await.map_err(|error| of_store(order, was_asked, config.data_dir, error))?;
    match order.carry_out(&config, &store).await {
        Ok(()) => was_asked = false,
        Err(NotDone::AlreadySo(_)) if was_asked => {}
        Err(NotDone::Refused(why) | NotDone::AlreadySo(why)) => bail!(why),
        Err(NotDone::Store(why)) => {
            return Err(of_store(order, was_asked, config.data_dir, anyhow::Error::msg(why)));
        }
    }
    if order.concerns_every_node() {
        store.wait_until_everywhere().await?;
    }
    if matches!(order, Order::Revoke { .. }) {
        // A node would do it by and by; none may run.
        if let Err(error) = governance::write_ends(&store).await {
            tracing::warn!(event = "sweep_failed", %error, "what this ended is written down later");
        }
    }
    Ok(if was_asked { "the running node, which did not answer: the store has it" } else { through })
}

/// Nobody may take a revocation that failed for one that was made, and there is a way that needs no store.
fn of_store(order: &Order, was_asked: bool, data_dir: PathBuf, error: anyhow::Error) -> anyhow::Error {
    let asked = "the running node was asked and did not answer, so it may be done all the same";
    let Order::Revoke { .. } = order else {
        return if was_asked { error.context(asked) } else { error };
    };
    let nothing = if was_asked { asked } else { "nothing was revoked" };
    let deny_all = data_dir.join("deny-all");
    error.context(format!("{nothing}; `touch {}` stops the node of this machine without its store", deny_all.display()))
}
