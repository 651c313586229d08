//! Many fetches at a time: what is fetched once, and who waits for whom.

#![allow(clippy::unwrap_used)]

mod certificate;

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use certificate::Certificate;
use futures_util::future::join_all;
use http::{Request, Response, header};
use portcullis_net::{Body, FetchError, FetchRules, Fetcher, Inbound, ListenLimits, Listener, full};
use tokio::sync::Semaphore;

/// A server with two names, whose `/slow…` never answer, and a fetcher that may go there.
struct Hosts {
    port: u16,
    fetcher: Fetcher,
    /// Requests that arrived.
    arrived: Arc<AtomicUsize>,
    /// Requests that arrived and are not answered.
    slow: Arc<Semaphore>,
}

impl Hosts {
    async fn start() -> Self {
        let certificate = Certificate::for_hosts(&["localhost", "127.0.0.1"]);
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), Some(certificate.tls())).await.unwrap();
        let port = listener.local_addr().port();
        let (arrived, slow) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let service = {
            let (arrived, slow) = (arrived.clone(), slow.clone());
            move |request| answer(request, arrived.clone(), slow.clone())
        };
        tokio::spawn(listener.serve(ListenLimits::default(), service, pending::<()>()));
        let rules = FetchRules {
            extra_ca_pem: Some(certificate.authority),
            exempt_hosts: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        };
        Self { port, fetcher: Fetcher::new(rules).unwrap(), arrived, slow }
    }

    async fn get(&self, host: &str, path: &str) -> Result<Vec<u8>, FetchError> {
        Ok(self.fetcher.json(&format!("https://{host}:{}{path}", self.port), 100).await?.body)
    }
}

async fn answer(request: Request<Inbound>, arrived: Arc<AtomicUsize>, slow: Arc<Semaphore>) -> Response<Body> {
    let number = arrived.fetch_add(1, Ordering::SeqCst) + 1;
    if request.uri().path().starts_with("/slow") {
        slow.add_permits(1);
        pending::<()>().await;
    }
    Response::builder().header(header::CONTENT_TYPE, "application/json").body(full(number.to_string())).unwrap()
}

#[tokio::test]
async fn a_document_that_many_ask_for_is_fetched_once() {
    let hosts = Hosts::start().await;
    let all = join_all((0..20).map(|_| hosts.get("localhost", "/one"))).await;
    assert!(all.into_iter().all(|body| body.unwrap() == b"1"));
    assert_eq!(hosts.get("localhost", "/one").await.unwrap(), b"2", "asked for later, it is fetched anew");
    let (one, other) = tokio::join!(hosts.get("localhost", "/one"), hosts.get("localhost", "/other"));
    assert_ne!(one.unwrap(), other.unwrap());
    assert_eq!(hosts.arrived.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_slow_host_keeps_nobody_from_others() {
    let hosts = Hosts::start().await;
    let paths: Vec<_> = (0..40).map(|n| format!("/slow{n}")).collect();
    let slow = join_all(paths.iter().map(|path| hosts.get("localhost", path)));
    let others = async {
        let _four = hosts.slow.acquire_many(4).await.unwrap();
        assert!(hosts.get("127.0.0.1", "/fast").await.is_ok(), "while four fetches wait for the slow one");
        tokio::time::pause();
    };
    let (slow, ()) = tokio::join!(slow, others);
    let causes: Vec<_> = slow.into_iter().map(|fetched| fetched.unwrap_err().cause()).collect();
    assert_eq!(causes.iter().filter(|cause| **cause == "timed_out").count(), 4, "{causes:?}");
    assert_eq!(causes.iter().filter(|cause| **cause == "busy").count(), 36, "{causes:?}");
}
