//! A stored log in memory, and everything somebody with access to the disk could do to it.

use super::*;
use crate::NoteError;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::collections::BTreeMap;

const ORIGIN: &str = "log.example/audit";

struct Disk {
    note: String,
    /// Batches by the index of their first record, as the store keeps them.
    batches: BTreeMap<u64, Vec<Vec<u8>>>,
    hashes: Vec<Hash>,
    grows_to: Option<String>,
}

impl LogSource for Disk {
    type Error = String;

    fn checkpoint(&mut self) -> Result<String, String> {
        let note = self.note.clone();
        if let Some(next) = self.grows_to.take() {
            self.note = next;
        }
        Ok(note)
    }

    fn entries(&mut self, first: u64) -> Result<Vec<Vec<u8>>, String> {
        let batch = self.batches.range(..=first).next_back();
        Ok(batch
            .map(|(start, batch)| batch.iter().skip((first - start) as usize).cloned().collect())
            .unwrap_or_default())
    }

    fn leaf_hashes(&mut self, tile_index: u64) -> Result<Option<Vec<Hash>>, String> {
        Ok(self.hashes.chunks(256).nth(tile_index as usize).map(<[Hash]>::to_vec))
    }
}

fn key() -> (Ed25519KeyPair, [u8; 32]) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap();
    let public = pair.public_key().as_ref().try_into().unwrap();
    (pair, public)
}

fn record(index: u64) -> Vec<u8> {
    format!("record {index}").into_bytes()
}

fn head(size: u64) -> Checkpoint {
    let mut frontier = Frontier::new();
    (0..size).for_each(|index| frontier.append(leaf_hash(&record(index))));
    Checkpoint { origin: ORIGIN.into(), size, root: frontier.root() }
}

fn signed(checkpoint: &Checkpoint) -> String {
    let (pair, public) = key();
    checkpoint.sign(&|message| pair.sign(message).as_ref().try_into().unwrap(), &public)
}

/// `size` records in batches of seven.
fn disk(size: u64) -> Disk {
    let records: Vec<Vec<u8>> = (0..size).map(record).collect();
    let hashes = records.iter().map(|record| leaf_hash(record)).collect();
    let batches = records.chunks(7).enumerate().map(|(number, batch)| (number as u64 * 7, batch.to_vec())).collect();
    Disk { note: signed(&head(size)), batches, hashes, grows_to: None }
}

impl Disk {
    fn record(&mut self, index: u64) -> &mut Vec<u8> {
        &mut self.batches.get_mut(&(index / 7 * 7)).unwrap()[(index % 7) as usize]
    }

    fn verify(&mut self) -> Result<Report, Finding> {
        verify_log(self, ORIGIN, &key().1, None)
    }

    fn verify_with(&mut self, witness: &Checkpoint) -> Result<Report, Finding> {
        verify_log(self, ORIGIN, &key().1, Some(witness))
    }
}

#[test]
fn an_untouched_log_verifies_at_every_size() {
    for size in [0, 1, 6, 7, 8, 255, 256, 257, 600] {
        let report = disk(size).verify().unwrap();
        assert_eq!((report.size, report.root), (size, head(size).root));
    }
}

#[test]
fn an_edited_record_is_named() {
    for index in [0, 6, 7, 255, 256, 599] {
        let mut disk = disk(600);
        disk.record(index).push(b'!');
        assert_eq!(disk.verify(), Err(Finding::Edited { index }));
    }
}

#[test]
fn an_edited_record_is_found_when_its_hash_was_edited_or_removed_too() {
    let mut disk = disk(600);
    *disk.record(300) = b"forged".to_vec();
    disk.hashes[300] = leaf_hash(b"forged");
    assert_eq!(disk.verify(), Err(Finding::Rewritten { size: 600 }));
    disk.hashes.clear();
    assert_eq!(disk.verify(), Err(Finding::Rewritten { size: 600 }));
}

#[test]
fn an_edited_hash_is_named_although_all_records_hold() {
    let mut disk = disk(600);
    disk.hashes[300] = leaf_hash(b"forged");
    assert_eq!(disk.verify(), Err(Finding::HashEdited { index: 300 }));
}

#[test]
fn reordered_records_are_found_at_the_first_that_moved() {
    let mut disk = disk(600);
    let (a, b) = (disk.record(20).clone(), disk.record(40).clone());
    *disk.record(20) = b;
    *disk.record(40) = a;
    assert_eq!(disk.verify(), Err(Finding::Edited { index: 20 }));
}

#[test]
fn a_record_taken_out_with_the_rest_moved_up_is_found() {
    let mut disk = disk(600);
    let mut rest: Vec<Vec<u8>> = (0..600).map(record).collect();
    rest.remove(20);
    disk.batches = BTreeMap::from([(0, rest)]);
    assert_eq!(disk.verify(), Err(Finding::Edited { index: 20 }));
}

#[test]
fn a_hole_is_told_from_an_end_that_was_cut_off() {
    let mut holed = disk(600);
    holed.batches.remove(&14);
    assert_eq!(holed.verify(), Err(Finding::Missing { index: 14 }));
    let mut cut = disk(600);
    cut.batches.retain(|first, _| *first < 400);
    assert_eq!(cut.verify(), Err(Finding::Truncated { size: 600, found: 406 }));
    cut.batches.clear();
    assert_eq!(cut.verify(), Err(Finding::Truncated { size: 600, found: 0 }));
}

#[test]
fn a_record_put_in_after_the_signed_end_is_found() {
    let mut disk = disk(600);
    disk.batches.insert(600, vec![b"forged".to_vec()]);
    assert_eq!(disk.verify(), Err(Finding::Unsigned { index: 600 }));
}

#[test]
fn a_log_that_grows_while_it_is_read_verifies_at_the_size_first_seen() {
    let mut growing = disk(601);
    growing.grows_to = Some(signed(&head(601)));
    growing.note = signed(&head(600));
    assert_eq!(growing.verify().unwrap().size, 600);
}

#[test]
fn a_checkpoint_somebody_else_signed_is_refused() {
    let mut disk = disk(10);
    let forger = Ed25519KeyPair::from_seed_unchecked(&[4; 32]).unwrap();
    disk.note = head(10).sign(&|message| forger.sign(message).as_ref().try_into().unwrap(), &key().1);
    assert_eq!(disk.verify(), Err(Finding::Checkpoint(NoteError::BadSignature { name: ORIGIN.into() })));
    disk.note = disk.note.replace("\n10\n", "\n9\n");
    assert!(matches!(disk.verify(), Err(Finding::Checkpoint(_))));
}

#[test]
fn every_older_checkpoint_is_confirmed() {
    for witnessed in [0, 1, 7, 255, 256, 300, 599, 600] {
        let report = disk(600).verify_with(&head(witnessed)).unwrap();
        assert_eq!(report.witnessed, Some(witnessed));
    }
}

#[test]
fn a_log_rolled_back_or_rewritten_and_signed_again_is_found_by_its_witness() {
    assert_eq!(disk(500).verify_with(&head(600)), Err(Finding::RolledBack { witnessed: 600, size: 500 }));
    for witnessed in [21, 300, 600] {
        let mut other = head(witnessed);
        other.root = leaf_hash(b"another history");
        assert_eq!(disk(600).verify_with(&other), Err(Finding::NotAPrefix { witnessed }));
    }
}
