//! Passwords of people: Argon2id, memory-hard on purpose.
//!
//! Each call takes tens of milliseconds and 19 MiB: callers move it off the async threads and
//! bound how many run at once.
//!
//! Spec: RFC 9106, OWASP Password Storage (19 MiB, 2 passes, 1 lane).

use argon2::{
    Argon2, Params,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use model::Secret;

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

/// The hash to store, in PHC form with a random salt. Blocks.
///
/// # Panics
/// When the system has neither randomness nor 19 MiB to give.
pub fn hash_password(password: &Secret) -> String {
    let hash: PasswordHash =
        argon2id().hash_password(password.expose().as_bytes()).expect("Argon2id needs only randomness and 19 MiB");
    hash.to_string()
}

/// Is this the password that was stored as `phc`? Blocks.
///
/// # Errors
/// [`WrongPassword`], also when `phc` fails [`is_phc`].
pub fn check_password(password: &Secret, phc: &str) -> Result<(), WrongPassword> {
    let hash = acceptable(phc).ok_or(WrongPassword)?;
    argon2id().verify_password(password.expose().as_bytes(), &hash).map_err(|_| WrongPassword)
}

/// Works as hard as [`check_password`] when there is no such person, so that time does not tell names. Blocks.
pub fn check_nobody(password: &Secret) {
    let _ = std::hint::black_box(check_password(password, NOBODY));
}

/// Is `text` an Argon2id hash in PHC form that this machine can be asked to check?
pub fn is_phc(text: &str) -> bool {
    acceptable(text).is_some()
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
    use super::*;

    #[test]
    fn the_right_password_fits_and_another_does_not() {
        let phc = hash_password(&Secret::new("correct horse"));
        assert_eq!(check_password(&Secret::new("correct horse"), &phc), Ok(()));
        for wrong in ["", "correct hors", "Correct horse", "correct horse "] {
            assert_eq!(check_password(&Secret::new(wrong), &phc), Err(WrongPassword), "{wrong:?}");
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
        check_nobody(&Secret::new("x"));
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
