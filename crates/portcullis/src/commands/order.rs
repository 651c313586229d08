//! An order on its way to whoever carries it out: the node that runs here, or the store itself when none answers.

use governance::orders;
use std::path::PathBuf;

use anyhow::{Result, bail};
use store::{Missing, StoreError};

use super::visit::Visit;
use crate::{
    config::Needs,
    node::{
        control::{self, Answer, Asked},
        order::{NotDone, Order, Outcome},
    },
};

/// What was done, and through whom.
pub struct Carried {
    /// What there is to say of it.
    pub outcome: Outcome,
    /// The end of a sentence that says what was done.
    pub through: &'static str,
}

/// Carries `order` out, and says through whom.
pub async fn carry_out(visit: &Visit, order: &Order) -> Result<Carried> {
    let config = visit.config(Needs::Store)?;
    let (was_asked, through) = match control::asked(&config.data_dir, order).await {
        Asked::Answered(Answer::Everywhere(outcome)) => return Ok(Carried { outcome, through: "the running node" }),
        Asked::Answered(Answer::NotEverywhere(nodes)) => bail!(StoreError::NotEverywhere(nodes)),
        Asked::Answered(Answer::Refused(why)) => bail!(why),
        Asked::Answered(Answer::NotDone(_)) => (false, "the store, because the running node could not"),
        Asked::Answered(Answer::NotKnown) => (false, "the store, because the running node is of another version"),
        Asked::Nobody => (false, "the store"),
        Asked::NoAnswer => (true, "the store, because the running node did not answer"),
    };
    let missing = if order.may_be_the_first() { Missing::IsMade } else { Missing::IsRefused };
    let opened = visit.open_or(missing).await;
    let (config, store) = opened.map_err(|error| of_store(order, was_asked, config.data_dir, error))?;
    let (outcome, through) = match order.carry_out(&config, &store, None).await {
        Ok(outcome) => (outcome, through),
        Err(NotDone::AlreadySo(_, outcome)) if was_asked => {
            (*outcome, "the running node, which did not answer: the store has it")
        }
        Err(NotDone::Refused(why) | NotDone::AlreadySo(why, _)) => bail!(why),
        Err(NotDone::Store(why)) => {
            return Err(of_store(order, was_asked, config.data_dir, anyhow::Error::msg(why)));
        }
    };
    if order.concerns_every_node() {
        store.wait_until_everywhere().await?;
    }
    if matches!(order, Order::Revoke { .. }) {
        // A node would do it by and by; none may run.
        if let Err(error) = orders::write_ends(&store).await {
            tracing::warn!(event = "sweep_failed", %error, "what this ended is written down later");
        }
    }
    Ok(Carried { outcome, through })
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
