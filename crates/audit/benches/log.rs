//! What one record costs in the log: its hash, its place in the tree, the root over all.

use divan::{Bencher, black_box};
use portcullis_audit::{Frontier, encode_bundle, leaf_hash};

fn main() {
    divan::main();
}

/// A `call_decided` record has about this many bytes.
const RECORD: [u8; 500] = [b'x'; 500];

fn million() -> Frontier {
    let leaf = leaf_hash(&RECORD);
    let mut frontier = Frontier::new();
    (0..1_000_000).for_each(|_| frontier.append(leaf));
    frontier
}

#[divan::bench]
fn hash_a_record() {
    black_box(leaf_hash(black_box(&RECORD)));
}

#[divan::bench]
fn append_to_a_million(bencher: Bencher) {
    let mut frontier = million();
    let leaf = leaf_hash(&RECORD);
    bencher.bench_local(|| frontier.append(black_box(leaf)));
}

#[divan::bench]
fn root_of_a_million(bencher: Bencher) {
    let frontier = million();
    bencher.bench(|| black_box(&frontier).root());
}

#[divan::bench]
fn store_and_read_the_frontier_of_a_million(bencher: Bencher) {
    let frontier = million();
    bencher.bench(|| Frontier::from_bytes(&black_box(&frontier).to_bytes()));
}

#[divan::bench(args = [1, 16, 256])]
fn bundle(bencher: Bencher, records: usize) {
    let records = vec![RECORD; records];
    bencher.bench(|| encode_bundle(black_box(&records)));
}
