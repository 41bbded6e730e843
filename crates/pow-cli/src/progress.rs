//! Progress bars on stderr.

use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;

/// A progress bar over the bytes of a chain file. It prints nothing without a terminal. A
/// pipe has no length, and the bar then shows none.
pub fn bar(chain: &Path) -> ProgressBar {
    let len = std::fs::metadata(chain).map_or(0, |meta| meta.len());
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(len);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
