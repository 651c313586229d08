//! Why a key can not be used.

/// Why a key can not be used: one variant per cause an operator can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are not the private key they should be.
    #[error("the bytes are not {expected} in PKCS #8 form")]
    Pkcs8 {
        /// What would have been right.
        expected: &'static str,
    },
    /// The text is no PEM of a PKCS #8 private key.
    #[error(
        "the text is not a PEM `PRIVATE KEY`: write it with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`, or convert with `openssl pkcs8 -topk8 -nocrypt`"
    )]
    Pem,
    /// A key ring without a key could neither sign nor verify.
    #[error("there is no signing key")]
    NoSigningKey,
    /// A private or symmetric key where a public key belongs; its owner must replace it.
    #[error(
        "the key set contains private or symmetric key material (`{member}`): replace that key and publish only its public part"
    )]
    Private {
        /// The JWK member that gives it away.
        member: &'static str,
    },
    /// Not a JWK and not a JWK set.
    #[error("this is not a JWK or JWK set: expected an object with `kty` or with `keys`")]
    NotAKeySet,
    /// A member of a JWK is missing or has another form.
    #[error("member `{member}` of a key is missing or malformed")]
    Member {
        /// Which one.
        member: &'static str,
    },
    /// The public key is not valid: off the curve, an even exponent.
    #[error("a public key is not valid: its numbers do not form a {kind} key")]
    Invalid {
        /// Which kind it should be.
        kind: &'static str,
    },
    /// An RSA key of the wrong size.
    #[error("an RSA key has {bits} bits: use 2048 to 4096")]
    RsaSize {
        /// The size it has.
        bits: usize,
    },
    /// Every key is of a kind or for a use that is not supported.
    #[error(
        "no usable key: use ES256 (P-256), ES384 (P-384), EdDSA (Ed25519), RS256 or PS256, with `use` absent or `sig`"
    )]
    NoUsableKey,
    /// More keys than anybody needs.
    #[error("the key set has more than {most} keys")]
    TooMany {
        /// The limit.
        most: usize,
    },
    /// The signature could not be made.
    #[error("the signature could not be made")]
    Sign,
}
