//! What every example program shares: its options, its signals, and how it ends.

mod device;
mod engine;
mod launched;
mod options;
mod replay;
mod signals;

pub use device::DeviceArg;
pub use launched::{Command, run, shown};
pub use options::Recording;
pub use replay::Replay;
pub use signals::{stop_on_signal, was_stopped};

use burn_pow::{Finished, PowError, RunSummary, Unfinished};
use pow_audit::display::printable;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// The exit code of a program that recorded into `out`. Prints an error first. If only
/// the mining was stopped, also prints how to verify the chain. A paused run is a
/// success.
pub fn exit(result: &anyhow::Result<Finished>, out: &Path) -> ExitCode {
    let mut notes = io::stderr();
    // A closed stderr changes nothing here.
    let _ = match result {
        Ok(Finished::Interrupted(chain)) => interrupted(chain, out),
        Ok(Finished::Paused(Unfinished {
            blocks, unsealed, ..
        })) => {
            let _ = writeln!(
                notes,
                "paused (blocks mined: {blocks}; steps in none of them: {unsealed}); \
                 the same command with --resume or --requeue resumes it"
            );
            return ExitCode::SUCCESS;
        }
        Ok(_) => return ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref() {
            Some(PowError::Interrupted(chain)) => interrupted(chain, out),
            // The error may quote a run that somebody else made.
            _ => writeln!(notes, "error: {}", printable(&error.to_string())),
        },
    };
    ExitCode::FAILURE
}

/// The exit code of a program that records nothing. Prints an error first.
pub fn exit_without_run(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    // If standard error is closed, nobody reads the message.
    let _ = writeln!(io::stderr(), "error: {}", printable(&format!("{error:#}")));
    ExitCode::FAILURE
}

fn interrupted(chain: &Unfinished, out: &Path) -> io::Result<()> {
    writeln!(
        io::stderr(),
        "error: stopped before the chain was finished (blocks mined: {}; steps in none \
         of them: {}); verify with\n  cargo run --release -p pow-cli -- verify {} \
         --allow-unfinished",
        chain.blocks,
        chain.unsealed,
        quoted(out)
    )
}

/// Prints what was recorded, where it is, and how to verify it.
///
/// # Errors
///
/// If standard output cannot be written.
pub fn print_summary(summary: &RunSummary) -> io::Result<()> {
    let out = quoted(summary.dir.path());
    let mut text = io::stdout().lock();
    writeln!(
        text,
        "recorded        {} steps in {} blocks; training waited {:.2} s for it",
        summary.steps,
        summary.height.get() + 1,
        summary.waited.as_secs_f64()
    )?;
    writeln!(text, "run             {out}")?;
    writeln!(text, "genesis         {}", summary.genesis)?;
    writeln!(
        text,
        "verify with     cargo run --release -p pow-cli -- verify {out}"
    )
}

/// The path, in quotation marks if it contains a space.
fn quoted(path: &Path) -> String {
    match printable(&path.display().to_string()) {
        path if path.contains(' ') => format!("\"{path}\""),
        path => path,
    }
}
