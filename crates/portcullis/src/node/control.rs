//! The control socket in the data directory: what an operator orders is carried out by the node that runs.
//!
//! It has a connection to the store already, and knows what it serves from: another directory, an unset variable or a
//! database that takes no more connections do not matter to it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use net::local::{AskError, LocalListener, ask};
use serde::{Deserialize, Serialize};
use store::StoreError;

use super::{
    generation::Node,
    order::{NotDone, Order, Outcome},
};

/// The socket inside the data directory.
const SOCKET: &str = "admin.sock";
/// Longer than a revocation may take to be everywhere.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a node answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is done, and in force everywhere.
    Everywhere(Outcome),
    /// It is in force here and on disk, and these have not confirmed.
    NotEverywhere(String),
    /// It was refused: the reason is the asker's to mend.
    Refused(String),
    /// It could not be done.
    NotDone(String),
    /// No order that this version knows.
    NotKnown,
}

/// What came of asking.
#[derive(Debug)]
pub enum Asked {
    /// The node that runs here answered.
    Answered(Answer),
    /// None runs here, or it hangs: nothing was asked.
    Nobody,
    /// It was asked, and did not answer: it may have done it.
    NoAnswer,
}

/// Asks the node that runs with this data directory.
pub async fn asked(data_dir: &Path, order: &Order) -> Asked {
    let Ok(order) = serde_json::to_vec(order) else { return Asked::Nobody };
    match ask(&socket(data_dir), &order, PATIENCE).await {
        Ok(answer) => serde_json::from_slice(&answer).map_or(Asked::NoAnswer, Asked::Answered),
        Err(AskError::Nobody(_)) => Asked::Nobody,
        Err(AskError::NoAnswer(_)) => Asked::NoAnswer,
    }
}

/// Answers until it is dropped. A node without such a socket serves all the same; the log says so.
pub async fn serve(current: Arc<ArcSwap<Node>>) {
    let path = socket(&current.load().config.data_dir);
    match LocalListener::bind(&path).await {
        Ok(listener) => {
            let answer = move |question: Vec<u8>| {
                let node = current.load_full();
                async move { serde_json::to_vec(&answer(&node, &question).await).unwrap_or_default() }
            };
            listener.serve(answer).await;
        }
        Err(error) => {
            let path = path.display();
            tracing::warn!(event = "no_control_socket", %path, %error, "commands go to the store instead");
        }
    }
}

fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join(SOCKET)
}

async fn answer(node: &Node, order: &[u8]) -> Answer {
    let Ok(order) = serde_json::from_slice::<Order>(order) else { return Answer::NotKnown };
    let outcome = match order.carry_out(&node.config, &node.store, Some(&node.policies)).await {
        Ok(outcome) if !order.concerns_every_node() => return Answer::Everywhere(outcome),
        Ok(outcome) => outcome,
        Err(NotDone::Store(why)) => return Answer::NotDone(why),
        Err(NotDone::Refused(why) | NotDone::AlreadySo(why, _)) => return Answer::Refused(why),
    };
    match node.store.wait_until_everywhere().await {
        Ok(()) => Answer::Everywhere(outcome),
        Err(StoreError::NotEverywhere(nodes)) => Answer::NotEverywhere(nodes),
        Err(error) => Answer::NotEverywhere(error.to_string()),
    }
}
