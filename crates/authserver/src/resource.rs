//! The `resource` parameter: which server a token is for.
//!
//! Spec: RFC 8707 §2.
//! Differs: one resource per request; none only where there is nothing to guess (docs/divergences.md).

use model::{Id, Server, config::Config};
use oauth::{Form, resource};

/// The server that the request names, or the only one it can mean.
///
/// `pinned` is the server of the client's registration. Spec: RFC 8707 §2.
pub(crate) fn asked(config: &Config, form: &Form, pinned: Option<&str>) -> Result<Id<Server>, ResourceError> {
    let mut named = form.all("resource");
    let first = named.next();
    if named.next().is_some() {
        return Err(ResourceError::Several);
    }
    // Some clients send the origin of what they were told. It names no server, so it says as much as nothing.
    let server = match (first.filter(|uri| !is_the_origin(config, uri)), pinned) {
        (Some(uri), _) => find(config, uri).ok_or(ResourceError::Unknown)?,
        (None, Some(pinned)) => {
            config.servers.keys().find(|server| server.as_str() == pinned).ok_or(ResourceError::Unknown)?
        }
        (None, None) => {
            let mut all = config.servers.keys();
            match (all.next(), all.next()) {
                (Some(only), None) => only,
                _ => return Err(ResourceError::Missing),
            }
        }
    };
    match pinned {
        Some(pinned) if pinned != server.as_str() => Err(ResourceError::Pinned),
        _ => Ok(server.clone()),
    }
}

/// Does the request, if it names a resource, name `issued_for`? At the token endpoint it may only repeat itself.
pub(crate) fn repeats(config: &Config, form: &Form, issued_for: &str) -> Result<(), ResourceError> {
    let mut named = form.all("resource");
    match (named.next(), named.next()) {
        (None, _) => Ok(()),
        (Some(_), Some(_)) => Err(ResourceError::Several),
        (Some(uri), None) if resource::matches(issued_for, uri) || is_the_origin(config, uri) => Ok(()),
        (Some(_), None) => Err(ResourceError::Other),
    }
}

fn is_the_origin(config: &Config, uri: &str) -> bool {
    resource::matches(config.public_url.as_str(), uri)
}

fn find<'a>(config: &'a Config, uri: &str) -> Option<&'a Id<Server>> {
    config.servers.keys().find(|server| resource::matches(&config.public_url.resource(server), uri))
}

/// Why a `resource` is not one a token can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResourceError {
    #[error("name one resource per request: a token is good for one server")]
    Several,
    #[error("`resource` is no server here; use the MCP endpoint's URL, as its resource metadata says")]
    Unknown,
    #[error("`resource` is missing; send the MCP endpoint's URL")]
    Missing,
    #[error("this client is registered for another server")]
    Pinned,
    #[error("`resource` differs from what was authorized")]
    Other,
    #[error("this agent is not declared for that server")]
    NotDeclared,
}
