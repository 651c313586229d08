//! What is written down of a refusal before it is told: no record, no answer, not even a refusal.

use std::hash::Hash;

use crypto::Proof;
use http::Response;
use model::{AccessClaims, Event, Sampling, event::CallRest};
use net::Body;
use store::{Commit, StoreError};

use crate::{
    gateway::Gateway,
    left::Lack,
    permit::NotPermitted,
    principal::Principal,
    protected_server::ProtectedServer,
    refusal::{
        Asked, Refusal, record, respond,
        sampling::{self, Told},
    },
};

impl Gateway {
    /// A call was not permitted.
    pub(crate) async fn refused(&self, denied: NotPermitted, asked: &mut Asked) -> Refusal {
        if let Some(by) = &mut asked.by {
            by.tool = denied.tool().cloned();
            by.policies.clone_from(&denied.policies);
        }
        let grant = denied.principal.grant().id.clone();
        let facts = self.store.facts(denied.principal.epoch());
        let NotPermitted { mut why, call, principal, target, policies, excepted } = denied;
        let now = self.store.now();
        let lack = Lack::of(self, &mut why, &call, &principal, now);
        let mut refusal = Refusal::from(why);
        if let Refusal::StepUp { told, .. } = &mut refusal {
            *told = lack.told(&call, &principal);
        }
        let fingerprint = self.policies.fingerprint();
        let rest = CallRest { exceptions: excepted.ids(), ..lack.rest(&call) };
        let about = record::About { call: &call, target: target.as_ref(), policies, policy: fingerprint, facts, rest };
        let event = record::refused(&refusal, &principal, about);
        let told = self.refusals.of_grant(&grant, refusal, now, |_| event);
        match told.event {
            // What is only counted leaves nothing behind.
            Some(event) if lack.leaves_something() => self.left(told.refusal, event, lack, &call, &principal).await,
            event => self.told(Told { refusal: told.refusal, event }, principal.proof()).await,
        }
    }

    /// Somebody known was refused before it was clear what they wanted.
    pub(crate) async fn refused_early(
        &self,
        server: &ProtectedServer,
        principal: &Principal,
        asked: &Asked,
        refusal: Refusal,
    ) -> Refusal {
        let request = asked.by.as_ref().map_or("", |by| &by.request);
        let event = |refusal: &Refusal| record::refused_early(refusal, &server.id, principal, request);
        let told = self.refusals.of_grant(&principal.grant().id, refusal, self.store.now(), event);
        self.told(told, principal.proof()).await
    }

    /// A token of ours came whose grant, agent or person is dead.
    pub(crate) async fn refused_dead(
        &self,
        server: &ProtectedServer,
        claims: &AccessClaims,
        refusal: Refusal,
    ) -> Refusal {
        let event = || record::refused_dead(&refusal, &server.id, claims);
        let event = self.refusals.of_the_dead(claims, self.store.now(), event);
        self.told(Told { refusal, event }, None).await
    }

    /// The answer to a refused request, with its line in the log if one is due.
    pub(crate) fn turned_away(&self, refusal: &Refusal, server: &ProtectedServer, asked: &Asked) -> Response<Body> {
        if let Some(count) = self.refusals.line(refusal, self.store.now()) {
            sampling::say(refusal, &server.id, asked.by.as_ref(), count);
        }
        respond(refusal, Some(server), asked)
    }

    /// Records the refusals that were only counted and whose minute is over; all of them, when it is the `last` time.
    pub async fn write_counted(&self, last: bool) {
        self.settle(&self.refusals.grants, last).await;
        self.settle(&self.refusals.dead, last).await;
    }

    async fn settle<K: Clone + Eq + Hash>(&self, counted: &Sampling<K, Event>, last: bool) {
        for due in counted.due(self.store.now(), last) {
            if self.write_down(sampling::counted((due.event.clone(), due.count))).await.is_err() {
                counted.put_back(due, self.store.now());
            }
        }
    }

    async fn told(&self, told: Told, proof: Option<&Proof>) -> Refusal {
        let written = match (told.event, proof) {
            (Some(event), Some(proof)) => self.write_down_and_use(event, proof.clone()).await,
            (Some(event), None) => self.write_down(event).await,
            (None, _) => Ok(()),
        };
        match written {
            Ok(()) => told.refusal,
            Err(unavailable) => unavailable,
        }
    }

    /// A proof that was refused with its request must not come again when the same request would be allowed.
    async fn write_down_and_use(&self, event: Event, proof: Proof) -> Result<(), Refusal> {
        let written = self.store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                // Used by another one meanwhile: then this one is refused all the same.
                let _ = tx.use_proof(&proof).await?;
                Ok(Commit::with(event, ()))
            })
        });
        written.await.map_err(|error| {
            self.store.failed("record_failed", &error);
            Refusal::Unavailable
        })
    }

    async fn write_down(&self, event: Event) -> Result<(), Refusal> {
        self.store.record(event).await.map(drop).map_err(|error| {
            self.store.failed("record_failed", &error);
            Refusal::Unavailable
        })
    }
}
