//! The certificate a listener shows.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio_rustls::TlsAcceptor;

/// A certificate and its key, ready to accept connections with. HTTP/2 and HTTP/1.1 by ALPN.
///
/// Clones share it, so a renewed certificate reaches a listener that is serving.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ArcSwap<ServerConfig>>,
}

/// Why a certificate or its key can not be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file holds no certificate.
    #[error("the certificate file holds no PEM certificate")]
    NoCertificate,
    /// The file holds something that is none.
    #[error("the certificate file can not be read: {0}")]
    BadCertificate(String),
    /// No private key, or one of an unknown form.
    #[error("the key file holds no PEM private key: {0}")]
    BadKey(String),
    /// The key is not that of the certificate, or of a kind that can not sign.
    #[error("the certificate and the key can not be used together: {0}")]
    Mismatch(String),
}

impl Tls {
    /// From a certificate chain, leaf first, and its private key, both PEM.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| TlsError::BadCertificate(error.to_string()))?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::BadKey(error.to_string()))?;
        let mismatch = |error: rustls::Error| TlsError::Mismatch(error.to_string());
        let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(mismatch)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(mismatch)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(ArcSwap::from_pointee(config)) })
    }

    /// From the next connection on the certificate is that of `renewed`, for every clone.
    pub fn replace(&self, renewed: Self) {
        self.config.store(renewed.config.load_full());
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}
