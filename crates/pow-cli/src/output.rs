//! What the program prints. Everything that a person reads leaves through here, so that no
//! text from a stranger's file, nor the name of one, reaches a terminal unescaped.

use pow_audit::display::{printable, printable_json, printable_lines};
use serde::Serialize;
use std::fmt::Display;
use std::io::Write;

/// Prints a report as one JSON object or as text.
pub fn print_report(report: &(impl Serialize + Display), json: bool) -> anyhow::Result<()> {
    match json {
        true => print_json(report),
        false => print_text(&report.to_string()),
    }
}

/// Prints one JSON object.
pub fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let json = printable_json(&serde_json::to_string_pretty(value)?);
    writeln!(std::io::stdout().lock(), "{json}")?;
    Ok(())
}

/// Prints lines of text.
pub fn print_text(text: &str) -> anyhow::Result<()> {
    let text = printable_lines(text);
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// Prints a message on stderr, in one line.
pub fn complain(message: &impl Display) {
    let message = printable(&message.to_string());
    // If stderr is closed, nobody listens.
    let _ = writeln!(std::io::stderr().lock(), "pow: {message}");
}
