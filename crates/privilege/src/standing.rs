//! Does it stand? [`model::standing`] is the rule; here it is asked of what stands inside a transaction.
//!
//! The blocks in memory are of a moment ago: a revocation by another node, or in this very batch, is not among them.

use model::{NotStanding, Standing, Timestamp};
use store::{StoreError, Tx};

/// Was nothing taken away from it? `issued_at` is when the code or token that is presented was made.
pub async fn stands(
    tx: &mut Tx<'_>,
    standing: &Standing<'_>,
    issued_at: Timestamp,
) -> Result<Result<(), NotStanding>, StoreError> {
    let owner = tx.person(&standing.agent.owner).await?;
    let blocks = tx.blocks_on(&standing.covered()).await?;
    Ok(standing.stands(owner.is_none_or(|owner| owner.disabled), &blocks, issued_at))
}

/// The same for what is given now: a block that was lifted is no obstacle to that.
pub async fn stands_now(tx: &mut Tx<'_>, standing: &Standing<'_>) -> Result<Result<(), NotStanding>, StoreError> {
    let owner = tx.person(&standing.agent.owner).await?;
    let blocks = tx.blocks_on(&standing.covered()).await?;
    let now = tx.now();
    let in_force = blocks.iter().filter(|block| block.lifted_at.is_none());
    Ok(standing.stands(owner.is_none_or(|owner| owner.disabled), in_force, now))
}
