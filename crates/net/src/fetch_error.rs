//! Why a document could not be had.

/// Why a [`crate::Fetcher`] can not be made.
#[derive(Debug, thiserror::Error)]
pub enum FetchSetupError {
    /// The extra certificate authorities are not PEM certificates.
    #[error("the extra certificate authorities can not be used: {0}")]
    ExtraCa(String),
}

/// Why a document could not be had.
///
/// The text is safe to show to whoever named the URL: it holds no address and nothing of an
/// answer, and it is one and the same for everything that kept a connection from being made.
/// [`Self::cause`] tells them apart, for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL is none we open.
    #[error("the URL {0}")]
    BadUrl(&'static str),
    /// The name resolves to an address that is no place on the public internet.
    #[error("the host could not be reached")]
    NotPublic,
    /// Too many documents are being fetched, in all or from this host.
    #[error("too many documents are being fetched: try again in a moment")]
    Busy,
    /// No address, no connection, or it broke.
    #[error("the host could not be reached")]
    Unreachable(String),
    /// The certificate is not trusted, or there is no TLS.
    #[error("the host could not be reached")]
    Tls(String),
    /// Three seconds were not enough.
    #[error("the host could not be reached")]
    TimedOut,
    /// The answer points elsewhere. We do not follow.
    #[error("the host answered with a redirect, which is not followed: give the final URL")]
    Redirected,
    /// The answer has another status than 200.
    #[error("the host answered with status {0}, not 200")]
    Status(u16),
    /// The answer does not say that it is JSON.
    #[error("the document is not served as application/json")]
    NotJson,
    /// The answer is compressed, which nobody asked for.
    #[error("the document is compressed: serve it without content-encoding")]
    Encoded,
    /// The document is longer than allowed.
    #[error("the document is longer than {max} bytes")]
    TooLarge {
        /// The longest allowed, in bytes.
        max: usize,
    },
}

impl FetchError {
    /// The cause as a stable word, for logs and the audit. Not for whoever named the URL.
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::BadUrl(_) => "bad_url",
            Self::NotPublic => "not_public",
            Self::Busy => "busy",
            Self::Unreachable(_) => "unreachable",
            Self::Tls(_) => "tls",
            Self::TimedOut => "timed_out",
            Self::Redirected => "redirected",
            Self::Status(_) => "status",
            Self::NotJson => "not_json",
            Self::Encoded => "encoded",
            Self::TooLarge { .. } => "too_large",
        }
    }

    /// What the system said, for the operator's log.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Unreachable(detail) | Self::Tls(detail) => Some(detail),
            _ => None,
        }
    }
}
