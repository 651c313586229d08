//! What one token costs: `cargo bench -p portcullis-token`.

fn main() {
    divan::main();
}
