//! Documents from addresses that strangers name.

/// What an operator allows beyond the public internet.
#[derive(Clone, Debug, Default)]
pub struct FetchRules {
    /// PEM of certificate authorities to trust besides the public ones.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// `host` or `host:port` that may resolve to special-use addresses.
    pub exempt_hosts: Vec<String>,
}

/// Why a [`Fetcher`] can not be made.
#[derive(Debug, thiserror::Error)]
pub enum FetchSetupError {
    /// The extra certificate authorities are not PEM certificates.
    #[error("the extra certificate authorities can not be read: {0}")]
    ExtraCa(String),
}

/// Reads JSON documents over https from hosts that strangers name.
#[derive(Clone, Debug)]
pub struct Fetcher;

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes of the document.
    pub body: Vec<u8>,
    /// For how many seconds the answer says it is good.
    pub max_age: Option<u64>,
}

/// Why a document could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It took too long.
    #[error("the host did not answer in time")]
    TimedOut,
}

impl Fetcher {
    /// From the operator's rules.
    pub fn new(_rules: FetchRules) -> Result<Self, FetchSetupError> {
        todo!()
    }

    /// The JSON document at `url`, at most `max_bytes` long.
    pub async fn json(&self, _url: &str, _max_bytes: usize) -> Result<Fetched, FetchError> {
        todo!()
    }
}
