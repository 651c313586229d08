//! The names this installation answers to: one answer for every path.
//!
//! A page on the internet that points its own name at this machine (DNS rebinding) must find nobody home. It can not
//! forge `Host`, so that is held against a list, always.
//!
//! Spec: RFC 9110 §4.2.3 (a default port is the same as none), RFC 9112 §3.2; MCP basic/transports (security warning).

use std::collections::HashSet;

use crate::config::Config;

/// The names of one installation.
#[derive(Clone, Debug)]
pub struct Hosts {
    names: HashSet<String>,
    /// The port that the scheme of the public URL implies, as it is written behind a name.
    implied: &'static str,
}

/// The request is for somebody else, or it is not clear for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this host name is not served here")]
pub struct UnknownHost;

impl Hosts {
    /// The public URL's, those configured, the address that is listened on, and on this computer its usual names.
    pub fn of(config: &Config) -> Self {
        let implied = if config.public_url.is_https() { ":443" } else { ":80" };
        let mut hosts = Self { names: HashSet::new(), implied };
        hosts.add(config.public_url.authority());
        hosts.add(&config.listen.to_string());
        config.extra_hosts.iter().for_each(|host| hosts.add(host));
        let (ip, port) = (config.listen.ip(), config.listen.port());
        if ip.is_loopback() || ip.is_unspecified() {
            ["localhost", "127.0.0.1", "[::1]"].iter().for_each(|name| hosts.add(&format!("{name}:{port}")));
        }
        hosts
    }

    /// Is the request for us? `target` is the authority in its target (HTTP/2, absolute form), `fields` are its `Host`
    /// fields; one that is no text is `None`. What is named twice has to be one name.
    pub fn know<'r>(
        &self,
        target: Option<&'r str>,
        fields: impl IntoIterator<Item = Option<&'r str>>,
    ) -> Result<(), UnknownHost> {
        let mut fields = fields.into_iter();
        let field = fields.next().map(|field| field.ok_or(UnknownHost)).transpose()?;
        if fields.next().is_some() {
            return Err(UnknownHost);
        }
        let named = match (target.map(|host| self.plain(host)), field.map(|host| self.plain(host))) {
            (Some(target), Some(field)) if target != field => return Err(UnknownHost),
            (target, field) => target.or(field).ok_or(UnknownHost)?,
        };
        if self.names.contains(&named) { Ok(()) } else { Err(UnknownHost) }
    }

    fn add(&mut self, host: &str) {
        self.names.insert(self.plain(host));
    }

    fn plain(&self, host: &str) -> String {
        let host = host.to_ascii_lowercase();
        host.strip_suffix(self.implied).map_or_else(|| host.clone(), str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(config: &str) -> Hosts {
        Hosts::of(&serde_json::from_str(config).unwrap())
    }

    const HTTPS: &str =
        r#"{"public_url":"https://gw.test","listen":"127.0.0.1:8420","extra_hosts":["probe.internal"]}"#;

    /// Field: P8
    #[test]
    fn the_names_of_the_configuration_are_ours_with_and_without_the_port_of_the_scheme() {
        let names = [
            "gw.test",
            "GW.test",
            "gw.test:443",
            "localhost:8420",
            "127.0.0.1:8420",
            "[::1]:8420",
            "probe.internal",
            "probe.internal:443",
        ];
        for host in names {
            assert_eq!(hosts(HTTPS).know(None, [Some(host)]), Ok(()), "{host}");
            assert_eq!(hosts(HTTPS).know(Some(host), []), Ok(()), "{host}, as HTTP/2 says it");
        }
        assert_eq!(hosts(HTTPS).know(Some("gw.test"), [Some("gw.test:443")]), Ok(()));
        let plain = hosts(r#"{"public_url":"http://localhost:8080","listen":"0.0.0.0:8080"}"#);
        for (host, ours) in
            [("localhost:8080", true), ("127.0.0.1:8080", true), ("localhost", false), ("localhost:80", false)]
        {
            assert_eq!(plain.know(None, [Some(host)]).is_ok(), ours, "{host}");
        }
        let usual = hosts(r#"{"public_url":"http://localhost","listen":"10.0.0.1:80"}"#);
        assert_eq!(usual.know(None, [Some("localhost:80")]), Ok(()));
    }

    /// A rebound name reaches a server that does not look at `Host` (CVE-2025-66414, CVE-2026-42559).
    ///
    /// Spec: MCP basic/transports (DNS rebinding)
    /// Field: P8
    #[test]
    fn dns_rebinding_finds_nobody_home() {
        for host in [
            "evil.test",
            "gw.test.evil.test",
            "localhost",
            "localhost:1",
            "gw.test:8443",
            "gw.test:80",
            "gw.test:4430",
            "127.0.0.1",
            "gw.test:443:443",
            "",
            ":443",
            "gw.test@evil.test",
            "gw.test ",
            "gw.test,evil.test",
        ] {
            assert_eq!(hosts(HTTPS).know(None, [Some(host)]), Err(UnknownHost), "{host}");
            assert_eq!(hosts(HTTPS).know(Some(host), [Some("gw.test")]), Err(UnknownHost), "{host} beside ours");
            assert_eq!(hosts(HTTPS).know(Some("gw.test"), [Some(host)]), Err(UnknownHost), "ours beside {host}");
        }
        let two_of_ours = hosts(HTTPS).know(Some("gw.test"), [Some("probe.internal")]);
        assert_eq!(two_of_ours, Err(UnknownHost), "for whom is it?");
        assert_eq!(hosts(HTTPS).know(None, []), Err(UnknownHost), "no host at all");
        assert_eq!(hosts(HTTPS).know(None, [None]), Err(UnknownHost), "no text");
        assert_eq!(hosts(HTTPS).know(None, [Some("gw.test"), Some("gw.test")]), Err(UnknownHost), "said twice");
    }
}
