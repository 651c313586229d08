//! `audit`: the record, and the proof that nobody changed it.

mod outside;
mod residue;

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use store::Verification;

use super::visit::Visit;
use crate::{cli, config, output};

/// Runs `audit …`.
pub async fn run(visit: &Visit, command: cli::Audit) -> Result<ExitCode> {
    match command {
        cli::Audit::Tail { lines } => tail(visit, lines).await,
        cli::Audit::Verify { export: Some(export), witness, key } => {
            let key =
                key.context("--key is missing: an export is worth what the key is worth that it is held against")?;
            outside::verify_export(visit, &export, witness.as_deref(), &key)
        }
        cli::Audit::Verify { export: None, witness, key } => verify(visit, witness.as_deref(), key.as_deref()).await,
        cli::Audit::Residue => residue::residue(visit).await,
        cli::Audit::Prove { index } => prove(visit, index).await,
        cli::Audit::VerifyProof { file, key } => outside::verify_proof(visit, &file, key.as_deref()),
        cli::Audit::Export { directory } => export(visit, &directory).await,
    }
}

async fn export(visit: &Visit, directory: &Path) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty; name an empty directory, or one that is not there", directory.display());
    }
    store.export(directory).await?;
    let size = store.log_size().await?;
    visit.tell(
        &json!({"records": size, "directory": directory}),
        format!("{size} records are in {}", directory.display()),
    )
}

async fn tail(visit: &Visit, lines: u32) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    for (index, record) in store.last_records(lines).await? {
        let mut record: Value =
            serde_json::from_slice(&record).context("a record that is not JSON; run `audit verify`")?;
        if visit.json {
            record["index"] = index.into();
            output::raw(record.to_string());
        } else {
            output::line(output::clean(&format!("{index:>6}  {record}")));
        }
    }
    Ok(output::OK)
}

async fn verify(visit: &Visit, witness: Option<&Path>, key: Option<&str>) -> Result<ExitCode> {
    let config = visit.config(config::Needs::Store)?;
    let witness = witness.map(outside::read).transpose()?;
    let key = key.map(outside::key_text).transpose()?;
    let options = store::VerifyOptions { witness: witness.as_deref(), verifier_key: key.as_deref() };
    match store::verify(&config.store, &config.data_dir, options).await {
        Ok(Verification { report, contradictions }) => {
            let root = BASE64_STANDARD.encode(report.root.0);
            if visit.json {
                let told: Vec<String> = contradictions.iter().map(ToString::to_string).collect();
                output::json(&json!({
                    "verified": contradictions.is_empty(),
                    "size": report.size,
                    "root": root,
                    "contradictions": told,
                }))?;
            } else if contradictions.is_empty() {
                output::line(format!("verified: {} records, root {root}", report.size));
            } else {
                output::line(format!("the log verifies: {} records, root {root}", report.size));
                for contradiction in &contradictions {
                    output::line(output::clean(&format!("NOT VERIFIED: {contradiction}")));
                }
                output::line(
                    "somebody changed the database past Portcullis, or put back an older copy of a part of it",
                );
            }
            Ok(if contradictions.is_empty() { output::OK } else { ExitCode::from(output::NO) })
        }
        Err(store::VerifyError::Finding(finding)) => {
            if visit.json {
                output::json(&json!({"verified": false, "finding": finding.to_string()}))?;
            } else {
                output::line(format!("NOT VERIFIED: {finding}"));
            }
            Ok(ExitCode::from(output::NO))
        }
        Err(error) => Err(error.into()),
    }
}

async fn prove(visit: &Visit, index: u64) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let note = store.checkpoint().await?;
    let checkpoint = audit::Checkpoint::open(&note, store.log_origin(), &store.log_public_key())?;
    if index >= checkpoint.size {
        bail!("there is no record {index}; the log has {} records, counted from 0", checkpoint.size);
    }
    let records = store.records(index, 1).await?;
    let (_, record) = records.first().context("the record is missing; run `audit verify`")?;
    let proof = store.inclusion_proof(index, checkpoint.size).await?;
    audit::check_inclusion(audit::leaf_hash(record), index, checkpoint.size, &proof, checkpoint.root)
        .context("the proof does not hold; run `audit verify`")?;
    output::json(&json!({
        "index": index,
        "record": String::from_utf8_lossy(record),
        "leaf_hash": BASE64_STANDARD.encode(audit::leaf_hash(record).0),
        "inclusion_proof": proof.iter().map(|hash| BASE64_STANDARD.encode(hash.0)).collect::<Vec<_>>(),
        "checkpoint": note,
        "verifier_key": audit::verifier_key(store.log_origin(), &store.log_public_key()),
    }))?;
    Ok(output::OK)
}
