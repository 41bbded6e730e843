//! Generated files are what the generator generates.

use crate::requirements::Test;
use pow_kernels::trace::{Trace, compressions_wgsl};
use std::path::Path;

/// A file, from the workspace's root, and what writes it.
type Generated = (&'static str, fn() -> String);

const FILES: [Generated; 4] = [
    ("shaders/src/traced.wgsl", || Trace::search().wgsl()),
    ("shaders/src/hoisted.rs", || Trace::search().rust_per_job()),
    ("crates/pow-cpu/src/simd/traced.rs", || {
        Trace::search().rust_per_nonce()
    }),
    ("shaders/src/tree/compressions.wgsl", compressions_wgsl),
];

pub fn tests() -> Vec<Test> {
    FILES
        .map(|(file, generate)| {
            Test::new(format!("generated/{file}"), move || check(file, generate))
        })
        .into()
}

/// With `POW_BLESS=1`, writes the file instead.
fn check(file: &str, generate: fn() -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let generated = generate();
    if std::env::var("POW_BLESS").is_ok_and(|value| value == "1") {
        std::fs::write(path, generated).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == generated,
        "{file} differs; see its first lines"
    );
}
