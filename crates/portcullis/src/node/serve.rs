//! Serving, from the first connection to the last: the listener, and what goes on beside it.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use arc_swap::ArcSwap;

use super::{configured::witness, control, generation::Node, reload, sweep};

impl Node {
    /// Serves until `shutdown`. With a `file`, a hangup reads it again.
    ///
    /// # Errors
    /// When the store does not go on: only a new process can, and whoever watches over this one has to know.
    pub async fn serve(
        self: Arc<Self>,
        listener: net::Listener,
        file: Option<PathBuf>,
        shutdown: impl Future,
    ) -> Result<()> {
        let configured = &self.config.limits;
        let limits = net::ListenLimits {
            connections: configured.connections,
            per_address: configured.connections_per_address.map_or(net::PerAddress::Quarter, net::PerAddress::AtMost),
            always_open,
            ..Default::default()
        };
        let sweeper = tokio::spawn(sweep::ended_elevations(self.store.clone()));
        let witness = witness(&self.config)?.map(|witness| tokio::spawn(witness.keep_shown(self.store.clone())));
        let current = Arc::new(ArcSwap::from(self.clone()));
        let control = tokio::spawn(control::serve(current.clone()));
        let counter = tokio::spawn(sweep::counted_refusals(current.clone()));
        let lister = tokio::spawn(sweep::listed_servers(current.clone()));
        let teller = tokio::spawn(sweep::messages(current.clone()));
        let reloader = match (file, reload::hangups()) {
            (Some(file), Ok(hangups)) => {
                Some(tokio::spawn(reload::on_hangup(hangups, file, current.clone(), listener.tls())))
            }
            _ => None,
        };
        let nodes = current.clone();
        let service = move |request| {
            let node = nodes.load_full();
            async move { node.respond(request).await }
        };
        let mut gone = false;
        let ended = async {
            tokio::select! {
                _ = shutdown => {}
                () = self.store.closed() => gone = true,
            }
        };
        listener.serve(limits, service, ended).await;
        sweeper.abort();
        counter.abort();
        lister.abort();
        teller.abort();
        control.abort();
        witness.iter().for_each(tokio::task::JoinHandle::abort);
        reloader.iter().for_each(tokio::task::JoinHandle::abort);
        let last = current.load_full();
        last.write_counted(true).await;
        self.store.clone().close().await;
        anyhow::ensure!(!gone, "the store does not go on; what was logged before says why");
        Ok(())
    }
}

/// Answered when everything else finds no room: whether this node is well, and the control plane. An agent that takes
/// every connection must not keep people from stopping it.
fn always_open(path: &str) -> bool {
    let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ["/healthz", "/readyz", "/login", "/logout", "/console", "/me", "/assets"].into_iter().any(below)
}
