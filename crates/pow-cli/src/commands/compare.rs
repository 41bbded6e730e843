//! `pow compare`: says whether two chains are one, and who stands for two.

use crate::key_argument::key;
use crate::output::{complain, print_report};
use crate::run_path::RunPath;
use pow_audit::comparison::compare;
use pow_audit::signature::SignerKey;
use std::path::PathBuf;

/// Compare two copies of a run: they are the same, one extends the other, or they part at
/// a block, and both blocks are printed.
///
/// If one key signed a head in each, and neither head extends the other, that is an
/// equivocation: whoever holds the key showed two chains of one run. All signatures in both
/// runs are looked at, whether or not you trust their keys.
///
/// Exit code 0: the same, or one extends the other, and there is no equivocation. 1: the
/// chains part, or are of different runs, or there is an equivocation, or a chain does not
/// hold. 2: a file could not be read, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A run directory or chain file. Only directories have signatures
    a: PathBuf,
    /// The other one
    b: PathBuf,
    /// A public key of minisign, whose signatures do not carry it. Give it again for each
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Vec<SignerKey>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow compare runs/digits mirror/digits
  pow compare runs/digits mirror/digits --key minisign.pub --json";

/// Prints what was found. False if the chains part, or a key stands for two.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let [a, b] = [&args.a, &args.b].map(|path| RunPath::of(path).shared());
    let comparison = match compare(&a, &b, &args.key) {
        Ok(comparison) => comparison,
        Err(error) if error.is_verdict() => {
            complain(&error);
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    print_report(&comparison, args.json)?;
    Ok(comparison.agrees())
}
