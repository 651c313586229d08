//! The control socket in the data directory: the kill switch of the command line, turned by the node that runs.
//!
//! It has a connection to the store already, and knows what it serves from: another directory, an unset variable or a
//! database that takes no more connections do not matter to it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use governance::GovernanceError;
use model::{Actor, Target};
use net::local::{LocalListener, ask};
use serde::{Deserialize, Serialize};
use store::StoreError;

use super::Node;

/// The socket inside the data directory.
const SOCKET: &str = "admin.sock";
/// Longer than a revocation may take to be everywhere.
const PATIENCE: Duration = Duration::from_secs(15);

/// What may be asked of a running node.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Question {
    /// Turn the kill switch, and answer when every node refuses.
    Revoke {
        /// What kind of thing.
        kind: String,
        /// Which one.
        name: String,
        /// Why.
        reason: String,
    },
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is in force everywhere.
    Everywhere,
    /// It is in force here and on disk, and these have not confirmed.
    NotEverywhere(String),
    /// It was refused: the reason is the asker's to mend.
    Refused(String),
    /// It could not be done.
    NotDone(String),
}

/// Asks the node that runs with this data directory; `None` when none answers.
pub async fn asked(data_dir: &Path, question: &Question) -> Option<Answer> {
    let question = serde_json::to_vec(question).ok()?;
    let answer = ask(&socket(data_dir), &question, PATIENCE).await.ok()?;
    serde_json::from_slice(&answer).ok()
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

async fn answer(node: &Node, question: &[u8]) -> Answer {
    let Question::Revoke { kind, name, reason } = match serde_json::from_slice(question) {
        Ok(question) => question,
        Err(_) => return Answer::Refused("this is no question that this version knows".into()),
    };
    let target = match Target::parse(&kind, &name) {
        Ok(target) => target,
        Err(why) => return Answer::Refused(why),
    };
    let turned = match governance::check_named(&node.config, &target) {
        Ok(()) => governance::revoke(&node.store, &target, Actor::Operator, &reason).await,
        Err(error) => Err(error),
    };
    match turned {
        Ok(()) => {}
        Err(GovernanceError::Store(error)) => return Answer::NotDone(error.to_string()),
        Err(error) => return Answer::Refused(error.to_string()),
    }
    match node.store.wait_until_everywhere().await {
        Ok(()) => Answer::Everywhere,
        Err(StoreError::NotEverywhere(nodes)) => Answer::NotEverywhere(nodes),
        Err(error) => Answer::NotEverywhere(error.to_string()),
    }
}
