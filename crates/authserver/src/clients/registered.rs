//! Clients that the configuration names: registered ones and autonomous agents.

use std::collections::BTreeMap;

use crypto::{KeyError, PublicKeys};
use model::{
    Assurance, AuthMethod, Client, ClientId, GrantType, Id, Server,
    config::{Config, RegisteredClient},
};

use super::resolved::Resolved;

/// Why the configuration's clients make no sense.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A key can not be read.
    #[error("the public_key of `{client}` can not be used: {why}")]
    Key {
        /// Whose.
        client: String,
        /// What is wrong with it.
        why: KeyError,
    },
    /// The keys of an identity provider can not be read.
    #[error("trusted_idps.{idp}.jwks can not be used: {why}")]
    ProviderKeys {
        /// Whose.
        idp: String,
        /// What is wrong with them.
        why: KeyError,
    },
    /// `private_key_jwt` without a key.
    #[error("client `{0}` authenticates by private_key_jwt; give it a `public_key`")]
    NoKey(ClientId),
    /// A secret method without a secret, or secrets are off.
    #[error("client `{0}` authenticates by a secret; set `clients.allow_client_secrets` and its `secret`")]
    NoSecret(ClientId),
    /// A redirect that no code may be sent to.
    #[error("client `{client}`: `{uri}` is no redirect; use https, or http on 127.0.0.1, [::1] or localhost")]
    Redirect {
        /// Whose.
        client: ClientId,
        /// Which.
        uri: String,
    },
    /// No redirect at all.
    #[error("client `{0}` has no redirect_uris")]
    NoRedirect(ClientId),
    /// Pinned to a server that does not exist, or declared for one.
    #[error("`{client}` names the server `{server}`, which is not in `servers`")]
    NoServer {
        /// Whose.
        client: String,
        /// Which.
        server: Id<Server>,
    },
    /// A registered id that could be taken for a metadata document, or is taken already.
    #[error("client id `{0}` is not free: it is an agent's name or begins with https://")]
    Taken(ClientId),
}

/// The table.
pub(crate) struct RegisteredClients(BTreeMap<ClientId, Resolved>);

impl RegisteredClients {
    pub(crate) fn find(&self, id: &ClientId) -> Option<Resolved> {
        self.0.get(id).cloned()
    }

    /// From the configuration, or what is wrong with it.
    pub(crate) fn of(config: &Config) -> Result<Self, SetupError> {
        let mut table = BTreeMap::new();
        for (id, declared) in &config.agents {
            let key_error = |why| SetupError::Key { client: id.to_string(), why };
            let keys = PublicKeys::parse(&declared.public_key).map_err(key_error)?;
            check_servers(config, id.as_str(), declared.servers.iter())?;
            // INVARIANT: an agent's name is visible ASCII, so it is a client_id.
            let Ok(client_id) = id.as_str().parse::<ClientId>() else { continue };
            let client = Client {
                id: client_id.clone(),
                name: declared.title.clone().unwrap_or_else(|| id.to_string()),
                redirect_uris: Vec::new(),
                auth: AuthMethod::PrivateKeyJwt,
                grant_types: vec![GrantType::ClientCredentials],
                jwks: None,
                server: None,
                assurance: Assurance::Proven,
                dpop_bound_access_tokens: declared.dpop_bound_access_tokens,
            };
            table.insert(client_id, Resolved { client, keys: Some(keys), secret: None, declared: Some(id.clone()) });
        }
        for (id, registered) in &config.clients.registered {
            let resolved = registered_client(config, id, registered)?;
            if id.is_metadata_url() || table.insert(id.clone(), resolved).is_some() {
                return Err(SetupError::Taken(id.clone()));
            }
        }
        Ok(Self(table))
    }
}

fn registered_client(config: &Config, id: &ClientId, registered: &RegisteredClient) -> Result<Resolved, SetupError> {
    if registered.redirect_uris.is_empty() {
        return Err(SetupError::NoRedirect(id.clone()));
    }
    if let Some(uri) = registered.redirect_uris.iter().find(|uri| !oauth::redirect::is_acceptable(uri)) {
        return Err(SetupError::Redirect { client: id.clone(), uri: uri.clone() });
    }
    check_servers(config, id.as_str(), registered.server.iter())?;
    let key_error = |why| SetupError::Key { client: id.to_string(), why };
    let keys = registered.public_key.as_ref().map(PublicKeys::parse).transpose().map_err(key_error)?;
    match registered.auth {
        AuthMethod::None => {}
        AuthMethod::PrivateKeyJwt if keys.is_none() => return Err(SetupError::NoKey(id.clone())),
        AuthMethod::PrivateKeyJwt => {}
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => {
            if registered.secret.is_none() || !config.clients.allow_client_secrets {
                return Err(SetupError::NoSecret(id.clone()));
            }
        }
    }
    let client = Client {
        id: id.clone(),
        name: model::shown(&registered.name, 64),
        redirect_uris: registered.redirect_uris.clone(),
        auth: registered.auth,
        grant_types: [GrantType::AuthorizationCode, GrantType::RefreshToken]
            .into_iter()
            .chain((registered.auth != AuthMethod::None).then_some(GrantType::JwtBearer))
            .collect(),
        jwks: None,
        server: registered.server.as_ref().map(ToString::to_string),
        assurance: Assurance::of_client(registered.auth, &registered.redirect_uris),
        dpop_bound_access_tokens: registered.dpop_bound_access_tokens,
    };
    Ok(Resolved { client, keys, secret: registered.secret.clone(), declared: None })
}

fn check_servers<'a>(
    config: &Config,
    client: &str,
    mut named: impl Iterator<Item = &'a Id<Server>>,
) -> Result<(), SetupError> {
    match named.find(|server| !config.servers.contains_key(*server)) {
        Some(server) => Err(SetupError::NoServer { client: client.to_owned(), server: server.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn table(client: Value) -> Result<RegisteredClients, SetupError> {
        let config = json!({
            "public_url": "https://gw.test", "servers": {"tickets": {"url": "http://127.0.0.1:1/mcp"}},
            "clients": {"registered": {"desk": client}},
        });
        RegisteredClients::of(&serde_json::from_value(config).unwrap())
    }

    #[test]
    fn assurance_is_the_weakest_way_to_pose_as_the_client() {
        let assurance_of = |uris: &[&str], auth: &str| {
            let key = crypto::AgentKey::generate().public_jwk();
            let client = json!({"name": "Desk", "redirect_uris": uris, "auth": auth, "public_key": key});
            table(client).ok().unwrap().find(&"desk".parse().unwrap()).unwrap().client.assurance
        };
        assert_eq!(assurance_of(&["https://desk.test/cb"], "none"), Assurance::Published);
        assert_eq!(assurance_of(&["https://desk.test/cb", "http://localhost/cb"], "none"), Assurance::Declared);
        assert_eq!(assurance_of(&["http://localhost/cb"], "private_key_jwt"), Assurance::Proven);
    }

    #[test]
    fn a_client_that_could_never_work_is_refused_at_the_start() {
        let with = |change: Value| {
            let mut client = json!({"name": "Desk", "redirect_uris": ["https://desk.test/cb"]});
            client.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            table(client).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(with(json!({})), "");
        assert!(with(json!({"redirect_uris": []})).contains("no redirect_uris"));
        assert!(with(json!({"redirect_uris": ["http://desk.test/cb"]})).contains("no redirect;"));
        assert!(with(json!({"auth": "private_key_jwt"})).contains("public_key"));
        assert!(with(json!({"public_key": {"kty": "oct", "k": "c2VjcmV0"}})).contains("can not be used"));
        assert!(with(json!({"auth": "client_secret_basic", "secret": "s"})).contains("allow_client_secrets"));
        assert!(with(json!({"server": "nothing"})).contains("not in `servers`"));
    }
}
