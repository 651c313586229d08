//! Should requests be sent to this node?
//!
//! Not to one whose store does not answer, and not to one that decides by other policies or another configuration than the
//! installation does now: two nodes that decide differently are two installations.

use http::StatusCode;
use model::VersionKind;
use policy::Policies;
use store::{Store, StoreError, StoreSilent};

use crate::config::Settings;

/// What this node decides by, held against what is in force.
#[derive(Clone)]
pub struct Readiness {
    store: Store,
    policies: String,
    configuration: String,
}

impl Readiness {
    /// Of a node with these.
    pub fn of(store: &Store, policies: &Policies, settings: &Settings) -> Self {
        let (policies, configuration) = (policies.fingerprint().to_owned(), settings.digest());
        Self { store: store.clone(), policies, configuration }
    }

    /// `GET /readyz`
    pub async fn answer(self) -> (StatusCode, &'static str) {
        match self.why_not().await {
            None => (StatusCode::OK, "ready"),
            Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
        }
    }

    async fn why_not(&self) -> Option<&'static str> {
        match self.store.freshness() {
            Ok(()) if !self.store.commits() => return Some("the last write to the store failed"),
            Ok(()) => {}
            Err(StoreSilent::Denied) => return Some("told to deny everything"),
            Err(StoreSilent::Clock) => {
                return Some("the clock can not be right: set it, or see `portcullis clock accept`");
            }
            Err(_) => return Some("the store does not answer"),
        }
        match self.is_in_force().await {
            Ok(true) => None,
            Ok(false) => Some(
                "another node loaded other policies or another configuration since; reload this one (SIGHUP), or that one",
            ),
            Err(error) => {
                self.store.failed("store_failed", &error);
                Some("the store does not answer")
            }
        }
    }

    async fn is_in_force(&self) -> Result<bool, StoreError> {
        let policies = self.store.active_version(VersionKind::Policy).await?;
        let configuration = self.store.active_version(VersionKind::Configuration).await?;
        Ok(policies.is_none_or(|active| active == self.policies)
            && configuration.is_none_or(|active| active == self.configuration))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{ManualClock, Span, Timestamp, config::Config};
    use store::{Missing, OpenOptions};

    use super::*;
    use crate::node::seed;

    async fn store(dir: &std::path::Path) -> Store {
        let options = OpenOptions {
            url: model::config::StoreUrl::sqlite_in(dir),
            data_dir: dir.to_owned(),
            origin: "a.test/audit".into(),
            clock: Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000))),
            node: None,
            store_silence: Span::from_seconds(60),
            missing: Missing::IsMade,
        };
        Store::open(options).await.unwrap()
    }

    fn careful() -> Policies {
        let text = "forbid (principal, action, resource);".into();
        Policies::load(&[policy::PolicyFile { name: "careful.cedar".into(), text }]).unwrap()
    }

    /// Field: N19
    #[tokio::test]
    async fn a_node_that_decides_by_something_else_than_the_installation_is_not_ready() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path()).await;
        let config: Config = serde_json::from_str(r#"{"public_url":"https://a.test"}"#).unwrap();
        let (settings, built_in, careful) = (Settings::default(), Policies::built_in(), careful());
        let mut others = Settings::default();
        others.set("tokens.access", "5m");
        let ready = async |policies: &Policies, settings: &Settings| {
            Readiness::of(&store, policies, settings).answer().await.0 == StatusCode::OK
        };
        assert!(ready(&built_in, &settings).await, "nothing was ever loaded");
        seed::declared(&store, &config, &settings, &built_in).await.unwrap();
        assert!(ready(&built_in, &settings).await && !ready(&careful, &settings).await);
        // Another node starts with other policies, and this one is not asked any more until it has them too.
        seed::declared(&store, &config, &settings, &careful).await.unwrap();
        assert!(!ready(&built_in, &settings).await && ready(&careful, &settings).await);
        seed::declared(&store, &config, &others, &careful).await.unwrap();
        assert!(!ready(&careful, &settings).await && ready(&careful, &others).await);
    }
}
