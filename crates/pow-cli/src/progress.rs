//! Progress on stderr.

use indicatif::{ProgressBar, ProgressStyle};
use pow_ledger::RunDir;

/// A bar over the chain file's bytes; silent without a terminal.
pub fn bar(run: &RunDir) -> ProgressBar {
    let len = std::fs::metadata(run.chain()).map_or(0, |meta| meta.len());
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(len);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
