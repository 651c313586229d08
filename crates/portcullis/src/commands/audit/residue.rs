//! `audit residue`: what was allowed after an end, recomputed from the log that verifies.

use std::process::ExitCode;

use anyhow::{Context, Result};
use governance::residue::{Ended, Residue};
use serde_json::{Value, json};

use crate::{commands::visit::Visit, config, output};

/// So many records are read at once.
const AT_ONCE: u32 = 1000;

/// Reads the whole log, and says of each end what was decided after it. Status 1 when anything was, or when the log does
/// not verify.
pub async fn residue(visit: &Visit) -> Result<ExitCode> {
    let config = visit.config(config::Needs::Store)?;
    let options = store::VerifyOptions { witness: None, verifier_key: None };
    if let Err(error) = store::verify(&config.store, &config.data_dir, options).await {
        return match error {
            store::VerifyError::Finding(finding) => {
                output::line(format!("NOT VERIFIED: {finding}; run `audit verify`"));
                Ok(ExitCode::from(output::NO))
            }
            error => Err(error.into()),
        };
    }
    let (_, store) = visit.open().await?;
    let (mut heard, mut next) = (Residue::default(), 0);
    loop {
        let records = store.records(next, AT_ONCE).await?;
        let Some((last, _)) = records.last() else { break };
        next = last + 1;
        for (_, record) in &records {
            heard.hear(&serde_json::from_slice::<Value>(record).context("a record that is not JSON")?);
        }
    }
    let ended = heard.ended(store.now().micros());
    let late: Vec<&Ended> = ended.iter().filter(|ended| ended.residue > Some(0)).collect();
    let most = |pick: fn(&Ended) -> Option<i64>| ended.iter().filter_map(pick).max();
    let (residue, tail) = (most(|ended| ended.residue), most(|ended| ended.tail));
    if visit.json {
        output::json(&json!({
            "ended": ended, "late": late.len(), "most_residue_us": residue, "most_tail_us": tail,
        }))?;
    } else {
        let calls: u64 = ended.iter().map(|ended| ended.calls).sum();
        output::line(format!("{} ends, {calls} calls under them, {} decided after an end", ended.len(), late.len()));
        let seconds =
            |micros: Option<i64>| micros.map_or("none".to_owned(), |micros| format!("{:.3}s", micros as f64 / 1e6));
        output::line(format!("most residue {}, longest tail {}", seconds(residue), seconds(tail)));
        for ended in &late {
            output::line(output::clean(&format!("LATE: {} ({}) by {}", ended.id, ended.cause, seconds(ended.residue))));
        }
    }
    Ok(if late.is_empty() { output::OK } else { ExitCode::from(output::NO) })
}
