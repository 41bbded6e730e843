//! `pow check-proof`: what a proof shows.

use crate::arguments::hash;
use crate::prove::named;
use pow_audit::proof::{CheckOptions, MAX_PROOF_LEN, check_proof};
use pow_core::hash::BlockHash;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Check a proof that `pow prove` made, without the run that it is about.
///
/// Everything in a proof hangs on its head. Give the head's hash with --head,
/// as told by someone you trust; without it the proof is UNANCHORED.
///
/// Exit code 0: the proof holds; 1: it does not; 2: a file could not be read, or
/// the call is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The proof; - for stdin
    proof: PathBuf,
    /// Hash that the head must have
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    head: Option<BlockHash>,
    /// Hash that the block must have which the head extends: an older head, or
    /// genesis (the proof must be one of --extends)
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    older: Option<BlockHash>,
    /// File of the raw bytes that the proved tensor or chunk must have
    #[arg(long, value_name = "FILE")]
    value: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow check-proof proof.json                         does it hold in itself?
  pow check-proof proof.json --head 0031…            under the head that I know?
  pow check-proof proof.json --head 0031… --value conv1.bin
  pow check-proof proof.json --older 00af… --head 0031…";

/// Prints the verdict; true if the proof holds.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let proof = read_proof(&args.proof)?;
    let value = match &args.value {
        Some(path) => Some(std::fs::read(path).map_err(|error| named(path, error))?),
        None => None,
    };
    let options = CheckOptions {
        head: args.head,
        older: args.older,
        value: value.as_deref(),
    };
    let report = check_proof(&proof, &options);
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(report.holds())
}

/// The file's bytes, but no more than show that they are too many.
fn read_proof(path: &Path) -> anyhow::Result<Vec<u8>> {
    let limit = MAX_PROOF_LEN as u64 + 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(limit)
            .read_to_end(&mut bytes)?;
    } else {
        File::open(path)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|error| named(path, error))?;
    }
    Ok(bytes)
}
