//! `pow check-receipt`: checks a receipt and prints the levels.

use crate::arguments::{hash, target};
use crate::commands::fingerprint::model_root;
use crate::commands::verify::{bitcoin_headers, report_signers, trusted_tsas};
use crate::declaration_argument::DeclarationArguments;
use crate::key_argument::{key, keys};
use crate::output::print_report;
use pow_audit::Level;
use pow_audit::receipt::{MAX_RECEIPT, ReceiptOptions, check_receipt};
use pow_audit::signature::SignerKey;
use pow_core::hash::BlockHash;
use pow_core::target::CompactTarget;
use pow_ledger::open::read_named;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Check a receipt from `pow receipt`, without the run.
///
/// Everything in a receipt depends on its head. Give the head's hash with --head, from
/// somebody whom you trust. The levels are those of `pow verify`; CHAIN and REPLAY hold in part at
/// most, because the blocks in between are not there.
///
/// Exit code 0: no level fails, and every required one holds. 1: one does not, or it is no
/// receipt. 2: a file could not be read, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The receipt
    receipt: PathBuf,
    /// Hash that the genesis block must have, from somebody whom you trust
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    genesis: Option<BlockHash>,
    /// Hash that the last block must have, from somebody whom you trust
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    head: Option<BlockHash>,
    /// Check the level artifact with this model: a safetensors file, or a directory or an
    /// index of several
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Check the level time with headers of Bitcoin's chain, as `pow verify` takes them
    #[arg(long, value_name = "FILE")]
    bitcoin_headers: Option<PathBuf>,
    /// The easiest target that these headers may have, as 8 hex digits
    #[arg(long, value_name = "BITS", value_parser = target, default_value = "1d00ffff",
          requires = "bitcoin_headers")]
    bitcoin_limit: CompactTarget,
    /// Check the level time with timestamps of TSAs behind this certificate, in PEM or DER.
    /// Give it again for others
    #[arg(long, value_name = "CERT")]
    trust_tsa: Vec<PathBuf>,
    /// Check the level signature: this key must stand for the last block. A key is named as for
    /// `pow verify`. Give it again for each key
    #[arg(long, value_name = "KEY", value_parser = key)]
    signed_by: Vec<SignerKey>,
    /// A file of public keys, a line each, whose signatures never count
    #[arg(long, value_name = "FILE")]
    revoked: Option<PathBuf>,
    /// Count the replay reports in the receipt that this key signed. Give it again for each key
    #[arg(long, value_name = "KEY", value_parser = key)]
    trust_signer: Vec<SignerKey>,
    /// How many of the trusted keys must have signed a replay report that holds. Each key
    /// counts once
    #[arg(long, value_name = "N", default_value = "1", requires = "trust_signer")]
    quorum: NonZeroU32,
    #[command(flatten)]
    declared: DeclarationArguments,
    /// The levels that must hold, such as finished and time. None may fail. With --model
    /// artifact must hold, with --signed-by signature, and with --declaration or --declared-by
    /// declared
    #[arg(long, value_name = "LEVELS", value_delimiter = ',')]
    require: Vec<Level>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow check-receipt digits.receipt                   without a trusted head
  pow check-receipt digits.receipt --head 0031… --trust-tsa tsa-root.pem --require time
  pow check-receipt digits.receipt --head 0031… --model model.safetensors
  pow check-receipt digits.receipt --head 0031… --signed-by alice.pub --trust-signer bob.pub";

/// Prints the report. True if it holds.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let model = match args.model.as_deref().map(model_root).transpose()? {
        Some(None) => return Ok(false),
        found => found.flatten(),
    };
    // One byte more, so that the library says that it is too long.
    let bytes = read_named(&args.receipt, MAX_RECEIPT as u64 + 1)?;
    let headers = args.bitcoin_headers.as_deref();
    let mut require: BTreeSet<Level> = args.require.iter().copied().collect();
    if model.is_some() {
        // Who gives the model wants to know whether it is the run's.
        require.insert(Level::Artifact);
    }
    if !args.signed_by.is_empty() {
        require.insert(Level::Signature);
    }
    if args.declared.is_given() {
        require.insert(Level::Declared);
    }
    let file = args.declared.file();
    let options = ReceiptOptions {
        genesis: args.genesis,
        head: args.head,
        model,
        bitcoin_headers: headers
            .map(|path| bitcoin_headers(path, args.bitcoin_limit))
            .transpose()?,
        trusted_tsas: trusted_tsas(&args.trust_tsa)?,
        signed_by: args.signed_by.clone(),
        revoked: match &args.revoked {
            Some(path) => keys(path)?,
            None => Vec::new(),
        },
        declaration: file.read()?,
        declared_by: args.declared.declared_by().to_vec(),
        declaration_signatures: file.signatures()?,
        report_signers: report_signers(&args.trust_signer, args.quorum, Vec::new())?,
        require,
    };
    let report = check_receipt(&bytes, &options);
    print_report(&report, args.json)?;
    Ok(report.holds())
}
