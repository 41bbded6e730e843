//! Reports on stdout.

use serde::Serialize;
use std::fmt::Display;
use std::io::Write;

/// Prints a report as one JSON object or as text.
pub fn print_report(report: &(impl Serialize + Display), json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(report);
    }
    write!(std::io::stdout().lock(), "{report}")?;
    Ok(())
}

/// Prints one JSON object.
pub fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}
