//! An https host for Client ID Metadata Documents, with a certificate authority of its own.
//!
//! Spec: draft-ietf-oauth-client-id-metadata-document.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// Where every client of this world wants its codes. Nobody listens there: the harness carries the answer.
pub const REDIRECT_URI: &str = "http://127.0.0.1:33418/callback";

/// The host. It stops when dropped.
pub struct Documents {
    port: u16,
    ca_file: PathBuf,
    serving: JoinHandle<()>,
}

impl Documents {
    /// Serves one document per name, at `/clients/{name}.json`, and writes the CA to `directory`.
    ///
    /// # Panics
    /// When no port or no certificate can be had.
    pub async fn serve(directory: &std::path::Path, names: &[&str]) -> Self {
        net::install_crypto_provider();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (ca_pem, acceptor) = certificates();
        let ca_file = directory.join("documents-ca.pem");
        std::fs::write(&ca_file, ca_pem).expect("a writable directory");

        let documents = names.iter().map(|name| (path(name), document(port, name).to_string()));
        let documents = Arc::new(documents.collect::<BTreeMap<_, _>>());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(acceptor.clone(), stream, documents.clone()));
            }
        });
        Self { port, ca_file, serving }
    }

    /// The `client_id` of the client `name`: the address of its document.
    pub fn client_id(&self, name: &str) -> String {
        format!("https://{}{}", self.host(), path(name))
    }

    /// `localhost:PORT`.
    pub fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The PEM file of the authority that signed the host's certificate.
    pub fn ca_file(&self) -> &std::path::Path {
        &self.ca_file
    }
}

impl Drop for Documents {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn path(name: &str) -> String {
    format!("/clients/{name}.json")
}

fn document(port: u16, name: &str) -> Value {
    json!({
        "client_id": format!("https://localhost:{port}{}", path(name)),
        "client_name": format!("World test client ({name})"),
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    })
}

/// One request, one answer, closed. Whoever talks nonsense gets nothing.
async fn answer(acceptor: TlsAcceptor, stream: TcpStream, documents: Arc<BTreeMap<String, String>>) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut lines = BufReader::new(&mut stream).lines();
    let mut path = None;
    while let Ok(Some(line)) = lines.next_line().await {
        if line.is_empty() {
            break;
        }
        path = path.or_else(|| line.split(' ').nth(1).map(str::to_owned));
    }
    let (status, body) = match path.and_then(|path| documents.get(&path)) {
        Some(document) => ("200 OK", document.as_str()),
        None => ("404 Not Found", "{}"),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // A peer that went away needs no answer.
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn certificates() -> (String, TlsAcceptor) {
    let ca_key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::new(Vec::new()).expect("parameters");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name.push(DnType::CommonName, "portcullis world test authority");
    let ca_certificate = ca.self_signed(&ca_key).expect("a certificate");

    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = leaf.signed_by(&key, &Issuer::from_params(&ca, &ca_key)).expect("a certificate");

    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).expect("a certificate and its key");
    (ca_certificate.pem(), TlsAcceptor::from(Arc::new(config)))
}
