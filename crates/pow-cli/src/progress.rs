//! Progress bars on stderr. They print nothing without a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;

/// A progress bar over the bytes of a chain file. A pipe has no length, and the bar then
/// shows none.
pub fn bar(chain: &Path) -> ProgressBar {
    bytes(std::fs::metadata(chain).map_or(0, |meta| meta.len()))
}

/// A progress bar over so many bytes.
pub fn bytes(len: u64) -> ProgressBar {
    styled(
        ProgressBar::new(len),
        "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}",
    )
}

/// The bytes that came through a pipe, of which nobody knows how many there are.
pub fn passing() -> ProgressBar {
    styled(
        ProgressBar::new_spinner(),
        "{spinner} {bytes} {bytes_per_sec}",
    )
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
