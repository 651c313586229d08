//! What an outsider checks, with files and a key: no configuration, no database, no trust in us.
//!
//! Spec: C2SP tlog-tiles, tlog-checkpoint; RFC 9162 §2.1.3.2.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};
use audit::{Checkpoint, Frontier, Hash, TILE_WIDTH, bundle_path, decode_bundle, encode_tile, leaf_hash, tile_path};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::commands::visit::Visit;
use crate::output;

/// A text file.
pub fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("{} can not be read", file.display()))
}

/// A verifier key that is given as text or as a file.
pub fn key_text(given: &str) -> Result<String> {
    // The text of a key has its name, a hash and the key itself between plus signs.
    if audit::parse_verifier_key(given).is_ok() { Ok(given.to_owned()) } else { read(Path::new(given)) }
}

/// `audit verify --export`: an exported log against a key, and against an older checkpoint.
pub fn verify_export(visit: &Visit, directory: &Path, witness: Option<&Path>, key: &str) -> Result<ExitCode> {
    let key = key_text(key)?;
    let (origin, public) = audit::parse_verifier_key(&key).context("--key")?;
    let witness = match witness {
        None => None,
        Some(file) => Some(Checkpoint::open(&read(file)?, &origin, &public).context("--witness")?),
    };
    let note = read(&directory.join("checkpoint"))?;
    judged(visit, whole(directory, &note, (&origin, &public), witness.as_ref()))
}

/// Reads and hashes every record of an export.
fn whole(
    directory: &Path,
    note: &str,
    (origin, public): (&str, &[u8; 32]),
    witness: Option<&Checkpoint>,
) -> Result<Checkpoint> {
    let signed = Checkpoint::open(note, origin, public).context("the checkpoint does not hold")?;
    if let Some(witness) = witness.filter(|witness| witness.size > signed.size) {
        bail!("the log was cut: it has {} records, and the witness saw {}", signed.size, witness.size);
    }
    let mut frontier = Frontier::new();
    let mut row: Vec<Hash> = Vec::new();
    for (index, width) in tiles(signed.size) {
        let path = bundle_path(index, width);
        let bytes = fs::read(directory.join(&path)).with_context(|| format!("{path} is missing"))?;
        let records = decode_bundle(&bytes).with_context(|| format!("{path} is no bundle of records"))?;
        if records.len() != usize::from(width.unwrap_or(TILE_WIDTH)) {
            bail!("{path} has {} records, and not as many as its name says", records.len());
        }
        for record in &records {
            if witness.is_some_and(|witness| witness.size == frontier.size() && witness.root != frontier.root()) {
                bail!("the records before {} are not those that the witness saw", frontier.size());
            }
            frontier.append(leaf_hash(record));
            row.push(leaf_hash(record));
        }
    }
    if frontier.root() != signed.root {
        bail!("the {} records do not hash to the signed root: a record was edited, removed or moved", signed.size);
    }
    if witness.is_some_and(|witness| witness.size == frontier.size() && witness.root != frontier.root()) {
        bail!("the records are not those that the witness saw");
    }
    for level in 0u8.. {
        if row.is_empty() {
            break;
        }
        for (hashes, (index, width)) in row.chunks(usize::from(TILE_WIDTH)).zip(tiles(row.len() as u64)) {
            let path = tile_path(level, index, width);
            let bytes = fs::read(directory.join(&path)).with_context(|| format!("{path} is missing"))?;
            if bytes != encode_tile(hashes) {
                bail!("{path} has other hashes than the records");
            }
        }
        row = row.chunks_exact(usize::from(TILE_WIDTH)).map(audit::subtree_root).collect();
    }
    Ok(signed)
}

/// The tiles of a row of `width` hashes: index, and how many when it is not full.
fn tiles(width: u64) -> impl Iterator<Item = (u64, Option<u16>)> {
    let (full, rest) = (width / u64::from(TILE_WIDTH), (width % u64::from(TILE_WIDTH)) as u16);
    (0..full).map(|index| (index, None)).chain((rest > 0).then_some((full, Some(rest))))
}

/// `audit verify-proof`: one record, as `audit prove` printed it.
pub fn verify_proof(visit: &Visit, file: &Path, key: Option<&str>) -> Result<ExitCode> {
    let proof: Value = serde_json::from_str(&read(file)?).with_context(|| format!("{} is no proof", file.display()))?;
    let own = proof["verifier_key"].as_str().unwrap_or_default();
    let key = match key {
        Some(key) => key_text(key)?,
        None => {
            output::warn(
                "without --key this is held against the key in the file itself, which whoever made the file has chosen",
            );
            own.to_owned()
        }
    };
    let (origin, public) = audit::parse_verifier_key(&key).context("the verifier key")?;
    judged(visit, proven(&proof, &origin, &public))
}

fn proven(proof: &Value, origin: &str, public: &[u8; 32]) -> Result<Checkpoint> {
    let text = |name: &str| proof[name].as_str().with_context(|| format!("the proof has no `{name}`"));
    let signed = Checkpoint::open(text("checkpoint")?, origin, public).context("the checkpoint does not hold")?;
    let index = proof["index"].as_u64().context("the proof has no `index`")?;
    let hashes = proof["inclusion_proof"].as_array().context("the proof has no `inclusion_proof`")?;
    let hash = |text: &Value| {
        let bytes = BASE64_STANDARD.decode(text.as_str()?).ok()?;
        Some(Hash(bytes.try_into().ok()?))
    };
    let hashes: Option<Vec<Hash>> = hashes.iter().map(hash).collect();
    let hashes = hashes.context("the proof has a hash that is none")?;
    audit::check_inclusion(leaf_hash(text("record")?.as_bytes()), index, signed.size, &hashes, signed.root)
        .context("the record is not in the log that was signed")?;
    Ok(signed)
}

fn judged(visit: &Visit, outcome: Result<Checkpoint>) -> Result<ExitCode> {
    match outcome {
        Ok(signed) => {
            let root = BASE64_STANDARD.encode(signed.root.0);
            let said = format!("verified: {} records, root {root}", signed.size);
            visit.tell(&json!({"verified": true, "size": signed.size, "root": root}), said)
        }
        Err(finding) => {
            let finding = format!("{finding:#}");
            visit.tell(
                &json!({"verified": false, "finding": finding}),
                format!("NOT VERIFIED: {}", output::clean(&finding)),
            )?;
            Ok(ExitCode::from(output::NO))
        }
    }
}
