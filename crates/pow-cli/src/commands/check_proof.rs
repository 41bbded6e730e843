//! `pow check-proof`: checks a proof and prints what it shows.

use crate::arguments::hash;
use crate::new_file::named;
use crate::output::print_report;
use pow_audit::proof::{CheckOptions, MAX_PROOF_LEN, check_proof, check_proof_of};
use pow_audit::source::OpenFile;
use pow_core::hash::BlockHash;
use pow_ledger::open::open_named;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Check a proof from `pow prove`, without the run.
///
/// Everything in a proof depends on its head. Give the head's hash with --head, from
/// somebody whom you trust. Without it the proof is UNANCHORED.
///
/// Exit code 0: the proof holds. 1: it does not hold. 2: a file could not be read, or
/// the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The proof file, or - for stdin
    proof: PathBuf,
    /// Hash that the head must have
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    head: Option<BlockHash>,
    /// Hash of the block that the head must extend: an older head, or genesis. The proof
    /// must have been made with --extends
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    older: Option<BlockHash>,
    /// A file with the raw bytes that the proved tensor or chunk must have
    #[arg(long, value_name = "FILE")]
    value: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow check-proof proof.json                         without a trusted head
  pow check-proof proof.json --head 0031…            under the head that you trust
  pow check-proof proof.json --head 0031… --value conv1.bin
  pow check-proof proof.json --older 00af… --head 0031…";

/// Prints the verdict. True if the proof holds.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let proof = read_proof(&args.proof)?;
    let options = CheckOptions {
        head: args.head,
        older: args.older,
        value: None,
    };
    let report = match &args.value {
        Some(path) => {
            check_proof_of(&proof, &options, value(path)?).map_err(|error| named(path, error))?
        }
        None => check_proof(&proof, &options),
    };
    print_report(&report, args.json)?;
    Ok(report.holds())
}

/// Reads the file's bytes, at most one more than the limit.
fn read_proof(path: &Path) -> anyhow::Result<Vec<u8>> {
    let limit = MAX_PROOF_LEN as u64 + 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(limit)
            .read_to_end(&mut bytes)?;
    } else {
        open_named(path)?
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| named(path, error))?;
    }
    Ok(bytes)
}

/// Opens the file of the value. It may be a pipe.
fn value(path: &Path) -> anyhow::Result<OpenFile<'static>> {
    let file = open_named(path)?;
    let meta = file.metadata().map_err(|error| named(path, error))?;
    Ok(OpenFile {
        len: meta.is_file().then_some(meta.len()),
        bytes: Box::new(file),
    })
}
