//! A certificate authority of one test.

use portcullis_net::Tls;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// An authority, and a certificate of it for a host.
pub struct Certificate {
    /// What a client must trust, in PEM.
    pub authority: Vec<u8>,
    /// The certificate, in PEM.
    pub chain: Vec<u8>,
    /// Its key, in PEM.
    pub key: Vec<u8>,
}

impl Certificate {
    // Not every test file needs both.
    #[allow(dead_code)]
    pub fn for_localhost() -> Self {
        Self::for_hosts(&["localhost"])
    }

    #[allow(dead_code)]
    pub fn for_hosts(names: &[&str]) -> Self {
        let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).unwrap().pem().into_bytes();
        let issuer = Issuer::new(params, authority_key);
        let leaf = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        Self { authority, chain: leaf.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
    }

    #[allow(dead_code)]
    pub fn tls(&self) -> Tls {
        Tls::from_pem(&self.chain, &self.key).unwrap()
    }
}
