//! What every example program does: its options, Ctrl-C, and how it ends.

mod device;
mod engine;
mod launched;
mod options;
mod replay;

pub use launched::{Command, run, shown, trained};
pub use options::Recording;
pub use replay::Replay;

use burn::train::Interrupter;
use burn_pow::{PowError, Record};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The exit code of a program that recorded into `out`. An error is shown first;
/// where only the mining was stopped, with what can still be verified. A run
/// that pauses has not failed.
pub fn exit(result: &anyhow::Result<()>, out: &Path) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    // Nothing is left to do where nobody reads it.
    let _ = match error.downcast_ref() {
        Some(PowError::Interrupted { blocks, unsealed }) => writeln!(
            io::stderr(),
            "error: stopped before the chain was finished (blocks mined: {blocks}; steps in none \
             of them: {unsealed}); verify with\n  cargo run --release -p pow-cli -- verify {} \
             --allow-unfinished",
            quoted(out)
        ),
        Some(PowError::Paused { blocks, unsealed }) => {
            let _ = writeln!(
                io::stderr(),
                "paused (blocks mined: {blocks}; steps in none of them: {unsealed}); \
                 the same command with --resume goes on"
            );
            return ExitCode::SUCCESS;
        }
        _ => writeln!(io::stderr(), "error: {error}"),
    };
    ExitCode::FAILURE
}

/// Prints what was recorded, where it lies, and how to verify it.
///
/// # Errors
///
/// If standard output cannot be written to.
pub fn print_record(record: &Record) -> io::Result<()> {
    let out = quoted(record.dir.path());
    let mut text = io::stdout().lock();
    writeln!(
        text,
        "recorded        {} steps in {} blocks; training waited {:.2} s for it",
        record.steps,
        record.height.get() + 1,
        record.waited.as_secs_f64()
    )?;
    writeln!(text, "run             {out}")?;
    writeln!(text, "genesis         {}", record.genesis)?;
    writeln!(
        text,
        "verify with     cargo run --release -p pow-cli -- verify {out}"
    )
}

/// What Ctrl-C stops.
static CURRENT: Mutex<Option<Interrupter>> = Mutex::new(None);
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Lets the first Ctrl-C stop whatever goes on, and the second kill the program.
/// When a program trains several times, as in a replay, it is the last training
/// that is stopped.
///
/// # Errors
///
/// If the system refuses the handler.
pub fn stop_on_ctrl_c(interrupter: Interrupter) -> anyhow::Result<()> {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if current.replace(interrupter).is_some() {
        return Ok(());
    }
    drop(current);
    ctrlc::set_handler(|| {
        if STOPPED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        let _ = writeln!(io::stderr(), "stopping; Ctrl-C again kills the program");
        let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(interrupter) = current.as_ref() {
            interrupter.stop(Some("Ctrl-C"));
        }
    })?;
    Ok(())
}

/// Whether Ctrl-C was pressed.
pub fn was_stopped() -> bool {
    STOPPED.load(Ordering::Relaxed)
}

/// As far as the path itself needs it.
fn quoted(path: &Path) -> String {
    match path.display().to_string() {
        path if path.contains(' ') => format!("\"{path}\""),
        path => path,
    }
}
