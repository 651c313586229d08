//! Passwords of people: Argon2id, memory-hard on purpose.
//!
//! Each hash takes tens of milliseconds and 19 MiB: callers move it off the async threads, bound how many run at
//! once, and give each of those a [`HashMemory`] that is kept. Memory that is asked for and given back with every
//! hash does not come back: the allocator keeps it, in one arena for each thread that ever hashed.
//!
//! What is hashed is the one form of a password (`opaque_string`). Hashes from before that was so, and those of an
//! operator's own tools, are of what was typed, so that is tried as well when it differs.
//!
//! Spec: RFC 9106, OWASP Password Storage (19 MiB, 2 passes, 1 lane), RFC 8265 §4.2.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use model::Secret;
use subtle::ConstantTimeEq;

use crate::opaque_string;

/// The hash of a password nobody has, made with the parameters of today.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A stored hash may not ask for more memory than this, in KiB: 1 GiB.
const MOST_MEMORY: u32 = 1 << 20;
/// A stored hash may not ask for more passes than this.
const MOST_PASSES: u32 = 16;

/// The password is not the one that was stored, or what was stored is no Argon2id hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password is wrong")]
pub struct WrongPassword;

/// What one hash at a time works in. Made at its first use, and kept from then on.
#[derive(Default)]
pub struct HashMemory(Vec<Block>);

impl HashMemory {
    /// Is this the password that was stored as `phc`? Blocks.
    ///
    /// # Errors
    /// [`WrongPassword`], also when `phc` fails [`is_phc`].
    pub fn check_password(&mut self, password: &Secret, phc: &str) -> Result<(), WrongPassword> {
        let normal = opaque_string(password.expose());
        match self.check_bytes(normal.as_bytes(), phc) {
            Err(WrongPassword) if *normal != password.expose() => self.check_bytes(password.expose().as_bytes(), phc),
            verdict => verdict,
        }
    }

    fn check_bytes(&mut self, password: &[u8], phc: &str) -> Result<(), WrongPassword> {
        let stored = acceptable(phc).ok_or(WrongPassword)?;
        let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Err(WrongPassword) };
        let params = Params::try_from(&stored).map_err(|_| WrongPassword)?;
        let version = stored.version.map_or(Ok(Version::default()), Version::try_from).map_err(|_| WrongPassword)?;
        let mut made = vec![0; expected.as_bytes().len()];
        self.work(params.block_count(), |blocks| {
            let argon2id = Argon2::new(Algorithm::Argon2id, version, params);
            argon2id.hash_password_into_with_memory(password, salt.as_ref(), &mut made, blocks)
        })
        .map_err(|_| WrongPassword)?;
        if bool::from(made.ct_eq(expected.as_bytes())) { Ok(()) } else { Err(WrongPassword) }
    }

    /// The hash to store, in PHC form with a random salt. Blocks.
    ///
    /// # Panics
    /// When the system has neither randomness nor 19 MiB to give.
    pub fn hash_password(&mut self, password: &Secret) -> String {
        let params = Params::default();
        let salt = Salt::new(&crate::random::<16>()).expect("16 bytes are a salt");
        let normal = opaque_string(password.expose());
        let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
        self.work(params.block_count(), |blocks| {
            let salt: &[u8] = salt.as_ref();
            argon2id().hash_password_into_with_memory(normal.as_bytes(), salt, &mut out, blocks)
        })
        .expect("password, salt and output have lengths that Argon2id takes");
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::default().into()),
            params: ParamsString::try_from(&params).expect("the parameters of today are written as such"),
            salt: Some(salt),
            hash: Some(Output::new(&out).expect("32 bytes are an output")),
        };
        hash.to_string()
    }

    /// Works as hard as [`Self::check_password`] when there is no such person, so that time does not tell names. Blocks.
    pub fn check_nobody(&mut self, password: &Secret) {
        let _ = std::hint::black_box(self.check_password(password, NOBODY));
    }

    /// What a hash leaves behind is as good as the password to whoever reads this memory, so nothing is left.
    fn work<T>(&mut self, blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        self.0.resize(self.0.len().max(blocks), Block::new());
        let done = work(&mut self.0[..blocks]);
        self.0[..blocks].fill(Block::new());
        // A hash made with more memory than ours is the operator's; what it took is not kept.
        let ours = Params::DEFAULT.block_count();
        if self.0.len() > ours {
            self.0.truncate(ours);
            self.0.shrink_to_fit();
        }
        done
    }
}

/// The hash to store. Blocks, in memory of its own: for who hashes once.
///
/// # Panics
/// When the system has neither randomness nor 19 MiB to give.
pub fn hash_password(password: &Secret) -> String {
    HashMemory::default().hash_password(password)
}

/// Is this the password that was stored as `phc`? Blocks, in memory of its own: for who checks once.
///
/// # Errors
/// [`WrongPassword`], also when `phc` fails [`is_phc`].
pub fn check_password(password: &Secret, phc: &str) -> Result<(), WrongPassword> {
    HashMemory::default().check_password(password, phc)
}

/// Is `text` an Argon2id hash in PHC form that this machine can be asked to check?
pub fn is_phc(text: &str) -> bool {
    acceptable(text).is_some()
}

/// Was `phc` made as [`hash_password`] makes them today? If not, whoever has the password at hand should make it anew.
pub fn is_of_today(phc: &str) -> bool {
    let Some(hash) = acceptable(phc) else { return false };
    let today = Params::default();
    let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    Params::try_from(&hash).is_ok_and(|params| cost(&params) == cost(&today))
        && hash.version == Some(Version::default().into())
        && hash.hash.is_some_and(|hash| hash.as_bytes().len() == Params::DEFAULT_OUTPUT_LEN)
}

fn acceptable(text: &str) -> Option<PasswordHash> {
    let hash = PasswordHash::new(text).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let fits = hash.algorithm.as_str() == "argon2id"
        && hash.hash.is_some()
        && params.m_cost() <= MOST_MEMORY
        && params.t_cost() <= MOST_PASSES;
    fits.then_some(hash)
}

fn argon2id() -> Argon2<'static> {
    Argon2::default()
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordHasher;

    use super::*;

    #[test]
    fn the_right_password_fits_and_another_does_not() {
        let phc = hash_password(&Secret::new("correct horse"));
        assert_eq!(check_password(&Secret::new("correct horse"), &phc), Ok(()));
        for wrong in ["", "correct hors", "Correct horse", "correct horse "] {
            assert_eq!(check_password(&Secret::new(wrong), &phc), Err(WrongPassword), "{wrong:?}");
        }
    }

    /// Field: P6
    #[test]
    fn a_password_fits_in_whichever_form_it_is_typed() {
        let (composed, apart) = ("p\u{e4}ssw\u{f6}rter sind gut", "pa\u{308}sswo\u{308}rter\u{a0}sind gut");
        for set in [composed, apart] {
            let phc = hash_password(&Secret::new(set));
            for typed in [composed, apart] {
                assert_eq!(check_password(&Secret::new(typed), &phc), Ok(()), "{set:?} {typed:?}");
            }
            for wrong in ["passworter sind gut", "P\u{e4}ssw\u{f6}rter sind gut", "p\u{e4}ssw\u{f6}rtersind gut"] {
                assert_eq!(check_password(&Secret::new(wrong), &phc), Err(WrongPassword), "{wrong:?}");
            }
        }
    }

    /// Field: P6
    #[test]
    fn a_hash_of_what_was_typed_before_there_was_one_form_is_good_for_what_was_typed() {
        let apart = "pa\u{308}sswo\u{308}rter\u{a0}sind gut";
        let old: PasswordHash = argon2id().hash_password_with_salt(apart.as_bytes(), b"saltsaltsalt").unwrap();
        assert_eq!(check_password(&Secret::new(apart), &old.to_string()), Ok(()));
        for wrong in ["p\u{e4}ssw\u{f6}rter sind gut!", "passworter sind gut"] {
            assert_eq!(check_password(&Secret::new(wrong), &old.to_string()), Err(WrongPassword));
        }
    }

    #[test]
    fn the_same_password_is_never_stored_twice_alike() {
        let password = Secret::new("x");
        assert_ne!(hash_password(&password), hash_password(&password));
    }

    #[test]
    fn a_name_nobody_has_costs_what_a_name_costs() {
        let of = |phc: &str| Params::try_from(&PasswordHash::new(phc).unwrap()).unwrap();
        let (nobody, somebody) = (of(NOBODY), of(&hash_password(&Secret::new("x"))));
        let cost = |p: &Params| (p.m_cost(), p.t_cost(), p.p_cost(), p.output_len());
        assert_eq!(cost(&nobody), cost(&somebody));
        assert!(is_phc(NOBODY));
        HashMemory::default().check_nobody(&Secret::new("x"));
    }

    /// Field: S2
    #[test]
    fn one_memory_serves_one_hash_after_the_other_and_keeps_nothing_of_them() {
        let mut memory = HashMemory::default();
        let phc = hash_password(&Secret::new("correct horse"));
        for _ in 0..2 {
            assert_eq!(memory.check_password(&Secret::new("correct horse"), &phc), Ok(()));
            assert_eq!(memory.check_password(&Secret::new("wrong horse"), &phc), Err(WrongPassword));
            memory.check_nobody(&Secret::new("x"));
        }
        assert_eq!(memory.0.len(), Params::DEFAULT.block_count());
        assert!(memory.0.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
    }

    /// An operator's own hash may ask for other parameters; its memory is given back.
    #[test]
    fn a_hash_with_other_parameters_is_checked_with_those() {
        let made = Argon2::from(Params::new(32 * 1024, 1, 2, Some(24)).unwrap());
        let phc: PasswordHash = made.hash_password_with_salt(b"correct horse", b"saltsaltsalt").unwrap();
        let mut memory = HashMemory::default();
        assert_eq!(memory.check_password(&Secret::new("correct horse"), &phc.to_string()), Ok(()));
        assert_eq!(memory.check_password(&Secret::new("correct hors"), &phc.to_string()), Err(WrongPassword));
        assert_eq!(memory.0.len(), Params::DEFAULT.block_count());
    }

    #[test]
    fn a_hash_is_of_today_by_its_cost_version_and_length_alone() {
        let hash = |memory, passes, lanes, long| {
            let made = Argon2::from(Params::new(memory, passes, lanes, Some(long)).unwrap());
            made.hash_password_with_salt(b"x", b"saltsaltsalt").unwrap().to_string()
        };
        assert!(is_of_today(&hash_password(&Secret::new("x"))) && is_of_today(&hash(19 * 1024, 2, 1, 32)));
        for old in
            [hash(8 * 1024, 2, 1, 32), hash(19 * 1024, 1, 1, 32), hash(19 * 1024, 2, 2, 32), hash(19 * 1024, 2, 1, 24)]
        {
            assert!(is_phc(&old) && !is_of_today(&old), "{old}");
        }
        assert!(!is_of_today(&hash_password(&Secret::new("x")).replace("v=19", "v=16")));
        assert!(!is_of_today("plain"));
    }

    #[test]
    fn what_is_no_affordable_argon2id_hash_is_refused() {
        let tail = "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for bad in [
            String::new(),
            "hunter2".to_owned(),
            format!("$argon2i$v=19$m=19456,t=2,p=1{tail}"),
            format!("$argon2id$v=19$m=4194304,t=2,p=1{tail}"),
            format!("$argon2id$v=19$m=19456,t=200,p=1{tail}"),
            "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            format!("$2b$12{tail}"),
        ] {
            assert!(!is_phc(&bad), "{bad}");
            assert_eq!(check_password(&Secret::new("x"), &bad), Err(WrongPassword), "{bad}");
        }
    }
}
