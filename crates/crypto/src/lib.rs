//! Everything that holds a key or proves one: access tokens, client assertions, proofs of possession,
//! one-time secrets, passwords, sealing at rest, the signature of the audit log.
//!
//! No IO and no async. A caller brings bytes and the time, and gets back a value
//! that could not exist had a check failed: [`Presented`] becomes [`Verified`]
//! or a reason why not. Start with [`access_token`], then [`assertion`].
//!
//! Key material is wiped when dropped and never shows in `Debug` output.
//!
//! Next: `jws` is the one place that takes a signed text apart.

pub mod access_token;
pub mod agent_key;
pub mod assertion;
mod audience;
pub mod digest;
pub mod dpop;
pub mod dpop_nonce;
pub mod id_jag;
mod jws;
pub mod key;
pub mod key_ring;
pub mod log_key;
pub mod master;
mod numeric_date;
pub mod opaque;
mod opaque_string;
pub mod password;
pub mod public_keys;
pub mod random;
pub mod signing;
pub mod webhook_key;

pub use access_token::{AccessTokenError, Expected, Presented, Verified};
pub use agent_key::AgentKey;
pub use assertion::{Assertion, AssertionError, claimed_issuer, verify_assertion};
pub use digest::Digest;
pub use dpop::{PresentedProof, Proof, ProofError, ProofFor};
pub use dpop_nonce::{NonceError, NonceKey};
pub use id_jag::{IdJag, IdJagError};
pub use jws::JwsError;
pub use key::KeyError;
pub use key_ring::{KeyRing, RingKey};
pub use log_key::{BadSignature, LogKey, verify_log_signature};
pub use master::{MasterKey, OpenError};
pub use opaque::Opaque;
pub use opaque_string::opaque_string;
pub use password::{HashMemory, WrongPassword, check_password, hash_password, is_of_today, is_phc};
pub use public_keys::{CLIENT_ALGORITHMS, PublicKeys};
pub use random::{mint, random};
pub use signing::SigningKey;
pub use webhook_key::{WebhookKey, WebhookKeyError};
