//! The one source of random bits.

use model::{Id, id::Minted};

/// `N` bytes from the system's generator.
///
/// # Panics
/// When the system has no randomness to give: nothing secret could be made then.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's random generator works");
    bytes
}

/// A new id with 128 random bits: `grt_…`, `elv_…`.
pub fn mint<T: Minted>() -> Id<T> {
    Id::from_entropy(random())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use model::Grant;

    use super::*;

    #[test]
    fn no_two_minted_ids_are_alike() {
        let ids: HashSet<Id<Grant>> = (0..1000).map(|_| mint()).collect();
        assert_eq!(ids.len(), 1000);
    }
}
