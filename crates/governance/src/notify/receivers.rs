//! The receivers, with their secrets, and one message sent to one of them.

use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

use crypto::{WebhookKey, WebhookKeyError};
use model::{
    Timestamp,
    config::{MailConfig, NotifyConfig, WebhookConfig},
};
use net::{FetchError, FetchRules, FetchSetupError, Mail, MailError, MailParties, MailSetupError, Mailer, Poster};

use super::mail_text::MailText;

/// Everybody who can be told, by name.
pub struct Receivers {
    poster: Poster,
    all: BTreeMap<String, Receiver>,
}

enum Receiver {
    Webhook(Webhook),
    Mail(Box<Mailer>),
}

struct Webhook {
    url: String,
    /// The secret, and the one before, while a receiver is moved from one to the other.
    keys: Vec<WebhookKey>,
}

/// Why a receiver can not be used.
#[derive(Debug, thiserror::Error)]
pub enum BadReceiver {
    /// Its name is none.
    #[error("{0}.{1}: a name is 1 to 64 of a-z 0-9 _ -")]
    Name(&'static str, String),
    /// Two have one name.
    #[error("notify.mail.{0}: there is a webhook of that name: what waits is kept by name")]
    Twice(String),
    /// Nothing can be mailed like that.
    #[error("notify.mail.{name}: {why}")]
    Mail {
        /// Which.
        name: String,
        /// What is wrong with it.
        why: MailSetupError,
    },
    /// Nothing can be sent there.
    #[error("notify.webhooks.{name}.url {why}{hint}", hint = hint(.why))]
    Url {
        /// Which.
        name: String,
        /// What is wrong with it.
        why: FetchError,
    },
    /// Its secret is none.
    #[error("notify.webhooks.{name}.{key} {why}")]
    Secret {
        /// Which.
        name: String,
        /// `secret` or `previous_secret`.
        key: &'static str,
        /// What is wrong with it.
        why: WebhookKeyError,
    },
    /// The certificate authorities can not be used.
    #[error("notify.extra_ca_file: {0}")]
    Authorities(#[from] FetchSetupError),
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was taken.
    Taken(u16),
    /// The receiver wants no more, ever.
    Gone,
    /// It was not taken.
    Failed {
        /// What came back, in words without an address.
        said: String,
        /// There is no receiver at the moment, for any message.
        away: bool,
        /// For how many seconds it wants to be left alone.
        retry_after: Option<u64>,
    },
}

impl Receivers {
    /// From the configuration. `extra_ca_pem` is what `extra_ca_file` holds.
    pub fn of(config: &NotifyConfig, extra_ca_pem: Option<Vec<u8>>) -> Result<Self, BadReceiver> {
        let rules = FetchRules { extra_ca_pem, exempt_hosts: config.exempt_hosts.clone() };
        let mut all = BTreeMap::new();
        for (place, name) in config.names() {
            check_name(place, name)?;
        }
        for (name, mail) in &config.mail {
            all.insert(name.clone(), Receiver::Mail(Box::new(mailer(name, mail, &rules)?)));
        }
        let poster = Poster::new(rules)?;
        for (name, webhook) in &config.webhooks {
            let receiver = Receiver::Webhook(Webhook::of(&poster, name, webhook)?);
            if all.insert(name.clone(), receiver).is_some() {
                return Err(BadReceiver::Twice(name.clone()));
            }
        }
        Ok(Self { poster, all })
    }

    /// Sends one message, once, at `now`; `None` when nobody has that name.
    ///
    /// Spec: Standard Webhooks (headers; several signatures; responses)
    pub async fn send(&self, name: &str, (id, body): (&str, &str), now: Timestamp) -> Option<Answer> {
        Some(match self.all.get(name)? {
            Receiver::Webhook(webhook) => self.post(webhook, (id, body), now).await,
            Receiver::Mail(mailer) => mail(mailer, (id, body), now).await,
        })
    }

    async fn post(&self, webhook: &Webhook, (id, body): (&str, &str), now: Timestamp) -> Answer {
        let seconds = now.seconds();
        let signatures: Vec<String> = webhook.keys.iter().map(|key| key.sign(id, seconds, body)).collect();
        let headers = [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", signatures.join(" ")),
        ];
        match self.poster.post(&webhook.url, &headers, body.to_owned()).await {
            Ok(posted) => answer(posted.status, posted.retry_after),
            Err(error) => Answer::Failed { said: said(&error), away: true, retry_after: None },
        }
    }

    /// Connects, logs in where that is needed, and sends nothing; `None` when nobody has that name.
    pub async fn reach(&self, name: &str) -> Option<Result<(), String>> {
        Some(match self.all.get(name)? {
            Receiver::Webhook(webhook) => self.poster.reach(&webhook.url).await.map_err(|error| said(&error)),
            Receiver::Mail(mailer) => mailer.reach().await.map_err(|error| not_mailed(error).0),
        })
    }

    /// Everybody's name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }
}

fn check_name(place: &'static str, name: &str) -> Result<(), BadReceiver> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err(BadReceiver::Name(place, name.chars().filter(|c| plain(*c)).take(64).collect()));
    }
    Ok(())
}

fn mailer(name: &str, mail: &MailConfig, rules: &FetchRules) -> Result<Mailer, BadReceiver> {
    let parties = MailParties {
        from: &mail.from,
        to: &mail.to,
        credentials: (mail.username.as_deref(), mail.password.as_ref().map(model::Secret::expose)),
    };
    Mailer::new(&mail.server, parties, rules).map_err(|why| BadReceiver::Mail { name: name.to_owned(), why })
}

async fn mail(mailer: &Mailer, (id, body): (&str, &str), now: Timestamp) -> Answer {
    let MailText { subject, text } = MailText::of(id, body);
    let at = UNIX_EPOCH + Duration::from_micros(u64::try_from(now.micros()).unwrap_or_default());
    match mailer.send(Mail { id, subject: &subject, text: &text, at }).await {
        Ok(code) => Answer::Taken(code),
        Err(error) => {
            let (said, away) = not_mailed(error);
            Answer::Failed { said, away, retry_after: None }
        }
    }
}

/// For the operator: why, and whether that is so for every mail.
fn not_mailed(error: MailError) -> (String, bool) {
    let short = |said: String| said.chars().filter(|c| !c.is_control()).take(LONGEST_SAID).collect::<String>();
    match error {
        MailError::Away(error) => (said(&error), true),
        MailError::Later(said) => (short(said), true),
        MailError::Refused(said) => (short(said), false),
    }
}

impl Webhook {
    fn of(poster: &Poster, name: &str, webhook: &WebhookConfig) -> Result<Self, BadReceiver> {
        let url = webhook.url.expose().to_owned();
        poster.judge(&url).map_err(|why| BadReceiver::Url { name: name.to_owned(), why })?;
        let secrets = [("secret", Some(&webhook.secret)), ("previous_secret", webhook.previous_secret.as_ref())];
        let keys = secrets.into_iter().filter_map(|(key, secret)| {
            let parsed = WebhookKey::parse(secret?.expose());
            Some(parsed.map_err(|why| BadReceiver::Secret { name: name.to_owned(), key, why }))
        });
        Ok(Self { url, keys: keys.collect::<Result<_, _>>()? })
    }
}

/// What a status means. A receiver that is busy or broken is left alone with everything; one that does not want this message
/// may want the next.
fn answer(status: u16, retry_after: Option<u64>) -> Answer {
    match status {
        200..300 => Answer::Taken(status),
        410 => Answer::Gone,
        _ => {
            let redirected = (300..400).contains(&status);
            let hint = if redirected { ", which is not followed: give the final address" } else { "" };
            let away = redirected || status >= 500 || matches!(status, 408 | 429) || retry_after.is_some();
            Answer::Failed { said: format!("status {status}{hint}"), away, retry_after }
        }
    }
}

/// For the operator, who named the address: why, and never where.
fn said(error: &FetchError) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.cause()).chars().take(LONGEST_SAID).collect(),
        None => format!("{}: {error}{}", error.cause(), hint(error)),
    }
}

/// How to send to an address of one's own network.
fn hint(error: &FetchError) -> &'static str {
    match error {
        FetchError::NotPublic => "; it is a private or loopback address: name its host in notify.exempt_hosts",
        FetchError::BadUrl("is not https") => "; plain http only to hosts in notify.exempt_hosts",
        _ => "",
    }
}

const LONGEST_SAID: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn receivers(webhook: &str) -> Result<Receivers, String> {
        let config = serde_json::from_str(&format!("{{\"webhooks\":{{{webhook}}}}}")).unwrap();
        net::install_crypto_provider();
        Receivers::of(&config, None).map_err(|error| error.to_string())
    }

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// Field: W6
    #[test]
    fn what_can_not_be_used_is_named_and_neither_address_nor_secret_is_repeated() {
        let with = |name: &str, url: &str, secret: &str| {
            receivers(&format!("\"{name}\":{{\"url\":\"{url}\",\"secret\":\"{secret}\"}}")).err().unwrap_or_default()
        };
        assert_eq!(with("ops", "https://h.example/hook?key=hunter2", SECRET), "");
        for (url, expected) in [
            ("http://h.example/hunter2", "is not https"),
            ("https://u:hunter2@h.example/", "a user, a password"),
            ("hunter2", "is not a URL"),
            ("ftp://h.example/hunter2", "is not https"),
        ] {
            let said = with("ops", url, SECRET);
            assert!(said.starts_with("notify.webhooks.ops.url") && said.contains(expected), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
        let said = with("ops", "https://h.example/", "hunter2");
        assert!(said.starts_with("notify.webhooks.ops.secret") && !said.contains("hunter2"), "{said}");
        assert!(with("Ops\\u000d\\u000a", "https://h.example/", SECRET).contains("a name is"));
    }

    /// Spec: Standard Webhooks (responses)
    #[test]
    fn only_two_hundreds_are_a_success_and_only_410_is_for_ever() {
        assert_eq!(answer(200, None), Answer::Taken(200));
        assert_eq!(answer(204, None), Answer::Taken(204));
        assert_eq!(answer(410, None), Answer::Gone);
        for (status, is_away) in [(100, false), (302, true), (400, false), (404, false), (429, true), (500, true)] {
            let Answer::Failed { away, .. } = answer(status, None) else { panic!("{status} is a failure") };
            assert_eq!(away, is_away, "{status}");
        }
    }
}
