//! One page: what the caller's template says, between our header and footer.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use model::{Person, Role, Span};

use crate::{
    assets::STYLESHEET_LINK,
    csrf::Csrf,
    headers::{FormTargets, harden},
    incident::Incident,
};

/// What the page belongs to; marked in the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Nothing in the navigation.
    #[default]
    Elsewhere,
    /// The overview of the console, and the approvals.
    Overview,
    /// Agents.
    Agents,
    /// Grants.
    Grants,
    /// Tasks.
    Tasks,
    /// Exceptions from policies.
    Exceptions,
    /// Servers and their rules.
    Servers,
    /// People.
    People,
    /// The audit log.
    Audit,
    /// The kill switch.
    KillSwitch,
    /// A person's own page.
    Me,
    /// A person's own account.
    Account,
}

/// Somebody who is signed in, as far as a page has to know.
pub trait Visitor {
    /// Who.
    fn person(&self) -> &Person;
    /// The token for the forms that they are shown.
    fn csrf(&self) -> &Csrf;
}

/// A page in the making.
#[must_use]
pub struct Page<'a> {
    title: &'a str,
    content: askama::Result<String>,
    visitor: Option<(&'a Person, &'a Csrf)>,
    status: StatusCode,
    targets: FormTargets,
    place: Place,
    again: Option<Span>,
}

impl<'a> Page<'a> {
    /// `content` is a template whose values are escaped by askama; `title` is plain text.
    pub fn new(title: &'a str, content: &impl Template) -> Self {
        Self {
            title,
            content: content.render(),
            visitor: None,
            status: StatusCode::OK,
            targets: FormTargets::Us,
            place: Place::Elsewhere,
            again: None,
        }
    }

    /// For this person: their name, navigation and a log-out button in the header.
    pub fn of(mut self, visitor: &'a impl Visitor) -> Self {
        self.visitor = Some((visitor.person(), visitor.csrf()));
        self
    }

    /// With another status than 200.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Where its forms may lead.
    pub fn forms_lead(mut self, targets: FormTargets) -> Self {
        self.targets = targets;
        self
    }

    /// The entry of the navigation that is marked.
    pub fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// The browser loads it again every `span`: for pages that wait, since there is no script.
    pub fn again_every(mut self, span: Span) -> Self {
        self.again = Some(span);
        self
    }
}

#[derive(Template)]
#[template(path = "layout.html")]
struct Layout<'a> {
    stylesheet: &'static str,
    title: &'a str,
    content: &'a str,
    name: Option<&'a str>,
    csrf: String,
    decides: bool,
    reads: bool,
    administers: bool,
    place: Place,
}

impl IntoResponse for Page<'_> {
    fn into_response(self) -> Response {
        let content = match self.content {
            Ok(content) => content,
            Err(error) => return failed(&error),
        };
        let person = self.visitor.map(|(person, _)| person);
        let layout = Layout {
            stylesheet: STYLESHEET_LINK.as_str(),
            title: self.title,
            content: &content,
            name: person.map(|person| person.display_name.as_str()),
            csrf: self.visitor.map(|(_, csrf)| csrf.text()).unwrap_or_default(),
            decides: person.is_some_and(|person| person.holds(Role::Auditor) || person.holds(Role::Approver)),
            reads: person.is_some_and(|person| person.holds(Role::Auditor)),
            administers: person.is_some_and(|person| person.holds(Role::Admin)),
            place: self.place,
        };
        let html = match layout.render() {
            Ok(html) => html,
            Err(error) => return failed(&error),
        };
        let mut response = Response::new(html.into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        harden(headers, self.targets);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        if let Some(again) = self.again {
            headers.insert(header::REFRESH, HeaderValue::from(again.seconds()));
        }
        response
    }
}

/// The template itself failed, so there is no page that could say so.
fn failed(error: &askama::Error) -> Response {
    let incident = Incident::mint();
    tracing::error!(event = "page_failed", incident = %incident, error = %error, "a page could not be shown");
    (StatusCode::INTERNAL_SERVER_ERROR, format!("This page could not be made. Incident {incident}.\n")).into_response()
}
