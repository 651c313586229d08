//! A browser without JavaScript: cookies, redirects, and the headers real ones send.

use std::collections::BTreeMap;

use reqwest::{
    Client, Response,
    header::{LOCATION, SET_COOKIE},
};
use url::Url;

use crate::{Form, Page};

/// Redirects followed for one click.
const REDIRECTS: usize = 10;

/// One browser profile. It stays on one origin; what leads away is returned, not followed.
pub struct Browser {
    client: Client,
    home: Url,
    cookies: BTreeMap<String, String>,
}

/// Where a click led.
#[derive(Debug)]
pub enum Visit {
    /// To a page of the product.
    Page(Page),
    /// Back to the client: its redirect URI with an answer in the query.
    Away(Url),
}

impl Visit {
    /// The page.
    ///
    /// # Panics
    /// When the browser was sent away instead.
    pub fn page(self) -> Page {
        match self {
            Self::Page(page) => page,
            Self::Away(url) => panic!("expected a page, was sent to {url}"),
        }
    }

    /// The answer for the client.
    ///
    /// # Panics
    /// When there is still a page to answer.
    pub fn away(self) -> Url {
        match self {
            Self::Away(url) => url,
            Self::Page(page) => {
                panic!("expected to be sent back to the client, but {} {} says: {}", page.status, page.url, page.text())
            }
        }
    }
}

impl Browser {
    /// A fresh profile for the product at `home`.
    ///
    /// # Panics
    /// When the platform has no HTTP client to offer.
    pub fn new(home: &str) -> Self {
        net::install_crypto_provider();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        let home = Url::parse(home).expect("the product's URL is a URL");
        Self { client: client.expect("an HTTP client"), home, cookies: BTreeMap::new() }
    }

    /// Opens an address, as from a link in another program.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn open(&mut self, url: &str) -> Visit {
        let url = self.home.join(url).expect("a URL");
        self.fetch(url, "cross-site").await
    }

    /// Presses the button of `form` that begins with `label`.
    ///
    /// # Panics
    /// When nobody answers, or there is no such button.
    pub async fn press(&mut self, page: &Page, form: &Form, label: &str) -> Visit {
        let mut url = page.url.join(&form.action).expect("a form action");
        let fields = form.pressed(label);
        if form.method == "get" {
            url.query_pairs_mut().clear().extend_pairs(&fields);
            return self.fetch(url, "same-origin").await;
        }
        // Fetch §3.2: a page that sends no referrer has the opaque origin in its form posts.
        let origin = if page.no_referrer { "null".to_owned() } else { self.home.origin().ascii_serialization() };
        let request = self.client.post(url.clone()).header("origin", origin).form(&fields);
        let response = self.send(request, "same-origin").await;
        self.land(url, response, "same-origin").await
    }

    async fn fetch(&mut self, url: Url, site: &str) -> Visit {
        let response = self.send(self.client.get(url.clone()), site).await;
        self.land(url, response, site).await
    }

    async fn land(&mut self, mut url: Url, mut response: Response, site: &str) -> Visit {
        for _ in 0..REDIRECTS {
            let Some(next) = response.headers().get(LOCATION).filter(|_| response.status().is_redirection()) else {
                return Visit::Page(read(url, response).await);
            };
            url = url.join(next.to_str().expect("an ASCII Location")).expect("a URL in Location");
            if url.origin() != self.home.origin() {
                return Visit::Away(url);
            }
            response = self.send(self.client.get(url.clone()), site).await;
        }
        panic!("more than {REDIRECTS} redirects, the last to {url}")
    }

    async fn send(&mut self, request: reqwest::RequestBuilder, site: &str) -> Response {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("sec-fetch-site", site)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document");
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let response = request.send().await.expect("an answer from the product");
        for cookie in response.headers().get_all(SET_COOKIE) {
            self.keep(cookie.to_str().expect("an ASCII cookie"));
        }
        response
    }

    fn keep(&mut self, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a cookie has a name");
        let gone = parts.any(|part| part.eq_ignore_ascii_case("max-age=0"));
        match gone || value.is_empty() {
            true => self.cookies.remove(name),
            false => self.cookies.insert(name.to_owned(), value.to_owned()),
        };
    }
}

async fn read(url: Url, response: Response) -> Page {
    let status = response.status().as_u16();
    let no_referrer = response.headers().get("referrer-policy").is_some_and(|policy| policy == "no-referrer");
    let waits = response.headers().contains_key("refresh");
    let html = response.text().await.expect("a whole page");
    Page { url, status, html, no_referrer, waits }
}
