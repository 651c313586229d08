//! The authorization request, read strictly and in two steps.
//!
//! First whom it is from and where an answer may go: what is wrong with that is shown to the person, never sent
//! anywhere. Then everything else: what is wrong with that goes back to the client.
//!
//! Spec: RFC 6749 §4.1.1 and §4.1.2.1, RFC 7636 §4.3, RFC 8707 §2, RFC 9449 §10, RFC 9700 §4.1 and §4.11.

use model::{ClientId, Id, Person, ScopeSet, Server, Thumbprint};
use oauth::{
    Challenge, Form, FormError, redirect,
    task_details::{self, TaskDetails},
};
use web::BadPage;

use crate::{
    clients::{ClientRefusal, Resolved},
    context::Context,
    error::{AuthorizeError, PageError},
    resource, scopes,
};

/// Where an answer goes. The redirect has been verified.
#[derive(Clone, Debug)]
pub(super) struct RedirectTarget {
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
}

/// The client is known and the redirect is its own.
pub(super) struct IdentifiedRequest {
    pub(super) client: Resolved,
    pub(super) back: RedirectTarget,
}

/// Everything the request asks for makes sense. Whether it may be had is another matter.
pub(super) struct AuthorizeRequest {
    pub(super) client: Resolved,
    pub(super) back: RedirectTarget,
    pub(super) challenge: String,
    pub(super) server: Id<Server>,
    pub(super) resource: String,
    pub(super) scopes: ScopeSet,
    /// The task that it is to belong to. Spec: RFC 9396 §3
    pub(super) task: Option<TaskDetails>,
    /// The key without which the code is to be worth nothing. Spec: RFC 9449 §10
    pub(super) key: Option<Thumbprint>,
}

/// The parameters. One that is there twice is an error, `resource` has a rule of its own.
///
/// Spec: RFC 6749 §3.1
pub(super) fn parse(query: &str) -> Result<Form, PageError> {
    Ok(Form::parse_allowing(query.as_bytes(), &["resource"])?)
}

/// Whom the request of `person` is from, and where an answer goes.
///
/// Spec: RFC 6749 §4.1.2.1 ("MUST NOT automatically redirect the user agent to the invalid redirection URI")
pub(super) async fn addressed(cx: &Context, form: &Form, person: &Person) -> Result<IdentifiedRequest, PageError> {
    let (id, back) = claimed(form)?;
    let client = cx.client_at_authorize(&id, &person.id).await.map_err(|refusal| match refusal {
        ClientRefusal::Store(error) => PageError::Store(error),
        other => PageError::Client(other),
    })?;
    if let Some(addressed) = verified(&client, &back) {
        return Ok(addressed);
    }
    // What the person is shown helps nobody to repair it; these two side by side do.
    let registered: Vec<String> = client.client.redirect_uris.iter().take(8).map(|uri| legible(uri)).collect();
    let (client, asked, registered) = (&client.client.id, legible(&back.redirect_uri), registered.join(" "));
    tracing::info!(event = "redirect_refused", %client, asked, registered, "only the port of a loopback address may differ");
    Err(PageError::Redirect)
}

/// A redirect for the log: not longer than a line may be, and without a name and password in it.
fn legible(uri: &str) -> String {
    let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    let shown = if host > 0 { format!("{scheme}://…@{}", &rest[host..]) } else { uri.to_owned() };
    shown.chars().take(256).collect()
}

/// The same for a client of the configuration, without a fetch and without a record.
pub(super) fn addressed_by_registered(cx: &Context, form: &Form) -> Option<IdentifiedRequest> {
    let (id, back) = claimed(form).ok()?;
    verified(&cx.registered.find(&id)?, &back)
}

/// What the request says; nothing about it is known to be true.
fn claimed(form: &Form) -> Result<(ClientId, RedirectTarget), PageError> {
    let id: ClientId = form
        .require("client_id")?
        .parse()
        .map_err(|why| BadPage::Wrong(format!("The client_id is not one: {why}.")))?;
    let redirect_uri = form.value("redirect_uri").ok_or(PageError::Redirect)?.to_owned();
    let state = form.value("state").map(str::to_owned);
    if redirect_uri.len() > LONGEST || state.as_ref().is_some_and(|state| state.len() > LONGEST) {
        return Err(BadPage::TooLong.into());
    }
    Ok((id, RedirectTarget { redirect_uri, state }))
}

fn verified(client: &Resolved, back: &RedirectTarget) -> Option<IdentifiedRequest> {
    let mut registered = client.client.redirect_uris.iter();
    let its_own = registered.any(|uri| redirect::matches(uri, &back.redirect_uri));
    its_own.then(|| IdentifiedRequest { client: client.clone(), back: back.clone() })
}

/// `prompt=none`: the client wants an answer without any page.
pub(super) fn must_stay_silent(form: &Form) -> bool {
    form.value("prompt").is_some_and(|prompt| prompt.split(' ').any(|word| word == "none"))
}

/// The rest of the request, or what is wrong with it.
pub(super) fn wanted(
    cx: &Context,
    addressed: &IdentifiedRequest,
    form: &Form,
) -> Result<AuthorizeRequest, AuthorizeError> {
    let IdentifiedRequest { client, back } = addressed;
    let (challenge, server, scopes) = details(cx, client, form)?;
    let resource = cx.config.public_url.resource(&server);
    let task = form.value("authorization_details").map(task_details::parse).transpose()?;
    let key = form.value("dpop_jkt").map(str::parse).transpose()?;
    Ok(AuthorizeRequest { client: client.clone(), back: back.clone(), challenge, server, resource, scopes, task, key })
}

fn details(cx: &Context, client: &Resolved, form: &Form) -> Result<(String, Id<Server>, ScopeSet), AuthorizeError> {
    if form.value("request").is_some() {
        return Err(AuthorizeError::RequestObject);
    }
    if form.value("request_uri").is_some() {
        return Err(AuthorizeError::RequestUri);
    }
    if form.require("response_type")? != "code" {
        return Err(AuthorizeError::ResponseType);
    }
    if form.value("response_mode").is_some_and(|mode| mode != "query") {
        return Err(AuthorizeError::ResponseMode);
    }
    // `plain` is also what a missing method would mean (RFC 7636 §4.3).
    let challenge = form.value("code_challenge").ok_or_else(|| FormError::Missing("code_challenge".into()))?;
    let method = form.value("code_challenge_method").unwrap_or("plain");
    let challenge = Challenge::parse(challenge, method)?.as_str().to_owned();
    let server = resource::asked(&cx.config, form, client.client.server.as_deref())?;
    let scopes = scopes::parse(form.value("scope"), &server)?.or_baseline(&server);
    Ok((challenge, server, scopes))
}

/// Longest redirect or state, in bytes.
const LONGEST: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: H11
    #[test]
    fn a_redirect_in_the_log_has_no_name_and_password_in_it() {
        assert_eq!(legible("https://bot.test/cb?x=1"), "https://bot.test/cb?x=1");
        assert_eq!(legible("https://ada:secret@bot.test/a@b"), "https://…@bot.test/a@b");
        assert_eq!(legible("https://ada:se@cret@bot.test"), "https://…@bot.test");
        assert_eq!(legible(&"x".repeat(2000)).len(), 256);
    }
}
