//! Measures the memory that a reader takes. Only the fuzz targets have the
//! allocator that counts; in other tests nothing is measured.

use std::sync::OnceLock;

/// Runs a reader of this many bytes, and panics if it took too much memory.
pub type Meter = fn(bytes: usize, read: &mut dyn FnMut());

static METER: OnceLock<Meter> = OnceLock::new();

/// From now on this measures every reader in this process.
///
/// # Panics
///
/// If there is a meter already.
pub fn measure_with(meter: Meter) {
    assert!(METER.set(meter).is_ok(), "there is a meter already");
}

/// Runs a reader of this many bytes.
pub(super) fn metered<T>(bytes: usize, read: impl FnOnce() -> T) -> T {
    let mut read = Some(read);
    let mut value = None;
    let mut run = || value = read.take().map(|read| read());
    match METER.get() {
        Some(meter) => meter(bytes, &mut run),
        None => run(),
    }
    value.expect("a meter runs the reader")
}
