//! A decision on an elevation in the name of a person, as it is ordered at the command line: who decides, and on what terms.

use std::sync::Arc;

use anyhow::{Context, Result};
use governance::orders::Yes;
use model::{Elevation, Id, Span};
use policy::Policies;
use privilege::{Decider, latitude::LatitudeWish};
use serde::{Deserialize, Serialize};
use store::Store;

/// The terms of a yes.
pub(super) fn yes(lasts: Option<u32>, number: Option<u32>, may_differ: Option<MayDiffer>) -> Yes {
    Yes { lasts: lasts.map(Span::from_seconds), number, latitude: may_differ.map(LatitudeWish::from) }
}

/// What of an approved call may differ.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MayDiffer {
    /// Arguments that may be anything.
    pub any: Vec<String>,
    /// Numbers that may be less.
    pub at_most: Vec<String>,
    /// For how many calls.
    pub uses: u32,
}

impl From<MayDiffer> for LatitudeWish {
    fn from(it: MayDiffer) -> Self {
        Self { any: it.any.into_iter().collect(), at_most: it.at_most.into_iter().collect(), uses: it.uses }
    }
}

/// The request, and who decides on it.
pub(super) async fn decision(
    store: &Store,
    elevation: &str,
    approver: &str,
    policies: Arc<Policies>,
) -> Result<(Id<Elevation>, Decider)> {
    let person = store.person(&approver.parse()?).await?;
    let person =
        person.with_context(|| format!("there is no person `{approver}`; `portcullis person list` shows everybody"))?;
    Ok((elevation.parse()?, Decider::at_the_command_line(person, policies)))
}
