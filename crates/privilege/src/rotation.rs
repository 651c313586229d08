//! What a rotation of the keys for access tokens did.

use model::Timestamp;

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The new key's `kid`.
    pub kid: String,
    /// When it begins to sign.
    pub signs_from: Timestamp,
    /// When the old keys are not believed any more.
    pub old_gone_at: Timestamp,
}
