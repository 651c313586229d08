//! An identity assertion of the enterprise (ID-JAG) for a token: its identity provider has decided that this client may act for
//! this person on this server, so nobody is asked here, and nothing can be had that policy here does not give.
//!
//! What stands for it is the baseline, as after a person's consent; everything above is an elevation with a yes of its own. No
//! refresh token comes with it: whoever wants the next token shows the next assertion, so that what is switched off at the
//! provider is switched off here within the life of an access token.
//!
//! Spec: RFC 7523 §2.1; draft-ietf-oauth-identity-assertion-authz-grant §4.4; MCP extension enterprise-managed-authorization §5.
//! Differs: clients that authenticate alone, `resource` is needed (docs/divergences.md).

use std::sync::Arc;

use crypto::{
    IdJag, IdJagError,
    id_jag::{self, IdJagFor},
    mint,
};
use model::{Agent, GrantType, Id, Person, ScopeSet, Server};
use oauth::{Form, TokenResponse, resource as uris};
use privilege::{agent, grant};
use store::{Commit, Tx};

use crate::{
    client_auth::Authenticated,
    context::Context,
    error::TokenError,
    issue::{self, Issued, Order, Renewal, Word},
    liveness, newcomer,
    resource::{self, ResourceError},
    scopes::{self, Proving, ScopeRefusal},
    sender_constraint,
    trust::Provider,
};

/// Redeems the assertion in `form`.
pub(super) async fn redeem(
    cx: Arc<Context>,
    client: Arc<Authenticated>,
    form: Form,
) -> Result<TokenResponse, TokenError> {
    // A name that anybody can claim proves nothing about who holds the assertion.
    if !client.has_proved_itself() || client.client.declared.is_some() {
        return Err(TokenError::GrantNotForClient);
    }
    let said = said(&cx, &client, form.require("assertion")?).await?;
    sender_constraint::holds(said.jag.key.as_ref(), client.key())?;
    let server = server(&cx, &form, &said.jag)?;
    let scopes = asked(&form, &said.jag, &server)?;
    let person = cx.store.person(&said.person).await?.ok_or(TokenError::UnknownSubject)?;
    let known = cx.store.agent_of(&client.client.client.id, &person.id).await?;
    let agent = match known {
        Some(known) => known,
        None => newcomer::of(&cx, &client.client.client, &person).await?,
    };
    let request = Request { client, said, server, scopes, person, agent };
    let inner = cx.clone();
    let issued = cx.store.write(move |tx| Box::pin(async move { in_transaction(&inner, tx, request).await })).await?;
    issued.sign(&cx)
}

struct Request {
    client: Arc<Authenticated>,
    said: Said,
    server: Id<Server>,
    scopes: ScopeSet,
    person: Person,
    agent: Agent,
}

/// What a provider said, and about whom.
struct Said {
    jag: IdJag,
    provider: String,
    issuer: String,
    person: Id<Person>,
}

async fn in_transaction(cx: &Context, tx: &mut Tx<'_>, request: Request) -> Result<Commit<Box<Issued>>, TokenError> {
    let Request { client, said, server, scopes, person, agent } = request;
    let tx = &mut client.begin(tx).await?;
    let (now, id) = (tx.now(), &client.client.client.id);
    let key = format!("{} {}", said.issuer, said.jag.jti);
    if !tx.use_once("id_jag", &key, said.jag.expires_at, now).await? {
        return Err(TokenError::IdJagReplayed);
    }
    let mut events = Vec::new();
    // Somebody else may have been first.
    let agent = tx.agent_of(id, &person.id).await?.unwrap_or(agent);
    events.extend(agent::register(tx, &agent, model::Actor::Client(id.clone())).await?);
    liveness::is_alive(tx, &liveness::acting(&agent, id, None, &server), now).await??;
    let possible = scopes::plan(cx, &agent, &server, &scopes, Proving::Now(client.key()))?;
    let actor = model::Actor::Agent(agent.id.clone());
    let (grant, made) =
        grant::find_or_make(tx, (&agent, Some(&person.id)), &server, cx.config.tokens.grant, actor).await?;
    events.extend(made);
    let order = Order {
        resource: cx.config.public_url.resource(&server),
        client: id.clone(),
        asked: possible.into_iter().map(|(scope, _)| scope).collect(),
        agent,
        baseline: grant.scopes.iter().filter(|scope| scopes.covers(scope)).cloned().collect(),
        grant,
        // Each token on its own: the next one takes the next assertion.
        installation: mint(),
        grant_type: GrantType::JwtBearer,
        lasts: cx.config.tokens.access,
        at_latest: None,
        renewal: Renewal::No,
        task: None,
        word: Some(Word { provider: said.provider, assertion: said.jag.jti }),
    };
    let (event, issued) = issue::issue(cx, tx, order).await?;
    events.push(event);
    Ok(events.into_iter().fold(Commit::nothing(Box::new(issued)), Commit::and))
}

/// The assertion, once a provider that is trusted has made it for this client.
async fn said(cx: &Context, client: &Authenticated, assertion: &str) -> Result<Said, TokenError> {
    let issuer = id_jag::claimed_provider(assertion)?;
    // What this installation says of people as a provider is for others.
    let ours = issuer == cx.issuer() || issuer == format!("{}/idp", cx.issuer());
    let mut refused = TokenError::UnknownProvider;
    for provider in Provider::of_issuer(&cx.config, &issuer).filter(|_| !ours) {
        let jag = match verified(cx, client, assertion, provider).await {
            Ok(jag) => jag,
            Err(error) => {
                refused = error;
                continue;
            }
        };
        if !provider.trusts_tenant(jag.tenant.as_deref()) {
            refused = TokenError::OtherTenant;
            continue;
        }
        let person = provider.person(&cx.config, &jag.subject).ok_or(TokenError::UnknownSubject)?.clone();
        let provider = provider.name.to_owned();
        return Ok(Said { jag, provider, issuer: issuer.clone(), person });
    }
    Err(refused)
}

async fn verified(
    cx: &Context,
    client: &Authenticated,
    assertion: &str,
    provider: Provider<'_>,
) -> Result<IdJag, TokenError> {
    let mut anew = false;
    loop {
        let keys = provider.keys(cx, anew).await.map_err(TokenError::ProviderKeys)?;
        let wanted = IdJagFor {
            provider: provider.issuer(),
            keys: &keys,
            issuer: cx.issuer(),
            client: &client.client.client.id,
        };
        match id_jag::verify(assertion, &wanted, cx.store.now()) {
            Err(IdJagError::UnknownKey | IdJagError::Signature) if !anew => anew = true,
            verified => return Ok(verified?),
        }
    }
}

/// The server for which the provider said it, which the request may repeat.
///
/// Spec: draft-ietf-oauth-identity-assertion-authz-grant §4.4.1 (`resource`), RFC 8707 §2.2
fn server(cx: &Context, form: &Form, jag: &IdJag) -> Result<Id<Server>, TokenError> {
    let Some(resource) = &jag.resource else {
        // Without a word of the provider, the request has to say it; nothing is guessed.
        return match form.value("resource") {
            Some(_) => Ok(resource::asked(&cx.config, form, None)?),
            None => Err(ResourceError::Missing.into()),
        };
    };
    resource::repeats(&cx.config, form, resource)?;
    let named = cx.config.servers.keys().find(|id| uris::matches(&cx.config.public_url.resource(id), resource));
    named.cloned().ok_or(TokenError::OtherResource)
}

/// What is asked for, as far as the provider allows it; all of that, when nothing is asked for.
///
/// Spec: MCP extension enterprise-managed-authorization §7.2.1
fn asked(form: &Form, jag: &IdJag, server: &Id<Server>) -> Result<ScopeSet, TokenError> {
    let asked = scopes::parse(form.value("scope"), server)?;
    let Some(scope) = &jag.scope else { return Ok(asked.or_baseline(server)) };
    let allowed = scopes::parse(Some(scope), server)?.scopes;
    let asked = if asked.scopes.is_empty() { allowed.clone() } else { asked.scopes };
    let both: ScopeSet = asked.iter().filter(|scope| allowed.covers(scope)).cloned().collect();
    if both.is_empty() { Err(ScopeRefusal::NotAsserted(asked).into()) } else { Ok(both) }
}
