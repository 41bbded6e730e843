//! `pow anchor`: takes a timestamp over a block into the run.

use crate::output::{complain, print_text};
use crate::run_path::RunPath;
use anyhow::bail;
use pow_audit::anchor::{AnchorProof, MAX_OTS, OtsAttestation, OtsProof, accept};
use pow_audit::display::utc;
use pow_core::body::UnixMillis;
use pow_ledger::open::read_named;
use std::path::PathBuf;

/// Take a timestamp over a block's header into the run's anchors/: an OpenTimestamps proof,
/// or the answer of a TSA by RFC 3161.
///
/// It must be over a header that `pow stamp` wrote for this chain. A proof may be pending.
/// What it leads to is checked by `pow verify`, with --bitcoin-headers and --trust-tsa. The
/// chain is not changed.
///
/// Exit code 0: it is in the run. 1: it is no timestamp over a block of this chain, or the
/// chain does not hold. 2: something could not be read or written.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory
    run: PathBuf,
    /// The proof, complete or pending, or the answer of the TSA
    file: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  pow anchor runs/digits head.header.ots
  pow anchor runs/digits head.header.tsr";

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
    let path = run.add_anchor(accepted.proof.kind(), &bytes)?;
    let mut text = format!("block {}: {}\n", accepted.height.get(), path.display());
    match &accepted.proof {
        AnchorProof::OpenTimestamps(proof) => text.push_str(&leads_to(proof)),
        AnchorProof::Rfc3161(token) => text.push_str(&format!(
            "  a TSA says {}, by its policy {}\n",
            utc(UnixMillis(
                u64::try_from(token.time.as_millis()).unwrap_or(u64::MAX)
            )),
            token.policy
        )),
        _ => {}
    }
    print_text(&text)?;
    Ok(true)
}

fn leads_to(proof: &OtsProof) -> String {
    let mut text = String::new();
    for path in &proof.paths {
        text.push_str(&match &path.attestation {
            OtsAttestation::Bitcoin(height) => format!("  leads to Bitcoin block {height}\n"),
            OtsAttestation::Pending(calendar) => format!("  pending at {calendar:?}\n"),
            _ => "  an attestation of an unknown kind\n".into(),
        });
    }
    if !proof.is_complete() {
        text.push_str("pending: complete it with `ots upgrade`, and take it in again\n");
    }
    text
}
