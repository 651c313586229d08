//! `check`: what an operator wants to know before the doors open.
//!
//! Each check leaves findings; a failure makes the status 1. Nothing is changed: a store that
//! does not exist yet is not made.

use std::process::ExitCode;

use anyhow::Result;
use model::{Clock, SystemClock, Timestamp, config::Config};
use serde::Serialize;

use super::{Visit, server};
use crate::{config, node, output};

/// How a finding stands.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Grade {
    Ok,
    Warning,
    Failure,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    grade: Grade,
    what: String,
    says: String,
}

fn ok(what: impl Into<String>, says: impl Into<String>) -> Finding {
    Finding { grade: Grade::Ok, what: what.into(), says: says.into() }
}

fn warning(what: impl Into<String>, says: impl Into<String>) -> Finding {
    Finding { grade: Grade::Warning, what: what.into(), says: says.into() }
}

fn failure(what: impl Into<String>, says: impl Into<String>) -> Finding {
    Finding { grade: Grade::Failure, what: what.into(), says: says.into() }
}

/// Looks at everything and prints what it found.
pub async fn run(visit: &Visit) -> Result<ExitCode> {
    node::log_to_stderr("error");
    let config::Loaded { config, notices } = visit.load(config::Needs::Everything)?;
    let mut findings = vec![ok("configuration", visit.file.display().to_string())];
    findings.extend(notices.into_iter().map(|notice| warning(notice.path, notice.what)));
    findings.push(policies(&config));
    findings.push(address(&config).await);
    findings.extend(metadata_fetching(&config));
    findings.extend(store(&config).await);
    findings.extend(servers(&config).await);

    let failed = findings.iter().any(|finding| finding.grade == Grade::Failure);
    if visit.json {
        output::json(&findings)?;
    } else {
        for finding in &findings {
            let mark = match finding.grade {
                Grade::Ok => output::paint("32", "ok  "),
                Grade::Warning => output::paint("33", "warn"),
                Grade::Failure => output::paint("1;31", "FAIL"),
            };
            output::line(format!("{mark}  {:<28} {}", finding.what, output::clean(&finding.says)));
        }
    }
    Ok(if failed { ExitCode::from(output::NO) } else { output::OK })
}

fn policies(config: &Config) -> Finding {
    match node::policies(config) {
        Ok(policies) => {
            ok("policies", format!("version {}", &policies.fingerprint().chars().take(12).collect::<String>()))
        }
        Err(error) => failure("policies", format!("{error:#}")),
    }
}

async fn address(config: &Config) -> Finding {
    match net::Listener::bind(config.listen, None).await {
        Ok(_) => ok("listen", format!("{} is free", config.listen)),
        Err(net::BindError::InUse(_)) => {
            warning("listen", format!("{} is in use; fine if this installation is serving already", config.listen))
        }
        Err(error) => failure("listen", error.to_string()),
    }
}

fn metadata_fetching(config: &Config) -> Option<Finding> {
    let rules = node::fetch_rules(config).and_then(|rules| Ok(net::Fetcher::new(rules)?));
    rules.err().map(|error| failure("clients.extra_ca_file", format!("{error:#}")))
}

/// Before this product was written: a clock that says so is off.
const OLDEST_CREDIBLE: Timestamp = Timestamp::from_seconds(1_763_769_600);

async fn store(config: &Config) -> Vec<Finding> {
    let now = SystemClock.now();
    if now < OLDEST_CREDIBLE {
        return vec![failure("clock", format!("says {now}; set it, tokens and elevations depend on it"))];
    }
    let store = match node::open_store(config, None, store::Missing::IsRefused).await {
        Ok(store) => store,
        Err(error) => {
            let missing = error.downcast_ref::<store::OpenError>().is_some_and(|error| error.is_nothing_yet());
            return vec![if missing {
                ok("store", format!("{} will be made at the first start", config.store.shown()))
            } else {
                failure("store", format!("{error:#}"))
            }];
        }
    };
    let mut findings = vec![ok("store", config.store.shown())];
    match store.last_records(1).await {
        Ok(records) => {
            let newest =
                records.first().and_then(|(_, record)| serde_json::from_slice::<serde_json::Value>(record).ok());
            let at = newest.and_then(|record| record["at"].as_i64()).map(Timestamp::from_micros);
            findings.push(match at {
                // Another machine wrote it: a second is no fault of this clock.
                Some(at) if at > now.after(model::Span::from_seconds(1)) => failure(
                    "clock",
                    format!("says {now}, but the newest audit record is from {at}: the clock went back"),
                ),
                _ => ok("clock", now.to_string()),
            });
        }
        Err(error) => findings.push(failure("audit", error.to_string())),
    }
    for block in store.blocks().iter().filter(|block| block.lifted_at.is_none()) {
        findings.push(warning("revoked", format!("{} since {}: {}", block.target, block.at, block.reason)));
    }
    findings
}

async fn servers(config: &Config) -> Vec<Finding> {
    if config.servers.is_empty() {
        return vec![warning("servers", "nothing is protected yet; `portcullis init` proposes a configuration")];
    }
    let (tools, silent) = server::everything(config).await;
    let mut findings: Vec<Finding> = silent
        .into_iter()
        .map(|(id, error)| failure(format!("server {id}"), format!("{error:#}; the others are served")))
        .collect();
    for id in config.servers.keys() {
        let prefix = format!("{id}.");
        let of_server: Vec<_> = tools.iter().filter(|tool| tool.tool.starts_with(&prefix)).collect();
        if of_server.is_empty() {
            continue;
        }
        findings.push(ok(format!("server {id}"), format!("{} tools", of_server.len())));
        let held: Vec<&str> = of_server.iter().filter(|tool| tool.held).map(|tool| tool.tool.as_str()).collect();
        if !held.is_empty() {
            let say = format!("held, because no rule names them: {}; add rules to servers.{id}.tools", held.join(", "));
            findings.push(warning(format!("server {id}"), say));
        }
    }
    findings
}
