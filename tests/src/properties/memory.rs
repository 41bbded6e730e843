//! Measuring what a reader of ours takes. The allocator that counts is the fuzz
//! targets'; ordinary tests do without.

use std::sync::OnceLock;

/// Runs a reader of so many bytes, and panics if it took too much memory.
pub type Meter = fn(bytes: usize, read: &mut dyn FnMut());

static METER: OnceLock<Meter> = OnceLock::new();

/// From now on this measures every reader of ours, in this process.
///
/// # Panics
///
/// If there is a meter already.
pub fn measure_with(meter: Meter) {
    assert!(METER.set(meter).is_ok(), "there is a meter already");
}

/// Runs a reader of so many bytes.
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
