//! `policy`: what is in force, and what policies can be written against.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use super::Visit;
use crate::{cli, config, names, node, output};

/// Runs `policy …`.
pub async fn run(visit: &Visit, command: cli::Policy) -> Result<ExitCode> {
    if let cli::Policy::Schema = command {
        // The same for every installation.
        let schema = policy::Policies::schema_text();
        return visit.tell(&json!({ "schema": schema }), schema);
    }
    let config = visit.config(config::Needs::Store)?;
    let policies = node::policies(&config)?;
    if let cli::Policy::Check = command {
        // People and agents who were added by a command count, when there is a store to ask.
        let store = visit.open().await.ok().map(|(_, store)| store);
        let unknown = names::unknown(policies.texts(), &names::Known::of(&config, store.as_ref()).await);
        let warnings: Vec<String> = unknown.iter().map(ToString::to_string).collect();
        if !visit.json {
            warnings.iter().for_each(output::warn);
        }
        let version = policies.fingerprint();
        return visit.tell(
            &json!({"version": version, "warnings": warnings}),
            format!("the policies parse and fit the schema; version {version}"),
        );
    }
    let texts: Vec<_> = policies.texts().iter().map(|file| json!({"file": file.name, "text": file.text})).collect();
    let shown = policies.texts().iter().map(|file| format!("// {}\n{}", file.name, file.text)).collect::<Vec<_>>();
    visit.tell(&texts, shown.join("\n"))
}
