//! `policy`: what is in force, and what policies can be written against.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use model::VersionKind;
use serde_json::{Value, json};

use super::{
    policy_explain, policy_test,
    visit::{AT_A_TIME, Visit},
};
use crate::{cli, config, names, node, output};

/// Runs `policy …`.
pub async fn run(visit: &Visit, command: cli::Policy) -> Result<ExitCode> {
    if let cli::Policy::Schema = command {
        // Where there is an installation, with what was accepted there.
        let accepted = match visit.open().await {
            Ok((config, store)) => node::accepted(&config, &store).await?,
            Err(_) => policy::Accepted::default(),
        };
        let schema = policy::Policies::schema_text(&accepted);
        return visit.tell(&json!({ "schema": schema }), &schema);
    }
    if let cli::Policy::Show { version: Some(digest) } = &command {
        return kept(visit, digest).await;
    }
    if let cli::Policy::Explain { agent, tool, input, exceptions } = &command {
        return policy_explain::run(visit, agent, tool, (input.as_deref(), exceptions)).await;
    }
    if let cli::Policy::Test { files } = command {
        return policy_test::run(visit, files).await;
    }
    let config = visit.config(config::Needs::Store)?;
    // Tools that were accepted, and people and agents who were added by a command count, when there is a store to ask.
    let store = visit.open().await.ok().map(|(_, store)| store);
    let policies = match &store {
        Some(store) => node::policies_for(&config, store).await?,
        None => node::policies(&config)?,
    };
    if let cli::Policy::Check = command {
        let unknown = names::unknown(policies.texts(), &names::Known::of(&config, store.as_ref()).await);
        let mut warnings: Vec<String> = unknown.iter().map(ToString::to_string).collect();
        warnings.extend(names::for_nobody(&config));
        warnings.extend(policies.unchecked().iter().map(ToString::to_string));
        if let Some(store) = &store {
            warnings.extend(asked_by_none(&policies, store).await?);
        }
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

/// Exceptions that stand and for which no policy asks: they spare nobody anything.
async fn asked_by_none(policies: &policy::Policies, store: &store::Store) -> Result<Vec<String>> {
    let (mut found, mut after, now) = (Vec::new(), None, store.now());
    loop {
        let page = store.exceptions_page(after.as_ref(), AT_A_TIME).await?;
        let idle = page.items.iter().filter(|one| one.end(now).is_none() && !policies.exceptions().contains(&one.name));
        found.extend(idle.map(|one| {
            format!(
                "exception {} (`{}` of {}): no policy asks for it, so it changes nothing",
                one.id, one.name, one.agent
            )
        }));
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// A version that was in force at some time.
async fn kept(visit: &Visit, digest: &str) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let found = store.versions(VersionKind::Policy, digest).await?;
    let version = match found.as_slice() {
        [version] => version,
        [] => bail!(
            "no policies of the digest `{}` were ever in force here; records name it in `policy`, and \
             `portcullis audit tail` shows the latest",
            model::shown(digest, 80)
        ),
        _ => bail!("several versions begin with `{}`; write more of the digest", model::shown(digest, 80)),
    };
    let text: Value = serde_json::from_str(&version.text).context("the stored version can not be read")?;
    let files = text["files"].as_array().cloned().unwrap_or_default();
    let shown: Vec<String> = files
        .iter()
        .map(|file| format!("// {}\n{}", file["file"].as_str().unwrap_or(""), file["text"].as_str().unwrap_or("")))
        .collect();
    let told = json!({"version": version.digest, "loaded_at": version.loaded_at.to_string(), "files": files});
    visit.tell(&told, shown.join("\n"))
}
