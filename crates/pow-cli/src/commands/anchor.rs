//! `pow anchor`: takes a timestamp over a block into the run.

use crate::output::{complain, print_text};
use crate::run_path::RunPath;
use anyhow::bail;
use pow_audit::anchor::{MAX_OTS, OtsAttestation, accept};
use pow_ledger::open::read_named;
use std::path::PathBuf;

/// Take an OpenTimestamps proof over a block's header into the run's anchors/.
///
/// The proof must be over a header that `pow stamp` wrote for this chain. It may be
/// pending. What it leads to is checked by `pow verify --bitcoin-headers`. The chain is
/// not changed.
///
/// Exit code 0: it is in the run. 1: it is no proof over a block of this chain, or the
/// chain does not hold. 2: something could not be read or written.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory
    run: PathBuf,
    /// The proof, complete or pending
    file: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  pow anchor runs/digits head.header.ots";

/// Takes the proof in. False if it does not belong to the run.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let RunPath::Directory(run) = RunPath::of(&args.run) else {
        bail!(
            "{}: anchor needs the run directory, not only its chain file",
            args.run.display()
        );
    };
    let bytes = read_named(&args.file, MAX_OTS as u64)?;
    let accepted = match accept(&run, &bytes) {
        Ok(accepted) => accepted,
        Err(error) if error.is_verdict() => {
            complain(&format!("{}: {error}", args.file.display()));
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let path = run.add_anchor(accepted.kind, &bytes)?;
    let mut text = format!("block {}: {}\n", accepted.height.get(), path.display());
    for path in &accepted.proof.paths {
        text.push_str(&match &path.attestation {
            OtsAttestation::Bitcoin(height) => format!("  leads to Bitcoin block {height}\n"),
            OtsAttestation::Pending(calendar) => format!("  pending at {calendar:?}\n"),
            _ => "  an attestation of an unknown kind\n".into(),
        });
    }
    if !accepted.proof.is_complete() {
        text.push_str("pending: complete it with `ots upgrade`, and take it in again\n");
    }
    print_text(&text)?;
    Ok(true)
}
