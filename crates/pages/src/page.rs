//! One page: what the caller's template says, between our header and footer.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use model::{Role, Span};

use crate::{FormTargets, SignedIn, assets::STYLESHEET_LINK, fault, harden};

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

/// A page in the making.
#[must_use]
pub struct Page<'a> {
    title: &'a str,
    content: askama::Result<String>,
    signed_in: Option<&'a SignedIn>,
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
            signed_in: None,
            status: StatusCode::OK,
            targets: FormTargets::Us,
            place: Place::Elsewhere,
            again: None,
        }
    }

    /// For this person: their name, navigation and a log-out button in the header.
    pub fn of(mut self, signed_in: &'a SignedIn) -> Self {
        self.signed_in = Some(signed_in);
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

/// A plain page with status 200.
pub fn page(title: &str, signed_in: Option<&SignedIn>, content: &impl Template) -> Response {
    let mut page = Page::new(title, content);
    page.signed_in = signed_in;
    page.into_response()
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
            Err(error) => return fault("page_failed", &error),
        };
        let person = self.signed_in.map(|signed_in| &signed_in.person);
        let layout = Layout {
            stylesheet: STYLESHEET_LINK.as_str(),
            title: self.title,
            content: &content,
            name: person.map(|person| person.display_name.as_str()),
            csrf: self.signed_in.map(|signed_in| signed_in.csrf.text()).unwrap_or_default(),
            decides: person.is_some_and(|person| person.holds(Role::Auditor) || person.holds(Role::Approver)),
            reads: person.is_some_and(|person| person.holds(Role::Auditor)),
            administers: person.is_some_and(|person| person.holds(Role::Admin)),
            place: self.place,
        };
        let html = match layout.render() {
            Ok(html) => html,
            Err(error) => return fault("page_failed", &error),
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
