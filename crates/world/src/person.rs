//! A person with a browser and a password.

use std::time::Duration;

use url::Url;

use crate::{Browser, Page, Visit};

/// How often somebody looks at a page that waits.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long somebody keeps looking.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody at a browser.
pub struct Person {
    name: &'static str,
    password: String,
    browser: Browser,
}

impl Person {
    pub(crate) fn new(name: &'static str, password: String, home: &str) -> Self {
        Self { name, password, browser: Browser::new(home) }
    }

    /// Opens a page, logging in when asked.
    pub async fn open(&mut self, url: &str) -> Visit {
        let visit = self.browser.open(url).await;
        self.log_in_if_asked(visit).await
    }

    /// Presses a button on a page, logging in when asked.
    ///
    /// # Panics
    /// When the page has no such button.
    pub async fn press(&mut self, page: &Page, label: &str) -> Visit {
        let form = page.form_with(label);
        let form = form.unwrap_or_else(|| panic!("no button `{label}` on {}: {}", page.url, page.text()));
        let visit = self.browser.press(page, &form, label).await;
        self.log_in_if_asked(visit).await
    }

    /// Opens an authorization URL and says yes; the answer for the client.
    pub async fn allow(&mut self, authorize: &str) -> Url {
        let page = self.open(authorize).await.page();
        self.press(&page, "Allow").await.away()
    }

    /// Opens an authorization URL and says yes for one piece of work; the answer for the client.
    ///
    /// # Panics
    /// When there is nothing to allow.
    pub async fn allow_for(&mut self, authorize: &str, purpose: &str) -> Url {
        let page = self.open(authorize).await.page();
        let mut form = page.form_with("Allow").unwrap_or_else(|| panic!("nothing to allow: {}", page.text()));
        form.fill("task_purpose", purpose);
        self.browser.press(&page, &form, "Allow").await.away()
    }

    /// Opens an authorization URL and says no; the answer for the client.
    pub async fn deny(&mut self, authorize: &str) -> Url {
        let page = self.open(authorize).await.page();
        self.press(&page, "Deny").await.away()
    }

    /// Opens an authorization URL that needs somebody else's approval, and asks for it; the page that waits.
    pub async fn ask_for(&mut self, authorize: &str, reason: &str) -> Page {
        let page = self.open(authorize).await.page();
        let mut form = page.form_with("Allow").unwrap_or_else(|| panic!("nothing to allow: {}", page.text()));
        form.fill("reason", reason);
        self.browser.press(&page, &form, "Allow").await.page()
    }

    /// Opens the page of a refused call, and asks for its approval; the page that says so.
    ///
    /// # Panics
    /// When there is nothing to ask for.
    pub async fn ask_at(&mut self, page: &str, reason: &str) -> Page {
        let page = self.open(page).await.page();
        let mut form = page.form_with("Ask").unwrap_or_else(|| panic!("nothing to ask for: {}", page.text()));
        form.fill("reason", reason);
        let visit = self.browser.press(&page, &form, "Ask").await;
        self.log_in_if_asked(visit).await.page()
    }

    /// Approves, in the console, the request that waits for `tool`.
    ///
    /// # Panics
    /// When there is none.
    pub async fn approve(&mut self, tool: &str) -> Page {
        let console = self.open("/console").await.page();
        let link = console.links("/console/approvals/").into_iter().next();
        let link = link.unwrap_or_else(|| panic!("nothing waits for {}: {}", self.name, console.text()));
        let request = self.open(&link).await.page();
        assert!(request.text().contains(tool), "{}", request.text());
        self.press(&request, "Approve").await.page()
    }

    /// Looks at a waiting page until it goes on; the answer for the client.
    ///
    /// # Panics
    /// When it does not go on for a long time, or is no waiting page.
    pub async fn wait(&mut self, mut page: Page) -> Url {
        let started = std::time::Instant::now();
        while started.elapsed() < PATIENCE {
            assert!(page.waits, "not a page that waits: {} {}: {}", page.status, page.url, page.text());
            tokio::time::sleep(LOOK_AGAIN).await;
            match self.browser.open(page.url.as_str()).await {
                Visit::Away(url) => return url,
                Visit::Page(again) => page = again,
            }
        }
        panic!("{} lost patience with {}: {}", self.name, page.url, page.text())
    }

    async fn log_in_if_asked(&mut self, visit: Visit) -> Visit {
        let Visit::Page(page) = visit else { return visit };
        let Some(mut form) = page.login_form() else { return Visit::Page(page) };
        let password = form.password.clone().unwrap_or_default();
        form.fill("name", self.name);
        form.fill(&password, &self.password);
        let label = form.buttons[0].0.clone();
        self.browser.press(&page, &form, &label).await
    }
}
