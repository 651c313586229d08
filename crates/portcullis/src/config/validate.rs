//! Values that are each fine but do not go together, and values that deserve a loud word.

use std::net::SocketAddr;

use model::{
    AuthMethod,
    config::{Config, named_group},
    server::is_server_name,
};

use super::{error::ConfigError, needs::Needs, notice::Notice, zero};

/// Without `listen`, a `public_url` on this computer says where: nobody would find the product elsewhere.
pub fn listen_where_clients_look(config: &mut Config) {
    if let Some(address) = on_this_computer(config) {
        config.listen = address;
    }
}

/// The address at which clients look, when `public_url` names this computer and a port.
fn on_this_computer(config: &Config) -> Option<SocketAddr> {
    if config.public_url.is_https() {
        return None;
    }
    let (host, port) = config.public_url.authority().rsplit_once(':')?;
    let host = if host == "localhost" { "127.0.0.1" } else { host };
    format!("{host}:{port}").parse().ok()
}

/// Gives the rules that have a tier for each environment the one of this one.
pub fn settle_tiers(config: &mut Config) -> Result<(), ConfigError> {
    let environment = config.environment.as_deref();
    for (name, server) in &mut config.servers {
        for (table, rules) in [("tools", &mut server.tools), ("prompts", &mut server.prompts)] {
            rules
                .settle(environment)
                .map_err(|why| ConfigError::Sense { path: format!("servers.{name}.{table}"), why: why.to_string() })?;
        }
    }
    Ok(())
}

/// Whose word counts, and about whom.
fn trusted_idps(config: &Config) -> Result<(), ConfigError> {
    let wrong = |path: String, why: &str| Err(ConfigError::Sense { path, why: why.to_owned() });
    let ours = config.public_url.as_str();
    for (name, idp) in &config.trusted_idps {
        let at = |key: &str| format!("trusted_idps.{name}.{key}");
        if !is_server_name(name) {
            return wrong(
                format!("trusted_idps.{name}"),
                "a name is 1 to 64 of a-z 0-9 _ - and begins with a letter or digit",
            );
        }
        if idp.issuer == ours || idp.issuer == format!("{ours}/idp") {
            return wrong(at("issuer"), "is this installation itself, which never honours its own word about people");
        }
        if !idp.issuer.starts_with("https://") && !model::loopback::is_loopback_url(&idp.issuer) {
            return wrong(at("issuer"), "is not https");
        }
        if idp.jwks.is_some() == idp.jwks_uri.is_some() {
            return wrong(
                at("jwks_uri"),
                "say where its keys are: either `jwks_uri`, or the keys themselves in `jwks`",
            );
        }
        if idp.tenant.as_ref().is_some_and(String::is_empty) {
            return wrong(at("tenant"), "is empty");
        }
        let same = |(other, it): (&String, &model::config::TrustedIdp)| {
            other < name && it.issuer == idp.issuer && it.tenant == idp.tenant
        };
        if config.trusted_idps.iter().any(same) {
            return wrong(
                at("issuer"),
                "is there twice; only different tenants of one issuer are trusted by themselves",
            );
        }
    }
    let mut known = std::collections::BTreeMap::new();
    for (person, declared) in &config.people {
        for (idp, subject) in &declared.identities {
            let path = format!("people.{person}.identities.{idp}");
            if !config.trusted_idps.contains_key(idp) {
                return wrong(path, "is not in `trusted_idps`");
            }
            if subject.is_empty() || subject.len() > 256 {
                return wrong(path, "is not the subject of anybody: 1 to 256 bytes");
            }
            if let Some(other) = known.insert((idp, subject), person) {
                return wrong(path, &format!("is `{other}` already"));
            }
        }
    }
    let only = config.servers.iter().find(|(_, server)| server.enterprise_only);
    match only.filter(|_| config.trusted_idps.is_empty()) {
        Some((server, _)) => wrong(
            format!("servers.{server}.enterprise_only"),
            "leaves nobody a way in: there is no identity provider in `trusted_idps`",
        ),
        None => Ok(()),
    }
}

/// Refuses what can not work.
pub fn check(config: &Config, needs: Needs) -> Result<(), ConfigError> {
    let wrong = |path: String, why: String| Err(ConfigError::Sense { path, why });
    for name in config.servers.keys() {
        if !is_server_name(name.as_str()) {
            return wrong(
                format!("servers.{name}"),
                "a server's name is 1 to 64 of a-z 0-9 _ - and begins with a letter or digit".into(),
            );
        }
    }
    for (name, server) in &config.servers {
        for header in server.headers.keys() {
            let path = format!("servers.{name}.headers.{header}");
            if !header.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') || header.is_empty() {
                return wrong(path, "is not a header name".into());
            }
            if ["host", "content-length", "transfer-encoding", "connection"]
                .contains(&header.to_ascii_lowercase().as_str())
            {
                return wrong(path, "is set by the gateway itself".into());
            }
        }
    }
    for (name, server) in &config.servers {
        let longest = config.limits.longest_call;
        if let Some(timeout) = server.timeout.filter(|timeout| *timeout > longest) {
            let why = format!(
                "is {timeout}, and no call may take longer than {longest} (`limits.longest_call`): lower it, or raise that"
            );
            return wrong(format!("servers.{name}.timeout"), why);
        }
    }
    for (name, server) in &config.servers {
        for (table, entries) in [
            ("any_arguments", server.any_arguments.iter().collect::<Vec<_>>()),
            ("approvals", server.approvals.names().collect()),
        ] {
            let unknown =
                entries.into_iter().find(|entry| named_group(entry).is_some_and(|group| !server.groups.has(group)));
            if let Some(entry) = unknown {
                let all: Vec<_> = server.groups.iter().map(|(group, _)| format!("`group/{group}`")).collect();
                let all = if all.is_empty() { "it has none".to_owned() } else { format!("it has {}", all.join(", ")) };
                let why = format!("`{}` names no group of `servers.{name}.groups`: {all}", entry.as_str());
                return wrong(format!("servers.{name}.{table}"), why);
            }
        }
    }
    for (name, person) in &config.people {
        if person.password.is_some() && person.password_hash.is_some() {
            return wrong(format!("people.{name}"), "has both password and password_hash; keep one".into());
        }
        let hash = person.password_hash.as_ref().filter(|_| needs == Needs::Everything);
        if hash.is_some_and(|hash| !crypto::is_phc(hash.expose())) {
            return wrong(
                format!("people.{name}.password_hash"),
                "is not an Argon2id hash in PHC form ($argon2id$v=19$…)".into(),
            );
        }
    }
    let webhooks = config.notify.webhooks.iter().map(|(name, it)| ("webhooks", name, &it.servers));
    for (kind, name, servers) in webhooks.chain(config.notify.mail.iter().map(|(name, it)| ("mail", name, &it.servers)))
    {
        if let Some(server) = servers.iter().flatten().find(|server| !config.servers.contains_key(*server)) {
            return wrong(format!("notify.{kind}.{name}.servers"), format!("`{server}` is not in `servers`"));
        }
    }
    trusted_idps(config)?;
    for (name, agent) in &config.agents {
        if agent.purpose.trim().is_empty() {
            return wrong(format!("agents.{name}.purpose"), "is empty; say why the agent exists".into());
        }
        if let Some(server) = agent.servers.iter().find(|server| !config.servers.contains_key(server)) {
            return wrong(format!("agents.{name}.servers"), format!("`{server}` is not in `servers`"));
        }
        if let Err(error) = crypto::PublicKeys::parse(&agent.public_key) {
            return wrong(format!("agents.{name}.public_key"), error.to_string());
        }
    }
    if let Some(witness) = &config.audit.witness {
        if !witness.url.starts_with("https://") && !witness.url.starts_with("http://") {
            return wrong("audit.witness.url".into(), "is neither https nor http".into());
        }
        if let Err(error) = audit::Cosigner::parse(&witness.key) {
            return wrong("audit.witness.key".into(), error.to_string());
        }
    }
    registered_clients(config)?;
    zero::refuse(config)
}

fn registered_clients(config: &Config) -> Result<(), ConfigError> {
    for (id, client) in &config.clients.registered {
        let wrong = |key: &str, why: &str| {
            Err(ConfigError::Sense { path: format!("clients.registered.{id}{key}"), why: why.to_owned() })
        };
        if id.is_metadata_url() {
            return wrong("", "a registered id must not begin with https://; that is a metadata document");
        }
        if client.redirect_uris.is_empty() {
            return wrong(".redirect_uris", "is empty; codes could be sent nowhere");
        }
        if let Some(uri) = client.redirect_uris.iter().find(|uri| !oauth::redirect::is_acceptable(uri)) {
            return wrong(".redirect_uris", &format!("`{uri}` is neither https nor http on this computer"));
        }
        if client.server.as_ref().is_some_and(|server| !config.servers.contains_key(server)) {
            return wrong(".server", "is not in `servers`");
        }
        match client.auth {
            AuthMethod::None => {}
            AuthMethod::PrivateKeyJwt => match &client.public_key {
                None => return wrong(".public_key", "is missing; private_key_jwt needs one"),
                Some(key) => {
                    if let Err(error) = crypto::PublicKeys::parse(key) {
                        return wrong(".public_key", &error.to_string());
                    }
                }
            },
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => {
                if !config.clients.allow_client_secrets {
                    return wrong(
                        ".auth",
                        "client secrets are off; set clients.allow_client_secrets, or use private_key_jwt",
                    );
                }
                if client.secret.is_none() {
                    return wrong(".secret", "is missing");
                }
            }
        }
    }
    Ok(())
}

/// What deserves a loud word although it works.
pub fn notices(config: &Config) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut say = |path: &str, what: String| notices.push(Notice { path: path.to_owned(), what });
    if let Some(looked) = on_this_computer(config).filter(|looked| looked.port() != config.listen.port()) {
        let what = format!("is {}, but clients look at {looked}, because public_url says so", config.listen);
        say("listen", what);
    }
    match (&config.tls, config.public_url.is_https()) {
        (Some(_), false) => {
            say("tls", "is configured, but public_url is plain http: nobody will speak TLS to it".into())
        }
        (Some(_), true) => {
            let looked = config.public_url.authority().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            let (looked, listens): (u16, u16) = (looked.unwrap_or(443), config.listen.port());
            if looked != listens {
                let what =
                    format!("is port {listens}, but public_url says {looked}; right only if something maps them");
                say("listen", what);
            }
        }
        (None, true) => say("tls", "is left out, and public_url is https: something in front has to speak TLS".into()),
        (None, false) => {}
    }
    let clients = &config.clients;
    if let Some(file) = &clients.extra_ca_file {
        say(
            "clients.extra_ca_file",
            format!("metadata documents are also trusted under {}; meant for tests", file.display()),
        );
    }
    if !clients.exempt_hosts.is_empty() {
        say(
            "clients.exempt_hosts",
            format!("the address guard is off for {}; meant for tests", clients.exempt_hosts.join(", ")),
        );
    }
    if clients.metadata_domains.iter().any(|domain| domain == "*") {
        say(
            "clients.metadata_domains",
            "any client on the internet may ask people for access; list the hosts you trust".into(),
        );
    }
    if !clients.accept_documents() && clients.registered.is_empty() && !config.servers.is_empty() {
        say(
            "clients",
            "nobody may ask people for access; name clients in `known`, list metadata_domains or register a client"
                .into(),
        );
    }
    for known in clients.known.iter().filter(|known| known.facts().signs_for_token_endpoint) {
        let what = format!("{known} signs for the token endpoint; from this one client that is accepted as well");
        say("clients.known", what);
    }
    if !config.notify.exempt_hosts.is_empty() {
        let hosts = config.notify.exempt_hosts.join(", ");
        say(
            "notify.exempt_hosts",
            format!("the address guard is off for {hosts}, and they are spoken to in plain, too"),
        );
    }
    if clients.allow_client_secrets {
        say("clients.allow_client_secrets", "client secrets are accepted; private_key_jwt is the safer way".into());
    }
    if !config.public_url.is_https() {
        say("public_url", "is plain http; fine on one computer, never across a network".into());
    }
    notices
}
