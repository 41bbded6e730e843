//! What the fuzz targets have in common. `scripts/fuzz.sh` builds them. See
//! `docs/fuzzing.md`.

pub use libfuzzer_sys;
use peak_alloc::PeakAlloc;
use pow_tests::properties::{measure_with, seeds};
use std::path::PathBuf;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How many bytes of memory a reader may use, however short its input is.
const FREE: usize = 64 << 10;
/// How many more bytes of memory a reader may use for each byte of its input.
const PER_BYTE: usize = 64;

/// Runs a reader, and checks that its memory grows with the length of the input,
/// not with lengths that the input claims.
fn meter(bytes: usize, read: &mut dyn FnMut()) {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    read();
    let peak = MEMORY.peak_usage().saturating_sub(before);
    let allowed = FREE + PER_BYTE * bytes;
    assert!(
        peak <= allowed,
        "{peak} bytes of memory for {bytes} bytes of input; at most {allowed} are allowed"
    );
}

/// Starts a target: sets the memory meter and writes the first inputs.
///
/// # Panics
///
/// If the inputs cannot be written.
pub fn begin(property: &str) {
    measure_with(meter);
    write_seeds(property);
}

/// Writes the property's first inputs, before libFuzzer reads them. The
/// environment variable `POW_FUZZ_SEEDS` names their directory.
fn write_seeds(property: &str) {
    let Some(dir) = std::env::var_os("POW_FUZZ_SEEDS").map(PathBuf::from) else {
        return;
    };
    let own = seeds().into_iter().filter(|seed| seed.property == property);
    for (i, seed) in own.enumerate() {
        let path = dir.join(format!("seed-{i}"));
        std::fs::write(&path, seed.bytes)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// A libFuzzer target that gives its inputs to one of
/// `pow_tests::properties`.
#[macro_export]
macro_rules! target {
    ($property:ident) => {
        $crate::libfuzzer_sys::fuzz_target!(
            init: $crate::begin(stringify!($property)),
            |data: &[u8]| {
                pow_tests::properties::$property(data);
            }
        );
    };
}
