//! Mail to people that the operator named, over the server that the operator named.
//!
//! The connection is made here, under the rules of all messages to receivers outside (`post`): the name is resolved once, every
//! address is checked, and what was checked is dialled. The words on it are `lettre`'s. It is encrypted before a password is
//! said: at once (`smtps`), or after `STARTTLS`, which a server has to offer; without it only hosts that the operator exempted
//! are spoken to.
//!
//! Spec: RFC 5321, RFC 3207 (STARTTLS), RFC 8314 §3 (implicit TLS), RFC 5322.

use std::{fmt, io, net::SocketAddr, pin::Pin, sync::Arc, task, time::Duration};

use lettre::{
    Message,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters},
        extension::ClientId,
    },
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use url::Url;

use crate::{
    FetchRules,
    checked_addresses::{connect_checked, is_exempt},
    fetch_error::{FetchError, FetchSetupError},
    roots,
};

/// Mails, through one server.
#[derive(Clone)]
pub struct Mailer {
    server: Url,
    port: u16,
    is_exempt: bool,
    connector: TlsConnector,
    extra_ca_pem: Option<Vec<u8>>,
    credentials: Option<Credentials>,
    from: Mailbox,
    to: Arc<[Mailbox]>,
}

/// Why nothing can be mailed like this.
#[derive(Debug, thiserror::Error)]
pub enum MailSetupError {
    /// No server can be at that address.
    #[error("server {0}")]
    Server(FetchError),
    /// That is no address of anybody.
    #[error(
        "{key}: `{text}` is not a mail address; write it like `ops@acme.example` or `Portcullis <ops@acme.example>`"
    )]
    Address {
        /// `from` or `to`.
        key: &'static str,
        /// What was written.
        text: String,
    },
    /// Nobody would get it.
    #[error("to: name at least one address")]
    Nobody,
    /// A name without a password, or a password without a name.
    #[error("username and password go together")]
    HalfACredential,
    /// The certificate authorities can not be used.
    #[error(transparent)]
    Authorities(#[from] FetchSetupError),
}

/// One mail.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// Unique, and the same each time that it is sent again.
    pub id: &'a str,
    /// In one line.
    pub subject: &'a str,
    /// Plain text.
    pub text: &'a str,
    /// When it was written.
    pub at: std::time::SystemTime,
}

/// Why a mail was not taken.
#[derive(Debug)]
pub enum MailError {
    /// There is no server, or it does not speak as it has to.
    Away(FetchError),
    /// The server said this, and may say otherwise later.
    Later(String),
    /// The server said this to this very mail.
    Refused(String),
}

/// Who mails are from and to, and who may send them.
#[derive(Clone, Copy, Debug)]
pub struct MailParties<'a> {
    /// The sender.
    pub from: &'a str,
    /// The receivers; each gets it.
    pub to: &'a [String],
    /// Name and password for the server.
    pub credentials: (Option<&'a str>, Option<&'a str>),
}

impl Mailer {
    /// Through `server`: `smtps://host`, or `smtp://host` for `STARTTLS`.
    ///
    /// # Errors
    /// Nothing can be mailed like this.
    pub fn new(server: &str, parties: MailParties<'_>, rules: &FetchRules) -> Result<Self, MailSetupError> {
        let bad = |why| MailSetupError::Server(FetchError::BadUrl(why));
        let server = Url::parse(server).map_err(|_| bad("is not a URL"))?;
        let Some(port) = server.port().or(match server.scheme() {
            "smtps" => Some(465),
            "smtp" => Some(587),
            _ => None,
        }) else {
            return Err(bad("is not smtps://HOST or smtp://HOST"));
        };
        if !matches!(server.scheme(), "smtps" | "smtp") {
            return Err(bad("is not smtps://HOST or smtp://HOST"));
        }
        let host = server.host_str().filter(|host| !host.is_empty()).ok_or_else(|| bad("names no host"))?;
        if !server.username().is_empty() || server.password().is_some() {
            return Err(bad("has a user or a password: write `username` and `password`"));
        }
        if !matches!(server.path(), "" | "/") || server.query().is_some() || server.fragment().is_some() {
            return Err(bad("has more than a host and a port"));
        }
        let is_exempt = is_exempt(&rules.exempt_hosts, host, port);
        let credentials = match parties.credentials {
            (None, None) => None,
            (Some(name), Some(password)) => Some(Credentials::new(name.to_owned(), password.to_owned())),
            _ => return Err(MailSetupError::HalfACredential),
        };
        let mailbox = |key, text: &str| {
            text.parse::<Mailbox>().map_err(|_| MailSetupError::Address { key, text: text.chars().take(80).collect() })
        };
        let to = parties.to.iter().map(|text| mailbox("to", text)).collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err(MailSetupError::Nobody);
        }
        let tls = roots::client_config(rules.extra_ca_pem.as_deref()).map_err(FetchSetupError::ExtraCa)?;
        Ok(Self {
            port,
            is_exempt,
            connector: TlsConnector::from(Arc::new(tls)),
            extra_ca_pem: rules.extra_ca_pem.clone(),
            credentials,
            from: mailbox("from", parties.from)?,
            to: to.into(),
            server,
        })
    }

    /// Sends one mail to everybody, and says what the server answered.
    ///
    /// # Errors
    /// It was not taken; nobody got it, or not everybody: a server may take the same mail for some of them again.
    pub async fn send(&self, mail: Mail<'_>) -> Result<u16, MailError> {
        let message = self.message(mail).map_err(|error| MailError::Refused(error.to_string()))?;
        let sent = async {
            let mut connection = self.open().await?;
            let answer = connection.send(message.envelope(), &message.formatted()).await.map_err(said)?;
            // It was taken; how the connection ends is of no interest.
            let _ = connection.quit().await;
            Ok(answer.code().into())
        };
        timeout(TOTAL, sent).await.unwrap_or(Err(MailError::Away(FetchError::TimedOut)))
    }

    /// Connects and logs in, and sends nothing.
    ///
    /// # Errors
    /// Nothing could be sent.
    pub async fn reach(&self) -> Result<(), MailError> {
        let reached = async {
            let mut connection = self.open().await?;
            let _ = connection.quit().await;
            Ok(())
        };
        timeout(TOTAL, reached).await.unwrap_or(Err(MailError::Away(FetchError::TimedOut)))
    }

    fn message(&self, mail: Mail<'_>) -> Result<Message, lettre::error::Error> {
        let domain = self.from.email.domain();
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(mail.subject)
            .date(mail.at)
            .message_id(Some(format!("<{}@{domain}>", mail.id)))
            .raw_header(lettre::message::header::HeaderValue::new(
                lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(ContentType::TEXT_PLAIN);
        for to in self.to.iter() {
            message = message.to(to.clone());
        }
        message.body(mail.text.to_owned())
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, MailError> {
        let stream = connect_checked(&self.server, self.port, self.is_exempt).await.map_err(MailError::Away)?;
        let host = self.server.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        // Most servers want a name, and this is the one that the operator is sure to own.
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let mut connection = if self.server.scheme() == "smtps" {
            let name = ServerName::try_from(bare).map_err(|_| MailError::Away(FetchError::BadUrl("names no host")))?;
            let secured = self.connector.connect(name, stream).await;
            let secured = secured.map_err(|error| MailError::Away(FetchError::Tls(error.to_string())))?;
            AsyncSmtpConnection::connect_with_transport(Box::new(Secured(secured)), &hello).await.map_err(said)?
        } else {
            let mut plain =
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await.map_err(said)?;
            if plain.can_starttls() {
                let parameters = self.starttls(bare).map_err(said)?;
                plain.starttls(parameters, &hello).await.map_err(said)?;
            } else if !self.is_exempt {
                return Err(MailError::Away(FetchError::Tls("the server offers no STARTTLS".to_owned())));
            }
            plain
        };
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(|error| match said(error) {
                // A password that is refused is refused for every mail.
                MailError::Refused(said) => MailError::Later(format!("the server did not take the password: {said}")),
                other => other,
            })?;
        }
        Ok(connection)
    }

    fn starttls(&self, domain: String) -> Result<TlsParameters, lettre::transport::smtp::Error> {
        let mut parameters = TlsParameters::builder(domain).certificate_store(CertificateStore::WebpkiRoots);
        if let Some(pem) = &self.extra_ca_pem {
            parameters = parameters.add_root_certificate(Certificate::from_pem(pem)?);
        }
        parameters.build_rustls()
    }
}

/// What the server said, or why it said nothing. Neither has what was sent in it.
fn said(error: lettre::transport::smtp::Error) -> MailError {
    let words = error.to_string();
    if error.is_permanent() {
        MailError::Refused(words)
    } else if error.is_transient() {
        MailError::Later(words)
    } else {
        MailError::Away(FetchError::Unreachable(words))
    }
}

/// A stream that was encrypted at once.
struct Secured(TlsStream<TcpStream>);

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secured")
    }
}

impl AsyncTokioStream for Secured {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> task::Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>, bytes: &[u8]) -> task::Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// For everything, from the name to the last answer. Shorter than a lease of the outbox.
const TOTAL: Duration = Duration::from_secs(20);
