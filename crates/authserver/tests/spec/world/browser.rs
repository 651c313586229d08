//! A browser of a person, without JavaScript.

use std::collections::BTreeMap;
use store::privilege::PrivilegeTx;

use axum::body::Body;
use http::{Request, StatusCode, header};

use crypto::Opaque;
use model::Span;

use super::{ISSUER, PASSWORD, Reply, World, done, encode, post};

impl World {
    /// A browser in which somebody is logged in.
    pub async fn signed_in(&self, name: &str) -> Browser<'_> {
        let mut browser = self.browser();
        assert_eq!(browser.log_in(name, PASSWORD, "/me").await.location(), "/me");
        browser
    }

    /// A link that lets a person choose a password, for ten minutes: its ticket.
    pub async fn offer_enrolment(&self, name: &str) -> Opaque {
        let (ticket, person) = (Opaque::mint("enr"), name.parse().unwrap());
        let (digest, end) = (ticket.digest(), self.store.now().after(Span::from_minutes(10)));
        self.change(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).offer_enrolment(&person, digest, end).await?;
                done()
            })
        })
        .await;
        ticket
    }
}

/// A browser: it keeps cookies and says where it posts from.
pub struct Browser<'a> {
    world: &'a World,
    cookies: BTreeMap<String, String>,
    /// Cookies that it was given by others; ours do not replace them.
    beside: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    /// Without a cookie.
    pub(super) fn of(world: &'a World) -> Self {
        Self { world, cookies: BTreeMap::new(), beside: Vec::new() }
    }
    pub async fn get(&mut self, path: &str) -> Reply {
        let request = Request::get(path).header(header::COOKIE, self.cookie_line()).body(Body::empty()).unwrap();
        self.keep(self.world.send(request).await)
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let request = self.posting(path, fields);
        self.keep(self.world.send(request).await)
    }

    /// The request that [`Self::post`] sends.
    pub fn posting(&self, path: &str, fields: &[(&str, &str)]) -> Request<Body> {
        let request = post(path)
            .header(header::COOKIE, self.cookie_line())
            .header(header::ORIGIN, ISSUER)
            .header("sec-fetch-site", "same-origin");
        request.body(Body::from(encode(fields))).unwrap()
    }

    /// Loses a cookie, as when its time is over.
    pub fn forget(&mut self, cookie: &str) {
        self.cookies.remove(&cookie_name(cookie));
    }

    /// Comes with a cookie of its own making.
    pub fn bring(&mut self, cookie: &str, value: &str) {
        self.cookies.insert(cookie_name(cookie), value.to_owned());
    }

    /// A neighbour on the host set a cookie of that name, for another path.
    pub fn beside(&mut self, cookie: &str, value: &str) {
        self.beside.push((cookie_name(cookie), value.to_owned()));
    }

    pub fn cookie(&self, cookie: &str) -> &str {
        &self.cookies[&cookie_name(cookie)]
    }

    fn cookie_line(&self) -> String {
        let theirs = self.beside.iter().map(|(name, value)| (name, value));
        let all = theirs.chain(&self.cookies).map(|(name, value)| format!("{name}={value}"));
        all.collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, reply: Reply) -> Reply {
        for line in reply.headers.get_all(header::SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match value {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        reply
    }

    pub async fn log_in(&mut self, name: &str, password: &str, next: &str) -> Reply {
        let page = self.get(&format!("/login?{}", encode(&[("next", next)]))).await;
        if page.status != StatusCode::OK {
            return page;
        }
        let (csrf, next) = (page.field("csrf"), page.field("next"));
        self.post("/login", &[("csrf", &csrf), ("next", &next), ("name", name), ("password", password)]).await
    }

    /// The consent page of a link, after logging in as ada.
    pub async fn consent_page(&mut self, link: &str) -> Reply {
        self.log_in("ada", PASSWORD, "/me").await;
        let page = self.get(link).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.location());
        page
    }

    pub async fn answer(&mut self, page: &Reply, decision: &str, reason: &str) -> Reply {
        let (csrf, ticket) = (page.field("csrf"), page.field("ticket"));
        let fields = [("csrf", csrf.as_str()), ("ticket", &ticket), ("decision", decision), ("reason", reason)];
        self.post("/oauth/consent", &fields).await
    }

    /// The code that ada's consent gives.
    pub async fn code(&mut self, link: &str) -> String {
        let page = self.consent_page(link).await;
        let back = self.answer(&page, "allow", "").await;
        back.parameter("code")
    }
}

fn cookie_name(cookie: &str) -> String {
    format!("__Host-portcullis_{cookie}")
}
