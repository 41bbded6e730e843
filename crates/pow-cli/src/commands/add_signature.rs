//! `pow add-signature`: takes a signature over a statement into the run.

use crate::key_argument::key;
use crate::output::{complain, print_text};
use crate::run_path::RunPath;
use anyhow::bail;
use pow_audit::signature::{MAX_SIGNATURE, MAX_STATEMENT, SignerKey, Statement, accept_signature};
use pow_ledger::open::read_named;
use std::path::PathBuf;

/// Take a signature over a statement of `pow sign` into the run's signatures/.
///
/// The signature is checked. One of ssh-keygen carries its public key. For one of minisign,
/// give the key. Statement and signature are copied, and the chain is not changed. Whoever
/// checks the run names the keys that count: `pow verify --signed-by`.
///
/// Exit code 0: it is in the run. 1: it is not right over this statement, the statement is
/// not about this run, or the chain does not hold. 2: something could not be read or
/// written, or the key is missing.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory
    run: PathBuf,
    /// The statement that was signed
    statement: PathBuf,
    /// The signature
    signature: PathBuf,
    /// The public key: a file of SSH or minisign, a line of allowed_signers, or the key
    /// itself [default: the key that an SSH signature carries]
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<SignerKey>,
}

const EXAMPLES: &str = "\
Examples:
  pow add-signature runs/digits head.txt head.txt.sig
  pow add-signature runs/digits head.txt head.txt.minisig --key minisign.pub";

/// Takes the signature in. False if it does not belong to the run.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let RunPath::Directory(run) = RunPath::of(&args.run) else {
        bail!(
            "{}: add-signature needs the run directory, not only its chain file",
            args.run.display()
        );
    };
    let statement = read_named(&args.statement, MAX_STATEMENT as u64)?;
    let bytes = read_named(&args.signature, MAX_SIGNATURE as u64)?;
    let accepted = match accept_signature(&run, &statement, &bytes, args.key.as_ref()) {
        Ok(accepted) => accepted,
        Err(error) if error.is_verdict() => {
            complain(&format!("{}: {error}", args.signature.display()));
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let path = run.add_signature(accepted.signature.kind(), &bytes, &statement)?;
    let about = match accepted.statement {
        Statement::Head { height, .. } => format!("block {height}"),
        _ => "the genesis block".into(),
    };
    print_text(&format!(
        "{about}: {}\n  by {}\n",
        path.display(),
        accepted.key
    ))?;
    Ok(true)
}
