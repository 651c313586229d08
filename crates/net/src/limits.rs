//! Bounds on what a listener takes from strangers.

use std::time::Duration;

/// Bounds on what a listener takes from strangers.
#[derive(Clone, Copy, Debug)]
pub struct ListenLimits {
    /// Connections served at a time. For a further one the oldest leaves whose caller did not prove who it is; when
    /// there is none, the further one is told so with 503.
    pub connections: usize,
    /// How many of them one remote address may have; further ones of that address are told so with 503.
    pub per_address: PerAddress,
    /// Connections beyond those, kept back for saying 503 and for what `always_open` names. The oldest of them leaves
    /// for the next.
    pub kept_back: usize,
    /// The paths that are answered on the connections kept back.
    pub always_open: fn(&str) -> bool,
    /// How long a client may take for the TLS handshake, from then on for the head of its first
    /// request, and, on HTTP/2, for how long it may have no request in flight.
    pub header_timeout: Duration,
    /// How long an HTTP/1.1 client may take from the end of an answer to the end of the next head.
    /// Both the silence between two requests and a slow head count against it: the HTTP
    /// implementation has one clock for the two.
    pub idle_timeout: Duration,
    /// After how long a connection takes no further request. What is in flight is finished first.
    pub max_age: Duration,
    /// How long what was in flight then may go on. After that the connection is cut.
    pub overtime: Duration,
    /// How long a client may leave what was sent to it unread, or vanish without a word.
    ///
    /// A connection whose bytes nobody takes is cut by the system, on Linux only. On HTTP/2 a
    /// stream that is given no window for further bytes is reset.
    pub unread_timeout: Duration,
    /// How long requests in flight may run on after shutdown began.
    pub drain: Duration,
}

impl Default for ListenLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            per_address: PerAddress::Quarter,
            kept_back: 64,
            always_open: |_| false,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            max_age: Duration::from_secs(60 * 60),
            overtime: Duration::from_secs(20 * 60),
            unread_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

/// The connections one remote address may have, so that no host alone can take all of them.
///
/// Behind a reverse proxy every client has the proxy's address, and it is the proxy that must keep
/// clients apart. The 64 bits that an IPv6 network gives out count as one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PerAddress {
    /// A quarter of all, at least one; this machine as many as there are.
    #[default]
    Quarter,
    /// This many, this machine too.
    AtMost(usize),
    /// No bound: where nobody but a reverse proxy can connect.
    Any,
}
