//! A stored log in memory, and everything somebody with access to the disk could do to it.

use super::*;
use crate::encode_bundle;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::collections::BTreeMap;

const ORIGIN: &str = "log.example/audit";

struct Disk {
    head: StoredHead,
    /// Batches by the index of their first record, as the store keeps them.
    batches: BTreeMap<u64, Row>,
    tiles: BTreeMap<(u8, u64), StoredTile>,
}

struct Row {
    count: u64,
    records: Vec<Vec<u8>>,
    hashes: Vec<Hash>,
}

impl LogSource for Disk {
    type Error = String;

    fn head(&mut self) -> Result<StoredHead, String> {
        Ok(self.head.clone())
    }

    fn batches(&mut self, first: u64) -> Result<Vec<StoredBatch>, String> {
        let rows = self.batches.range(first..).take(3);
        Ok(rows
            .map(|(first, row)| StoredBatch {
                first: *first,
                count: row.count,
                entries: encode_bundle(&row.records),
                hashes: encode_tile(&row.hashes),
            })
            .collect())
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<Option<StoredTile>, String> {
        Ok(self.tiles.get(&(level, index)).cloned())
    }

    fn tiles(&mut self) -> Result<u64, String> {
        Ok(self.tiles.len() as u64)
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

fn row(records: &[Vec<u8>]) -> Row {
    let hashes = records.iter().map(|record| leaf_hash(record)).collect();
    Row { count: records.len() as u64, records: records.to_vec(), hashes }
}

/// `size` records in batches of seven.
fn disk(size: u64) -> Disk {
    let records: Vec<Vec<u8>> = (0..size).map(record).collect();
    let mut tail = Tail::new();
    let mut tiles = BTreeMap::new();
    for full in records.iter().flat_map(|record| tail.append(leaf_hash(record))) {
        let stored = StoredTile { root: full.root.0.to_vec(), hashes: encode_tile(&full.hashes) };
        tiles.insert((full.level, full.index), stored);
    }
    let batches = records.chunks(7).enumerate().map(|(number, batch)| (number as u64 * 7, row(batch))).collect();
    let head = StoredHead { checkpoint: signed(&head(size)), size, frontier: tail.frontier().to_bytes() };
    Disk { head, batches, tiles }
}

impl Disk {
    fn record(&mut self, index: u64) -> &mut Vec<u8> {
        &mut self.batches.get_mut(&(index / 7 * 7)).unwrap().records[(index % 7) as usize]
    }

    fn hash(&mut self, index: u64) -> &mut Hash {
        &mut self.batches.get_mut(&(index / 7 * 7)).unwrap().hashes[(index % 7) as usize]
    }

    fn verify(&mut self) -> Result<Report, Finding> {
        verify_log(self, ORIGIN, &key().1, &[])
    }

    fn verify_with(&mut self, witness: &Checkpoint) -> Result<Report, Finding> {
        verify_log(self, ORIGIN, &key().1, std::slice::from_ref(witness))
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
fn an_edited_record_is_found_when_its_hash_was_edited_too() {
    let mut disk = disk(600);
    *disk.record(300) = b"forged".to_vec();
    *disk.hash(300) = leaf_hash(b"forged");
    assert_eq!(disk.verify(), Err(Finding::Edited { index: 300 }), "its tile tells");
    disk.tiles.clear();
    assert_eq!(disk.verify(), Err(Finding::Rewritten { size: 600 }));
}

#[test]
fn an_edited_hash_is_named_although_all_records_hold() {
    let mut disk = disk(600);
    *disk.hash(300) = leaf_hash(b"forged");
    assert_eq!(disk.verify(), Err(Finding::HashEdited { index: 300 }));
}

#[test]
fn a_row_that_shows_another_record_in_place_of_a_signed_one_is_found() {
    for index in [1, 20, 300, 597] {
        let mut disk = disk(600);
        disk.batches.insert(index, row(&[b"forged".to_vec()]));
        assert_eq!(disk.verify(), Err(Finding::Shadowed { index }));
    }
}

#[test]
fn a_row_that_does_not_hold_what_it_claims_is_found() {
    let mut claims = disk(600);
    claims.batches.get_mut(&14).unwrap().count = 8;
    assert_eq!(claims.verify(), Err(Finding::Miscounted { index: 14, count: 8, entries: 7, hashes: 7 }));
    let mut hashes = disk(600);
    hashes.batches.get_mut(&14).unwrap().hashes.push(leaf_hash(b"forged"));
    assert_eq!(hashes.verify(), Err(Finding::Miscounted { index: 14, count: 7, entries: 7, hashes: 8 }));
    hashes.batches.get_mut(&14).unwrap().hashes.clear();
    assert_eq!(hashes.verify(), Err(Finding::Miscounted { index: 14, count: 7, entries: 7, hashes: 0 }));
}

#[test]
fn a_tile_of_any_level_that_was_changed_is_named() {
    for (level, index) in [(0, 0), (0, 256), (1, 0)] {
        let mut root = disk(66_000);
        root.tiles.get_mut(&(level, index)).unwrap().root[0] ^= 1;
        assert_eq!(root.verify(), Err(Finding::Tile { level, index }));
        let mut hashes = disk(66_000);
        hashes.tiles.get_mut(&(level, index)).unwrap().hashes[70] ^= 1;
        assert_eq!(hashes.verify(), Err(Finding::Tile { level, index }));
        let mut gone = disk(66_000);
        gone.tiles.remove(&(level, index));
        assert_eq!(gone.verify(), Err(Finding::Tile { level, index }));
    }
}

#[test]
fn a_tile_that_the_log_does_not_have_is_found() {
    let mut disk = disk(600);
    let stray = disk.tiles[&(0, 0)].clone();
    disk.tiles.insert((0, 2), stray);
    assert_eq!(disk.verify(), Err(Finding::StrayTiles { expected: 2, found: 3 }));
}

#[test]
fn a_size_or_frontier_that_was_changed_beside_the_signature_is_found() {
    let mut size = disk(600);
    size.head.size = 599;
    assert_eq!(size.verify(), Err(Finding::Head { what: "size" }));
    let mut frontier = disk(600);
    frontier.head.frontier[10] ^= 1;
    assert_eq!(frontier.verify(), Err(Finding::Head { what: "frontier" }));
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
    disk.batches = BTreeMap::from([(0, row(&rest))]);
    disk.batches.get_mut(&0).unwrap().hashes = (0..600).map(|index| leaf_hash(&record(index))).collect();
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
    for index in [600, 601, 10_000] {
        let mut disk = disk(600);
        disk.batches.insert(index, row(&[b"forged".to_vec()]));
        assert_eq!(disk.verify(), Err(Finding::Unsigned { index }));
    }
    let mut longer = disk(600);
    let last = longer.batches.get_mut(&595).unwrap();
    *last = row(&[&last.records[..], &[b"forged".to_vec()]].concat());
    assert_eq!(longer.verify(), Err(Finding::Unsigned { index: 600 }));
}

#[test]
fn a_checkpoint_somebody_else_signed_is_refused() {
    let mut disk = disk(10);
    let forger = Ed25519KeyPair::from_seed_unchecked(&[4; 32]).unwrap();
    disk.head.checkpoint = head(10).sign(&|message| forger.sign(message).as_ref().try_into().unwrap(), &key().1);
    assert_eq!(disk.verify(), Err(Finding::Checkpoint(NoteError::BadSignature { name: ORIGIN.into() })));
    disk.head.checkpoint = disk.head.checkpoint.replace("\n10\n", "\n9\n");
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
