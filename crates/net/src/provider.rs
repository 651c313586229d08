//! The one choice of a cryptography provider for TLS.

/// Makes aws-lc-rs the process-wide provider of rustls. Calling it again changes nothing.
pub fn install_crypto_provider() {
    // An error only says that a provider is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
