//! Bounds of zero: nothing fits under them, so they are refused with what they would mean.

use model::{Span, config::Config};

use super::error::ConfigError;

/// Refuses every bound under which nothing could happen.
pub fn refuse(config: &Config) -> Result<(), ConfigError> {
    let zero = Span::from_seconds(0);
    let (limits, elevation, tokens) = (&config.limits, &config.elevation, &config.tokens);
    let bounds = [
        ("limits.request_bytes", limits.request_bytes == 0, "no request would be read"),
        ("limits.list_bytes", limits.list_bytes == 0, "no list of tools would be answered"),
        ("limits.upstream_timeout", limits.upstream_timeout == zero, "every call would time out"),
        ("limits.list_servers_every", limits.list_servers_every == zero, "servers would be asked without a pause"),
        ("limits.longest_call", limits.longest_call == zero, "every call would be cut"),
        ("limits.connections", limits.connections == 0, "nobody could connect"),
        ("limits.connections_per_address", limits.connections_per_address == Some(0), "nobody could connect"),
        ("limits.per_grant.calls", limits.per_grant.calls == 0, "every call would be answered 429"),
        ("limits.per_grant.bytes", limits.per_grant.bytes == 0, "every call would be answered 429"),
        ("limits.per_grant.streams", limits.per_grant.streams == 0, "every stream would be answered 429"),
        ("limits.store_silence", limits.store_silence == zero, "every node would always be closed"),
        ("elevation.consent_lasts", elevation.consent_lasts == zero, "a medium call could never be made"),
        ("elevation.consent_uses", elevation.consent_uses == 0, "a medium call could never be made"),
        ("elevation.approval_lasts", elevation.approval_lasts == zero, "a high call could never be made"),
        ("elevation.approval_uses", elevation.approval_uses == 0, "a high call could never be made"),
        ("elevation.decide_within", elevation.decide_within == zero, "nobody could decide in time"),
        ("elevation.pending_per_agent", elevation.pending_per_agent == 0, "nobody could ask for a high call"),
        ("tokens.refresh_idle", tokens.refresh_idle == zero, "no refresh token could be used"),
        ("tokens.grant", tokens.grant == zero, "no token could be issued"),
        ("tokens.session", tokens.session == zero, "nobody could stay logged in"),
        ("tokens.flow", tokens.flow == zero, "nobody could log in"),
    ];
    for (name, server) in &config.servers {
        if server.timeout == Some(zero) {
            let why = "is 0: every call of it would time out; write more, or leave it out".into();
            return Err(ConfigError::Sense { path: format!("servers.{name}.timeout"), why });
        }
    }
    match bounds.into_iter().find(|(_, is_zero, _)| *is_zero) {
        None => Ok(()),
        Some((path, _, meaning)) => {
            Err(ConfigError::Sense { path: path.into(), why: format!("is 0: {meaning}; write more, or leave it out") })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<String> {
        let config: Config = serde_saphyr::from_str(&format!("public_url: https://a.test\n{text}")).unwrap();
        refuse(&config).err().map(|error| error.to_string())
    }

    /// Field: H3
    #[test]
    fn a_limit_of_zero_is_refused_with_what_it_would_mean() {
        assert_eq!(refused(""), None);
        for (table, keys) in [
            (
                "limits",
                "request_bytes list_bytes upstream_timeout list_servers_every longest_call connections store_silence",
            ),
            ("limits", "connections_per_address"),
            ("elevation", "consent_lasts consent_uses approval_lasts approval_uses decide_within pending_per_agent"),
            ("tokens", "refresh_idle grant session flow"),
        ] {
            for key in keys.split(' ') {
                let value =
                    if ["_lasts", "timeout", "_every"].iter().any(|word| key.contains(word)) { "0s" } else { "0" };
                let said = refused(&format!("{table}: {{ {key}: {value} }}\n")).unwrap_or_default();
                assert!(said.starts_with(&format!("{table}.{key}: is 0: ")), "{key}: {said}");
            }
        }
        for key in ["calls", "bytes", "streams"] {
            let said = refused(&format!("limits: {{ per_grant: {{ {key}: 0 }} }}\n")).unwrap_or_default();
            assert!(said.starts_with(&format!("limits.per_grant.{key}")), "{said}");
        }
        let server = |timeout: &str| format!("servers: {{ t: {{ url: \"http://h/\", timeout: {timeout} }} }}\n");
        assert!(refused(&server("0s")).unwrap_or_default().starts_with("servers.t.timeout: is 0"));
        assert_eq!(refused(&server("1s")), None);
        assert_eq!(refused("tokens: { refresh_reuse: 0 }\n"), None, "0 turns it off");
    }
}
