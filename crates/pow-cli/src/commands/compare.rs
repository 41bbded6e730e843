//! `pow compare`: says whether two chains are one, and who stands for two.

use crate::key_argument::key;
use crate::output::{complain, print_report};
use crate::run_path::RunPath;
use anyhow::bail;
use pow_audit::comparison::{LooseHead, compare, compare_heads};
use pow_audit::signature::{MAX_SIGNATURE, MAX_STATEMENT, SignerKey};
use pow_audit::source::SharedRun;
use pow_ledger::open::read_named;
use std::path::{Path, PathBuf};

/// Compare two copies of a run: they are the same, one extends the other, or they part at
/// a block, and both blocks are printed.
///
/// If one key signed a head in each, and neither head extends the other, that is an
/// equivocation: whoever holds the key showed two chains of one run. All signatures in both
/// runs are looked at, whether or not you trust their keys.
///
/// With --head it compares signed heads that lie in no run, such as those that somebody sent to
/// two people. Two heads of one height show an equivocation alone. For others give a run that
/// has the later block.
///
/// Exit code 0: the same, or one extends the other, and there is no equivocation. 1: the
/// chains part, or are of different runs, or there is an equivocation, or a chain does not
/// hold; or it is not known whether one head extends the other. 2: a file could not be read,
/// or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A run directory or chain file. Only directories have signatures
    #[arg(required_unless_present = "head")]
    a: Option<PathBuf>,
    /// The other one
    #[arg(required_unless_present = "head")]
    b: Option<PathBuf>,
    /// A signature over a head. Its statement lies beside it: without the last extension, or
    /// with .txt in its place. Give it again for each head
    #[arg(long, value_name = "SIGNATURE")]
    head: Vec<PathBuf>,
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
  pow compare runs/digits mirror/digits --key minisign.pub --json
  pow compare --head mine/head.txt.sig --head yours/head.txt.sig
  pow compare runs/digits --head yours/head.txt.sig";

/// Prints what was found. False if the chains part, or a key stands for two.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let runs = args.a.iter().chain(&args.b);
    let runs: Vec<SharedRun> = runs.map(|path| RunPath::of(path).shared()).collect();
    if !args.head.is_empty() {
        return heads(args, &runs);
    }
    let [a, b] = &runs[..] else {
        bail!("compare takes two runs, or signed heads (--head)");
    };
    let comparison = match compare(a, b, &args.key) {
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

/// The same for signed heads that lie in no run.
fn heads(args: &Args, runs: &[SharedRun]) -> anyhow::Result<bool> {
    if args.head.len() + runs.len() < 2 {
        bail!("there is nothing to compare the head with: give another --head, or a run");
    }
    let mut loose = Vec::new();
    for path in &args.head {
        loose.push(LooseHead {
            name: path.display().to_string(),
            statement: read_named(&statement_path(path), MAX_STATEMENT as u64)?,
            signature: read_named(path, MAX_SIGNATURE as u64)?,
        });
    }
    let found = match compare_heads(loose, runs, &args.key) {
        Ok(found) => found,
        Err(error) if error.is_verdict() => {
            complain(&error);
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    print_report(&found, args.json)?;
    Ok(found.agrees())
}

/// Where the statement of a signature lies: `head.txt` for `head.txt.sig`, as ssh-keygen and
/// minisign have it, or `DIGEST.txt` for `DIGEST.sig`, as a run has it.
fn statement_path(signature: &Path) -> PathBuf {
    let without = signature.with_extension("");
    match without.symlink_metadata().is_ok() {
        true => without,
        false => signature.with_extension("txt"),
    }
}
