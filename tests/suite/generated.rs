//! Generated files are what the generator generates.

use crate::requirements::Test;
use pow_kernels::trace::Trace;
use std::path::Path;

/// A file, from the workspace's root, and what writes it.
type Generated = (&'static str, fn(&Trace) -> String);

const FILES: [Generated; 3] = [
    ("shaders/src/traced.wgsl", Trace::wgsl),
    ("shaders/src/hoisted.rs", Trace::rust_per_job),
    ("crates/pow-cpu/src/simd/traced.rs", Trace::rust_per_nonce),
];

pub fn tests() -> Vec<Test> {
    FILES
        .map(|(file, generate)| {
            Test::new(format!("generated/{file}"), move || check(file, generate))
        })
        .into()
}

/// With `POW_BLESS=1`, writes the file instead.
fn check(file: &str, generate: fn(&Trace) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let generated = generate(&Trace::search());
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
