//! Pages as a browser gets them.
#![allow(clippy::unwrap_used)]

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use model::{Person, Role, Span};
use portcullis_web::{Csrf, FormTargets, Page, Place, Visitor, problem};
use tower::ServiceExt;

#[derive(Template)]
#[template(source = "<p>{{ text }}</p>", ext = "html")]
struct Saying<'a> {
    text: &'a str,
}

async fn html(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Somebody who is signed in.
struct SignedIn {
    person: Person,
    csrf: Csrf,
}

impl Visitor for SignedIn {
    fn person(&self) -> &Person {
        &self.person
    }

    fn csrf(&self) -> &Csrf {
        &self.csrf
    }
}

fn signed_in(roles: &[Role]) -> SignedIn {
    let person = Person {
        id: "ada".parse().unwrap(),
        display_name: "Ada <Lovelace>".into(),
        roles: roles.iter().copied().collect(),
        disabled: false,
    };
    SignedIn { person, csrf: Csrf::of_cookie("cookie") }
}

/// Spec: RFC 9700 §4.16
#[tokio::test]
async fn every_page_refuses_frames_scripts_caches_and_referrers() {
    let answers = [
        Page::new("Hello", &Saying { text: "x" }).into_response(),
        problem(StatusCode::FORBIDDEN, "No", "Because.", "Ask.", None),
        portcullis_web::see_other("/me"),
    ];
    for response in answers {
        let headers = response.headers();
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    }
}

/// Field: P11
#[tokio::test]
async fn a_form_that_ends_at_a_client_is_not_held_back_by_the_policy() {
    let response = Page::new("Consent", &Saying { text: "x" }).forms_lead(FormTargets::Onward).into_response();
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(!policy.contains("form-action") && policy.contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn what_others_wrote_is_text_and_not_markup() {
    let person = signed_in(&[]);
    let text = "<script>alert(1)</script>\"'><img src=x>";
    let html = html(Page::new("<b>", &Saying { text }).of(&person).into_response()).await;
    assert!(!html.contains("<script") && !html.contains("<img src=x") && !html.contains("<b>"), "{html}");
    assert!(!html.contains("<Lovelace>"), "{html}");
}

#[tokio::test]
async fn the_navigation_shows_only_what_the_person_may_open() {
    let plain = html(Page::new("x", &Saying { text: "" }).of(&signed_in(&[])).into_response()).await;
    assert!(plain.contains("/me") && !plain.contains("/console") && plain.contains("/logout"));
    let auditor = html(Page::new("x", &Saying { text: "" }).of(&signed_in(&[Role::Auditor])).into_response()).await;
    assert!(auditor.contains("/console/audit") && !auditor.contains("kill-switch"));
    let admin = signed_in(&[Role::Admin]);
    let admin = html(Page::new("x", &Saying { text: "" }).of(&admin).at(Place::KillSwitch).into_response()).await;
    assert!(admin.contains(r#"href="/console/kill-switch" aria-current="page""#));
    let nobody = html(Page::new("x", &Saying { text: "" }).into_response()).await;
    assert!(!nobody.contains("/logout") && !nobody.contains("/console"));
}

#[tokio::test]
async fn a_page_that_waits_loads_again_by_itself() {
    let response = Page::new("Waiting", &Saying { text: "" }).again_every(Span::from_seconds(3)).into_response();
    assert_eq!(response.headers()[header::REFRESH], "3");
}

#[tokio::test]
async fn a_fault_shows_its_number_and_not_its_text() {
    let error = std::io::Error::other("secret path /var/x");
    let response = portcullis_web::fault("store_failed", &error);
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let html = html(response).await;
    assert!(html.contains("Incident") && !html.contains("/var/x"), "{html}");
}

#[tokio::test]
async fn the_style_sheet_is_served_and_nothing_else_is() {
    let get = |path: &str| {
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        portcullis_web::assets::<()>().oneshot(request)
    };
    let sheet = get(portcullis_web::STYLESHEET_PATH).await.unwrap();
    assert_eq!(sheet.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
    assert!(html(sheet).await.contains("prefers-color-scheme: dark"));
    assert_eq!(get("/assets/../Cargo.toml").await.unwrap().status(), StatusCode::NOT_FOUND);
}

/// Field: P10
#[tokio::test]
async fn an_address_where_nothing_is_has_a_page_for_people_and_no_text_for_programs() {
    let router = axum::Router::new()
        .route("/me/step-up", axum::routing::post(|| async { "ok" }))
        .route("/oauth/token", axum::routing::post(|| async { "ok" }))
        .method_not_allowed_fallback(portcullis_web::only_forms)
        .fallback(portcullis_web::nowhere);
    let get = async |path: &str| {
        let response =
            router.clone().oneshot(Request::get(path).body(axum::body::Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        (status, html(response).await)
    };
    for path in ["/nothing", "/console/x%3Cscript%3E", "/mcpx", "/oauth/authorize/", "/me/../x"] {
        let (status, page) = get(path).await;
        let people = path != "/oauth/authorize/";
        assert_eq!(
            (status, page.contains("There is no such page") && page.contains("href=\"/\"")),
            (404, people),
            "{path}"
        );
        assert!(!page.contains("<script>"));
    }
    for path in ["/mcp/x", "/api/v1/agents", "/.well-known/nothing", "/oauth/nothing", "/audit/log/x", "/assets/x.css"]
    {
        assert_eq!(get(path).await, (404, String::new()), "{path}");
    }
    let (status, page) = get("/me/step-up").await;
    assert!(status == 405 && page.contains("only takes what a form sends"), "{page}");
    assert_eq!(get("/oauth/token").await, (405, String::new()));
}
