//! `check`: what an operator wants to know before the doors open.
//!
//! Each check leaves findings; a failure makes the status 1. What `serve` will meet is met here by the same code, and
//! nothing is changed: no store is made, and what the next start would write is tried and taken back.

mod certificate;
mod client;
mod finding;
mod receivers;
mod servers;
mod store;

use std::process::ExitCode;

use anyhow::Result;
use model::config::Config;

use self::finding::{Finding, Grade, failure, ok, warning};
use super::visit::Visit;
use crate::{cli, config, names, node, output};

/// Looks at everything and prints what it found.
pub async fn run(visit: &Visit, options: cli::Check) -> Result<ExitCode> {
    node::log_to_stderr("off");
    let config::Loaded { config, notices, settings } = visit.load(config::Needs::Everything)?;
    let mut findings = vec![ok("configuration", visit.file.display().to_string())];
    if !options.clients.is_empty() {
        for name in &options.clients {
            findings.extend(client::findings(&config, name).await?);
        }
        return print(visit, &findings);
    }
    findings.extend(notices.into_iter().map(|notice| warning(notice.path, notice.what)));
    findings.extend(policies(&config).await);
    findings.push(address(&config).await);
    findings.extend(certificate::findings(&config));
    findings.extend(metadata_fetching(&config));
    findings.extend(receivers::findings(&config).await);
    findings.extend(store::findings(&config, settings).await);
    findings.extend(servers::findings(&config).await);
    print(visit, &findings)
}

fn print(visit: &Visit, findings: &[Finding]) -> Result<ExitCode> {
    if visit.json {
        output::json(&findings)?;
    } else {
        for finding in findings {
            let mark = match finding.grade {
                Grade::Ok => output::paint("32", "ok  "),
                Grade::Warning => output::paint("33", "warn"),
                Grade::Failure => output::paint("1;31", "FAIL"),
            };
            output::line(format!("{mark}  {:<28} {}", finding.what, output::clean(&finding.says)));
        }
    }
    let failed = findings.iter().any(|finding| finding.grade == Grade::Failure);
    Ok(if failed { ExitCode::from(output::NO) } else { output::OK })
}

async fn policies(config: &Config) -> Vec<Finding> {
    let store = node::open_store(config, None, ::store::Missing::IsRefused).await.ok();
    let policies = match &store {
        Some(store) => node::policies_for(config, store).await,
        None => node::policies(config),
    };
    let policies = match policies {
        Ok(policies) => policies,
        Err(error) => return vec![failure("policies", format!("{error:#}"))],
    };
    let version: String = policies.fingerprint().chars().take(12).collect();
    let unknown = names::unknown(policies.texts(), &names::Known::of(config, store.as_ref()).await);
    let unknown = unknown.iter().map(|unknown| warning("policies", unknown.to_string()));
    let more = policies.unchecked().iter().map(ToString::to_string).chain(names::for_nobody(config));
    let more = more.map(|what| warning("policies", what));
    [ok("policies", format!("version {version}"))].into_iter().chain(unknown).chain(more).collect()
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
