//! The store, the clock, and what the next start would change.

use std::path::{Path, PathBuf};

use model::{
    AgentState, Clock, Role, SystemClock, Timestamp,
    config::Config,
    event::{What, WhyChanged},
};
use store::{Page, Store, StoreError};

use super::finding::{Finding, failure, ok, warning};
use crate::{
    config::{Difference, Settings},
    node,
};

/// Before this product was written: a clock that says so is off.
const OLDEST_CREDIBLE: Timestamp = Timestamp::from_seconds(1_763_769_600);
/// People who are read at a time.
const AT_A_TIME: u32 = 100;

pub async fn findings(config: &Config, settings: Settings) -> Vec<Finding> {
    let now = SystemClock.now();
    if now < OLDEST_CREDIBLE {
        return vec![failure("clock", format!("says {now}; set it, tokens and elevations depend on it"))];
    }
    let store = match node::open_store(config, None, store::Missing::IsRefused).await {
        Ok(store) => store,
        Err(error) => {
            let missing = error.downcast_ref::<store::OpenError>().is_some_and(|error| error.is_nothing_yet());
            if missing {
                return not_there_yet(config);
            }
            return vec![failure("store", format!("{error:#}"))];
        }
    };
    let mut findings = vec![ok("store", config.store.shown())];
    findings.push(clock(&store, now).await);
    let exposed = store::open_to_others(&config.data_dir, &config.store);
    findings.extend(exposed.iter().map(|exposed| warning("store", exposed.to_string())));
    match node::foreseen(&store, config, settings).await {
        Ok(changes) => findings.extend(next_start(&changes)),
        Err(error) => findings.push(failure(
            "store",
            format!("what a start writes was tried and refused, and nothing is changed: {error:#}; run `check` as the user that serves"),
        )),
    }
    match added_approvers(&store, config).await {
        Ok(added) => findings.extend(approvers(config, added)),
        Err(error) => findings.push(failure("people", error.to_string())),
    }
    for block in store.blocks().iter().filter(|block| block.lifted_at.is_none()) {
        findings.push(warning("revoked", format!("{} since {}: {}", block.target, block.at, block.reason)));
    }
    findings
}

/// What a first start needs: a place where it may make its files.
fn not_there_yet(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let database = config.store.sqlite_directory();
    for directory in database.iter().chain([&config.data_dir]) {
        let nearest = nearest(directory);
        if !nearest.is_dir() {
            findings.push(failure("store", format!("{} is not a directory", nearest.display())));
        } else if !may_write(&nearest) {
            findings.push(failure(
                "store",
                format!("{} can not be made: this user may not write to {}", directory.display(), nearest.display()),
            ));
        }
    }
    if findings.is_empty() {
        findings.push(ok("store", format!("{} will be made at the first start", config.store.shown())));
    }
    findings.extend(approvers(config, 0));
    findings
}

/// The directory, or the nearest one above it that is there.
fn nearest(path: &Path) -> PathBuf {
    let there = path.ancestors().find(|ancestor| ancestor.exists());
    match there {
        Some(there) if !there.as_os_str().is_empty() => there.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// May this user make something in that directory? Asked of the system; nothing is made.
fn may_write(directory: &Path) -> bool {
    rustix::fs::access(directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
}

async fn clock(store: &Store, now: Timestamp) -> Finding {
    let records = match store.last_records(1).await {
        Ok(records) => records,
        Err(error) => return failure("audit", error.to_string()),
    };
    let newest = records.first().and_then(|(_, record)| serde_json::from_slice::<serde_json::Value>(record).ok());
    let at = newest.and_then(|record| record["at"].as_i64()).map(Timestamp::from_micros);
    match at {
        // Another machine wrote it: a second is no fault of this clock.
        Some(at) if at > now.after(model::Span::from_seconds(1)) => {
            failure("clock", format!("says {now}, but the newest audit record is from {at}: the clock went back"))
        }
        _ => ok("clock", now.to_string()),
    }
}

/// What will be different after the next start.
fn next_start(changes: &node::Changes) -> Vec<Finding> {
    const WHAT: &str = "next start";
    let mut findings = Vec::new();
    if changes.is_first {
        findings.push(ok(WHAT, "the first with a configuration that is remembered"));
    } else if changes.settings.is_none() && changes.events.is_empty() {
        findings.push(ok(WHAT, "changes nothing"));
    } else {
        let Difference { added, changed, removed } = &changes.settings;
        for (deed, names) in [("sets", added), ("changes", changed), ("takes away", removed)] {
            if !names.is_empty() {
                findings.push(warning(WHAT, format!("{deed} {}", names.join(", "))));
            }
        }
    }
    for event in &changes.events {
        let will = match &event.what {
            What::PersonChanged(of) => format!("{}: {}", of.person, of.change.meaning()),
            What::AgentChanged(of) => {
                let state = of.state.map_or("changed", AgentState::as_str);
                format!("{}: {state}: {}", of.agent, of.why.map_or("", WhyChanged::meaning))
            }
            _ => event.name().to_owned(),
        };
        findings.push(warning(WHAT, will));
    }
    findings
}

/// How many approvers were added by a command, as far as that matters? The file decides about whom it declares.
async fn added_approvers(store: &Store, config: &Config) -> Result<usize, StoreError> {
    let (mut after, mut count) = (None, 0);
    loop {
        let Page { items, next } = store.holders_page(Role::Approver, after.as_ref(), AT_A_TIME).await?;
        count += items.iter().filter(|person| !config.people.contains_key(&person.id)).count();
        if count >= most_approvals(config) || next.is_none() {
            return Ok(count);
        }
        after = next;
    }
}

/// As many people as any request takes.
fn most_approvals(config: &Config) -> usize {
    let of_servers = config.servers.values().filter_map(|server| server.approvals.most());
    of_servers.fold(config.elevation.approvals, Ord::max).number() as usize
}

/// Who can say yes to a high call after the next start: people of the file, and people who were `added` by a command.
fn approvers(config: &Config, added: usize) -> Option<Finding> {
    let is_approver = |roles: &std::collections::BTreeSet<Role>| roles.iter().any(|role| role != &Role::Auditor);
    let count = added + config.people.values().filter(|person| is_approver(&person.roles)).count();
    let needed = most_approvals(config);
    if count == 0 {
        return Some(warning(
            "people",
            "nobody is an approver or admin, so high-tier calls can not be approved; `portcullis person add NAME --role \
             approver`",
        ));
    }
    (count < needed).then(|| {
        let what = format!(
            "{count} of them may approve, and there are requests that take {needed} (`elevation.approvals`, \
             `servers.NAME.approvals`): nobody can approve those"
        );
        warning("people", what)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::DirBuilderExt;

    use super::*;

    fn config(people: &str) -> Config {
        serde_json::from_str(&format!(r#"{{"public_url":"https://a.test","people":{{{people}}}}}"#)).unwrap()
    }

    /// Field: H3
    #[test]
    fn an_approver_may_be_in_the_file_or_in_the_store() {
        let warned = |people: &str, added: usize| approvers(&config(people), added).is_some();
        assert!(warned("", 0) && warned(r#""ada":{}"#, 0));
        assert!(!warned(r#""ada":{"roles":["approver"]}"#, 0));
        assert!(!warned("", 1));
        let mut two = config(r#""ada":{"roles":["approver"]}"#);
        two.elevation.approvals = model::config::Approvals::new(2).unwrap();
        assert!(approvers(&two, 0).unwrap().says.contains("1 of them may approve, and there are requests that take 2"));
        assert!(approvers(&two, 1).is_none());
    }

    /// Field: H3
    #[test]
    fn a_place_that_can_not_be_written_is_found_before_the_first_start() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &Path| {
            let mut config = config("");
            config.store = model::config::StoreUrl::sqlite_in(path);
            config.data_dir = path.to_owned();
            not_there_yet(&config)
        };
        assert!(at(&dir.path().join("a/b")).iter().any(|finding| finding.says.contains("will be made")));
        assert!(!dir.path().join("a").exists(), "nothing is made");
        std::fs::write(dir.path().join("file"), "x").unwrap();
        assert!(at(&dir.path().join("file/b"))[0].says.contains("is not a directory"));
        let closed = dir.path().join("closed");
        std::fs::DirBuilder::new().mode(0o500).create(&closed).unwrap();
        // The superuser may write anywhere.
        let refused = at(&closed.join("a")).iter().any(|finding| finding.says.contains("may not write"));
        assert_eq!(refused, !rustix::process::geteuid().is_root());
    }
}
