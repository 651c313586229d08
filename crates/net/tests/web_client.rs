//! The client of our own command line and of simulated agents.

#![allow(clippy::unwrap_used)]

use std::future::pending;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use portcullis_net::{Body, Inbound, ListenLimits, Listener, WebClient, WebError, boxed, full, read_body};

async fn server() -> String {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    let base = format!("http://{}", listener.local_addr());
    tokio::spawn(listener.serve(ListenLimits::default(), answer, pending::<()>()));
    base
}

async fn answer(request: Request<Inbound>) -> Response<Body> {
    match request.uri().path() {
        "/redirect" => {
            let mut response = Response::new(full("elsewhere"));
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/"));
            response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_static("a=b"));
            response
        }
        "/relay" => Response::new(boxed(request.into_body())),
        path => {
            let told = serde_json::json!({
                "method": request.method().as_str(),
                "path": path,
                "query": request.uri().query(),
                "cookie": request.headers().get(header::COOKIE).and_then(|value| value.to_str().ok()),
            });
            let mut response = Response::new(full(told.to_string()));
            response.headers_mut().insert("x-y", HeaderValue::from_static("z"));
            let _ = read_body(request.into_body(), 1024).await;
            response
        }
    }
}

#[tokio::test]
async fn an_answer_has_its_status_fields_and_body() {
    let (base, web) = (server().await, WebClient::new(None).unwrap());
    let cookie = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static("c=d"))]);
    let answer = web.request(Method::PUT, &format!("{base}/a?b=c#d"), cookie, "body").await.unwrap();
    assert_eq!((answer.status, answer.header("x-y"), answer.header("x-z")), (StatusCode::OK, Some("z"), None));
    let told = serde_json::json!({"method": "PUT", "path": "/a", "query": "b=c", "cookie": "c=d"});
    assert_eq!(answer.json().unwrap(), told);
}

#[tokio::test]
async fn no_redirect_is_followed_and_no_cookie_kept() {
    let (base, web) = (server().await, WebClient::new(None).unwrap());
    let answer = web.request(Method::GET, &format!("{base}/redirect"), HeaderMap::new(), "").await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::SEE_OTHER, "elsewhere"));
    let next = web.request(Method::GET, &base, HeaderMap::new(), "").await.unwrap();
    assert!(next.json().unwrap()["cookie"].is_null());
}

#[tokio::test]
async fn an_answer_can_be_read_as_it_arrives() {
    let (base, web) = (server().await, WebClient::new(None).unwrap());
    let answer = web.stream(Method::POST, &format!("{base}/relay"), HeaderMap::new(), "as it is").await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "as it is");
}

#[tokio::test]
async fn what_is_no_answer_says_why_and_where() {
    let web = WebClient::new(None).unwrap();
    let get = async |url: &str| web.request(Method::GET, url, HeaderMap::new(), "").await;
    for url in ["", "localhost:1", "/path", "file:///etc/passwd"] {
        assert!(matches!(get(url).await, Err(WebError::BadUrl(_))), "{url}");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = get(&format!("http://{closed}/")).await.unwrap_err();
    assert!(
        matches!(error, WebError::Unreachable { .. }) && error.to_string().contains(&closed.to_string()),
        "{error}"
    );
    let text = get(&format!("{}/redirect", server().await)).await.unwrap();
    assert!(matches!(text.json(), Err(WebError::NotJson(_))));
}
