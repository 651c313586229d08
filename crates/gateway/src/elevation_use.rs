//! A use of an elevation, taken for a call that has not left yet.
//!
//! It is counted before anything is sent, so that of two calls for one use only one leaves. A call that never left
//! must not have cost it: the next try would ask a person again for what was not done.

use std::sync::Arc;

use privilege::elevation::uses;
use store::{Commit, Store, StoreError};
use tokio::runtime::Handle;

use crate::{conditions::Lease, detached::Detached, principal::Principal, upstream::send_error::NothingLeft};

/// One use. Dropped before its call left, it is given back; at most once.
#[derive(Debug)]
pub struct ElevationUse {
    store: Store,
    principal: Arc<Principal>,
    lease: Lease,
    request: String,
    settled: bool,
}

impl ElevationUse {
    /// The use that was taken just now.
    pub fn taken(store: Store, principal: Arc<Principal>, lease: Lease, request: String) -> Self {
        Self { store, principal, lease, request, settled: false }
    }

    /// Of which elevation, and its end.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// From now on nobody knows whether the call was carried out: the use is spent.
    pub fn is_leaving(&mut self) {
        self.settled = true;
    }

    /// Gives it back. Brought to its end although nobody waits.
    pub async fn give_back(mut self, _proof: NothingLeft) {
        self.settled = true;
        Detached::of(self.returned()).await;
    }

    /// What the last use ended goes on, unless anything was taken away since the decision: nobody gets that back.
    fn returned(&self) -> impl Future<Output = ()> + Send + 'static {
        let (store, lease, request) = (self.store.clone(), self.lease.clone(), self.request.clone());
        let grant = self.principal.grant().id.clone();
        let epoch = store.epoch_stamp(self.principal.epoch());
        async move {
            let failing = store.clone();
            let returned = store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let Lease { id, not_after } = &lease;
                    let event = uses::give_back(tx, &grant, id, *not_after, epoch.as_deref(), &request).await?;
                    Ok(event.map_or(Commit::nothing(()), |event| Commit::with(event, ())))
                })
            });
            if let Err(error) = returned.await {
                failing.failed("record_failed", &error);
            }
        }
    }
}

impl Drop for ElevationUse {
    fn drop(&mut self) {
        if !self.settled
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(self.returned());
        }
    }
}
