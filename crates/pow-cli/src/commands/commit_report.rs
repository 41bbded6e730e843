//! `pow commit-report`: commits to a replay report before it is shown.

use crate::key_argument::key;
use crate::new_file::NewFile;
use crate::output::print_text;
use anyhow::anyhow;
use pow_audit::replay::{Commitment, ReplayReport, Salt};
use pow_audit::signature::SignerKey;
use std::io::Write;
use std::path::PathBuf;

/// Commit to a replay report before you show it, so that nobody can copy it.
///
/// FILE is the commitment: send it to whoever collects the reports. FILE.salt opens it: keep
/// it, the report and its signature to yourself until all others have sent their
/// commitments. Then send the three of them. The commitment binds your key, the chain, the report with its
/// challenge, and the salt. `pow verify --commitment` checks it.
///
/// Exit code 0: written. 2: the report could not be read, or FILE or FILE.salt exists.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The replay report
    report: PathBuf,
    /// Your public key, with which you sign the report: a file of SSH or minisign, or the key
    /// itself
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: SignerKey,
    /// A file that does not exist yet, for the commitment. FILE.salt must not exist either
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  pow commit-report replay.json --key id_ed25519.pub --out alice.commitment
  pow verify runs/digits --replay-report replay.json --report-signature replay.txt.sig \\
      --trust-signer alice.pub --commitment alice.commitment --report-salt alice.commitment.salt";

/// Writes the commitment and its salt.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let mut salt_path = args.out.clone().into_os_string();
    salt_path.push(".salt");
    let mut file = NewFile::create(&args.out)?;
    let mut salt_file = NewFile::create(&PathBuf::from(salt_path))?;
    let report = ReplayReport::read(&args.report)?;
    let mut salt = Salt([0; 32]);
    getrandom::fill(&mut salt.0)
        .map_err(|error| anyhow!("the system gave no random numbers: {error}"))?;
    let text = Commitment::of(&report, &args.key, &salt)?.to_string();
    file.write_all(text.as_bytes())?;
    salt_file.write_all(salt.to_text().as_bytes())?;
    // The salt first: a commitment without it can never be opened.
    salt_file.publish()?;
    file.publish()?;
    print_text(&text)?;
    Ok(true)
}
