//! Mail is encrypted before a password is said, and to the server that was named.

#![allow(clippy::unwrap_used)]

mod certificate;

use std::{
    sync::{Arc, Mutex},
    time::UNIX_EPOCH,
};

use certificate::Certificate;
use portcullis_net::{FetchError, FetchRules, Mail, MailError, MailParties, Mailer};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

type Said = Arc<Mutex<Vec<String>>>;

/// Answers until it is told to speak TLS; says whether it was.
async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, said: Said, name: &str, greets: bool) -> Option<()> {
    let mut stream = BufReader::new(stream);
    if greets {
        stream.write_all(b"220 mail.test\r\n").await.ok()?;
    }
    let (mut line, mut in_data) = (String::new(), false);
    loop {
        line.clear();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let text = line.trim_end();
        said.lock().unwrap().push(format!("{name}: {text}"));
        let answer = match text {
            "." if in_data => {
                in_data = false;
                "250 taken\r\n"
            }
            _ if in_data => continue,
            "DATA" => {
                in_data = true;
                "354 go on\r\n"
            }
            "STARTTLS" => {
                stream.write_all(b"220 go on\r\n").await.ok()?;
                return Some(());
            }
            text if text.starts_with("EHLO") && name == "plain" => "250-mail.test\r\n250 STARTTLS\r\n",
            text if text.starts_with("EHLO") => "250-mail.test\r\n250 AUTH PLAIN\r\n",
            text if text.starts_with("AUTH") => "235 welcome\r\n",
            _ => "250 fine\r\n",
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// A mail server with a certificate for `host`, that speaks TLS at once or when asked to.
async fn server(at_once: bool, host: &str) -> (u16, Said, Vec<u8>) {
    portcullis_net::install_crypto_provider();
    let certificate = Certificate::for_hosts(&[host]);
    let chain = CertificateDer::pem_slice_iter(&certificate.chain).collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(&certificate.key).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, said) = (listener.local_addr().unwrap().port(), Said::default());
    let kept = said.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if !at_once && converse(&mut stream, kept.clone(), "plain", true).await.is_none() {
                continue;
            }
            if let Ok(stream) = acceptor.accept(stream).await {
                converse(stream, kept.clone(), "encrypted", at_once).await;
            }
        }
    });
    (port, said, certificate.authority)
}

fn mailer(url: &str, authority: Option<Vec<u8>>) -> Mailer {
    let parties = MailParties {
        from: "gw@acme.test",
        to: &["ops@acme.test".to_owned()],
        credentials: (Some("gw"), Some("hunter2")),
    };
    let rules = FetchRules { extra_ca_pem: authority, exempt_hosts: vec!["localhost".to_owned()] };
    Mailer::new(url, parties, &rules).unwrap()
}

const MAIL: Mail<'_> = Mail { id: "msg_1", subject: "s", text: "t", at: UNIX_EPOCH };

/// Spec: RFC 8314 §3.3, RFC 3207 §4
/// Field: W11
#[tokio::test]
async fn the_password_and_the_mail_are_said_encrypted() {
    for (scheme, at_once) in [("smtps", true), ("smtp", false)] {
        let (port, said, authority) = server(at_once, "localhost").await;
        let mailer = mailer(&format!("{scheme}://localhost:{port}"), Some(authority));
        assert_eq!(mailer.send(MAIL).await.unwrap(), 250, "{scheme}");
        mailer.reach().await.unwrap();
        let said = said.lock().unwrap().clone();
        for words in ["AUTH", "MAIL FROM", "RCPT TO", "Subject"] {
            let lines: Vec<_> = said.iter().filter(|line| line.contains(words)).collect();
            assert!(!lines.is_empty() && lines.iter().all(|line| line.starts_with("encrypted: ")), "{said:#?}");
        }
    }
}

/// Attack: somebody else answers in the place of the mail server.
#[tokio::test]
async fn a_server_with_another_certificate_is_told_nothing() {
    for (scheme, at_once) in [("smtps", true), ("smtp", false)] {
        for (host, is_trusted) in [("elsewhere", true), ("localhost", false)] {
            let (port, said, authority) = server(at_once, host).await;
            let mailer = mailer(&format!("{scheme}://localhost:{port}"), is_trusted.then_some(authority));
            let error = mailer.send(MAIL).await.unwrap_err();
            assert!(matches!(error, MailError::Away(FetchError::Tls(_) | FetchError::Unreachable(_))), "{error:?}");
            let said = said.lock().unwrap().clone();
            assert!(said.iter().all(|line| line.contains("EHLO") || line.contains("STARTTLS")), "{said:?}");
        }
    }
}
