//! A browser: cookies, forms, and what comes back.

use axum::{Router, body::Body};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use portcullis_console::Console;
use tower::ServiceExt;
use web::Csrf;

use crate::support::Installation;

pub struct Browser {
    pub router: Router,
    /// The value of the session cookie; empty before a login.
    pub cookie: String,
}

pub struct Page {
    pub status: StatusCode,
    pub location: String,
    pub html: String,
}

impl Installation {
    /// A browser in which `name` has just logged in.
    pub async fn browser(&self, name: &str) -> Browser {
        let cookie = self.log_in(name).await;
        Browser { cookie, ..self.stranger() }
    }

    /// A browser in which nobody logged in.
    pub fn stranger(&self) -> Browser {
        let console = Console::new(self.config.clone(), self.store.clone(), self.policies.clone());
        Browser { router: console.router(), cookie: String::new() }
    }
}

impl Browser {
    pub async fn get(&self, path: &str) -> Page {
        self.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    /// Posts a form as one of our own pages would.
    pub async fn post(&self, path: &str, form: &str) -> Page {
        self.post_from(path, &format!("csrf={}&{form}", self.csrf()), Some("https://gw.test")).await
    }

    /// Posts exactly this body, with this `Origin`.
    pub async fn post_from(&self, path: &str, body: &str, origin: Option<&str>) -> Page {
        let mut request = self.request("POST", path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub fn csrf(&self) -> String {
        Csrf::of_cookie(&self.cookie).text()
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path);
        match self.cookie.as_str() {
            "" => request,
            value => request.header(header::COOKIE, format!("__Host-portcullis_session={value}")),
        }
    }

    async fn send(&self, request: Request<Body>) -> Page {
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let location = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let html = String::from_utf8_lossy(&body).into_owned();
        Page { status, location: location.unwrap_or_default(), html }
    }
}
