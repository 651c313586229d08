//! The one way to change privilege.

use std::ops::{Deref, DerefMut};

use crate::sql::tx::Tx;

/// A change that may change privilege: grants, elevations and their uses, blocks, agents, people, installations, signing
/// keys, the clock.
///
/// The statements are beside their tables; each is a method of this. What has to be asked before one of them, and which
/// event goes with it, is in the crate `privilege`, and that is the only one that makes this: `cargo xtask tidy` finds the
/// name anywhere else. Everything that a [`Tx`] can do can be done through it.
pub struct PrivilegeTx<'t, 'c>(&'t mut Tx<'c>);

impl<'t, 'c> PrivilegeTx<'t, 'c> {
    /// For the next statement, or for several.
    pub fn of(tx: &'t mut Tx<'c>) -> Self {
        Self(tx)
    }
}

impl<'c> Deref for PrivilegeTx<'_, 'c> {
    type Target = Tx<'c>;

    fn deref(&self) -> &Tx<'c> {
        self.0
    }
}

impl<'c> DerefMut for PrivilegeTx<'_, 'c> {
    fn deref_mut(&mut self) -> &mut Tx<'c> {
        self.0
    }
}
