//! `pow verify`: checks a run and prints the report.

use crate::arguments::{hash, target};
use crate::declaration_argument::{DeclarationArguments, signature};
use crate::hashing::hasher;
use crate::key_argument::{key, keys};
use crate::output::print_report;
use crate::progress::bar;
use crate::run_path::RunPath;
use anyhow::{anyhow, bail};
use pow_audit::anchor::BitcoinHeaders;
use pow_audit::anchor::tsp::TrustedCertificates;
use pow_audit::lineage::BaseFile;
use pow_audit::replay::{Commitment, CommitmentError, Commitments, MAX_COMMITMENT_FILE, Salt};
use pow_audit::signature::{Signature, SignerKey};
use pow_audit::{AuditOptions, Level, ReportSigners, audit_with};
use pow_core::hash::BlockHash;
use pow_core::target::CompactTarget;
use pow_ledger::open::read_named;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// Check a run: its chain, work, difficulty, clock, planned length, order of samples,
/// checkpoints and artifact.
///
/// Exit code 0: every required level holds. 1: a required level does not hold. 2: a file
/// that is there could not be read, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory, or only its chain file. Without the directory, checkpoints
    /// and artifact are not checked
    run: PathBuf,
    /// Hash that the genesis block must have, from somebody whom you trust
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    genesis: Option<BlockHash>,
    /// Hash that the last block must have, from somebody whom you trust
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    head: Option<BlockHash>,
    /// Check the levels replay and detection with this replay report. You or somebody
    /// whom you trust must have made it. `pow challenge` picks what to replay. Give it again
    /// for the reports of other people
    #[arg(long, value_name = "FILE")]
    replay_report: Vec<PathBuf>,
    /// Count only replay reports that this key signed. Give it again for each key. A key is
    /// named as for --signed-by
    #[arg(long, value_name = "KEY", value_parser = key, requires = "replay_report")]
    trust_signer: Vec<SignerKey>,
    /// A signature over the statement of one of the replay reports, as `pow sign --report`
    /// writes it. Give it again for each
    #[arg(long, value_name = "FILE", requires = "trust_signer")]
    report_signature: Vec<PathBuf>,
    /// A commitment that you had before anybody showed a replay report, as `pow commit-report`
    /// writes it. Then only reports count to which their keys had committed. Give it again for
    /// each
    #[arg(long, value_name = "FILE", requires = "trust_signer")]
    commitment: Vec<PathBuf>,
    /// The salt that came with a replay report, and opens its commitment. Give it again for
    /// each
    #[arg(long, value_name = "FILE", requires = "commitment")]
    report_salt: Vec<PathBuf>,
    /// How many of the trusted keys must have signed a replay report that holds. Each key
    /// counts once
    #[arg(long, value_name = "N", default_value = "1", requires = "trust_signer")]
    quorum: NonZeroU32,
    /// The run that this one goes on from, as its genesis block names it. Checks the level
    /// origin. Give it again for the parent's own parent, and so on, in any order
    #[arg(long, value_name = "RUN")]
    parent: Vec<PathBuf>,
    /// The published model that this run starts with: a safetensors file with the tensors
    /// as the program has them. Checks the level origin
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// Check the level time with headers of Bitcoin's chain that you trust: raw headers of 80
    /// bytes, or a line of hex digits for each, with or without its height before them
    #[arg(long, value_name = "FILE")]
    bitcoin_headers: Option<PathBuf>,
    /// The easiest target that these headers may have, as 8 hex digits. An easier one than
    /// Bitcoin's is for test networks, where anybody makes headers
    #[arg(long, value_name = "BITS", value_parser = target, default_value = "1d00ffff",
          requires = "bitcoin_headers")]
    bitcoin_limit: CompactTarget,
    /// Check the level signature: this key must stand for the last block. A file with a
    /// public key of SSH or minisign, a line of allowed_signers, or the key itself. Give it
    /// again for each key
    #[arg(long, value_name = "KEY", value_parser = key)]
    signed_by: Vec<SignerKey>,
    /// A file of public keys, a line each, whose signatures never count
    #[arg(long, value_name = "FILE")]
    revoked: Option<PathBuf>,
    /// Check the level time with timestamps of TSAs behind this certificate: that of a root,
    /// of an authority below it, or of the TSA, in PEM or DER. Give it again for others
    #[arg(long, value_name = "CERT")]
    trust_tsa: Vec<PathBuf>,
    #[command(flatten)]
    declared: DeclarationArguments,
    /// The levels that must hold: any of chain, finished, work, time, data, state,
    /// replay, detection, artifact, origin, signature, declared [default:
    /// chain,finished,artifact; for a chain file chain,finished; with --replay-report also
    /// replay; with --parent or --base also origin; with --signed-by also signature; with
    /// --declaration also declared]
    #[arg(long, value_name = "LEVELS", value_delimiter = ',')]
    require: Option<Vec<Level>>,
    /// Accept a run that is not finished. The levels finished and artifact are then not
    /// required
    #[arg(long)]
    allow_unfinished: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow verify runs/digits
  pow verify runs/digits --genesis 0000… --require chain,finished,state,artifact
  pow verify runs/digits --head 0031… --replay-report replay.json \\
      --require chain,finished,artifact,replay,detection
  pow verify runs/more --parent runs/digits
  pow verify runs/tuned --base published.safetensors
  pow verify runs/digits --bitcoin-headers headers.hex --require chain,time
  pow verify runs/digits --trust-tsa tsa-root.pem
  pow verify runs/digits --signed-by id_ed25519.pub
  pow verify runs/digits --declaration plan.txt --declared-by id_ed25519.pub";

/// Prints the report. True if every required level holds.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let run = RunPath::of(&args.run);
    let mut options = AuditOptions {
        genesis: args.genesis,
        head: args.head,
        replay_reports: args.replay_report.clone(),
        read_reports: Vec::new(),
        report_signers: with_commitments(args)?,
        parents: args
            .parent
            .iter()
            .map(|path| RunPath::of(path).shared())
            .collect(),
        base_model: args.base.as_ref().map(BaseFile::new),
        bitcoin_headers: args
            .bitcoin_headers
            .as_deref()
            .map(|path| bitcoin_headers(path, args.bitcoin_limit))
            .transpose()?,
        signed_by: args.signed_by.clone(),
        revoked: match &args.revoked {
            Some(path) => keys(path)?,
            None => Vec::new(),
        },
        trusted_tsas: trusted_tsas(&args.trust_tsa)?,
        declaration: args.declared.read()?,
        require: BTreeSet::new(),
        allow_unfinished: args.allow_unfinished,
    };
    let chain_alone = matches!(run, RunPath::ChainFile(_));
    options.require = require(args, options.usual_levels(chain_alone))?;
    let bar = bar(&run.chain());
    let mut progress = |at: pow_audit::walk::WalkProgress| bar.set_position(at.bytes);
    let report = audit_with(run.source().as_ref(), &options, &hasher(), &mut progress);
    bar.finish_and_clear();
    let report = report?;
    print_report(&report, args.json)?;
    if report.could_not_check() {
        bail!("a file that a required level needs could not be read, so there is no verdict");
    }
    Ok(report.holds())
}

fn report_signatures(args: &Args) -> anyhow::Result<Vec<Signature>> {
    let paths = args.report_signature.iter();
    paths.map(|path| signature(path)).collect()
}

fn with_commitments(args: &Args) -> anyhow::Result<Option<ReportSigners>> {
    let signatures = report_signatures(args)?;
    let signers = report_signers(&args.trust_signer, args.quorum, signatures)?;
    let commitments = (!args.commitment.is_empty())
        .then(|| commitments(args))
        .transpose()?;
    Ok(signers.map(|signers| ReportSigners {
        commitments,
        ..signers
    }))
}

fn commitments(args: &Args) -> anyhow::Result<Commitments> {
    let mut found = Commitments::default();
    let named = |path: &Path, error: CommitmentError| anyhow!("{}: {error}", path.display());
    for path in &args.commitment {
        let bytes = read_named(path, MAX_COMMITMENT_FILE as u64)?;
        let read = Commitment::parse(&bytes);
        found
            .commitments
            .push(read.map_err(|error| named(path, error))?);
    }
    for path in &args.report_salt {
        let bytes = read_named(path, MAX_COMMITMENT_FILE as u64)?;
        let read = Salt::parse(&bytes);
        found.salts.push(read.map_err(|error| named(path, error))?);
    }
    Ok(found)
}

/// Who must have signed replay reports, and the signatures at hand.
pub fn report_signers(
    trusted: &[SignerKey],
    quorum: NonZeroU32,
    signatures: Vec<Signature>,
) -> anyhow::Result<Option<ReportSigners>> {
    if trusted.is_empty() {
        return Ok(None);
    }
    if quorum.get() as usize > trusted.len() {
        bail!(
            "--quorum {quorum} needs as many keys (--trust-signer), and there are {}",
            trusted.len()
        );
    }
    Ok(Some(ReportSigners {
        trusted: trusted.to_vec(),
        signatures,
        quorum,
        commitments: None,
    }))
}

/// The most bytes of a file of Bitcoin headers.
const MAX_BITCOIN_HEADERS: u64 = 1 << 28;

/// Headers of Bitcoin's chain that the verifier named.
pub fn bitcoin_headers(path: &Path, limit: CompactTarget) -> anyhow::Result<BitcoinHeaders> {
    let bytes = read_named(path, MAX_BITCOIN_HEADERS)?;
    BitcoinHeaders::parse(&bytes, limit).map_err(|error| {
        anyhow!(
            "{}: not headers of Bitcoin's chain: {error}",
            path.display()
        )
    })
}

/// The most bytes of a file of certificates.
const MAX_CERTIFICATE_FILE: u64 = 1 << 20;

/// Certificates of TSAs that the verifier named.
pub fn trusted_tsas(paths: &[PathBuf]) -> anyhow::Result<TrustedCertificates> {
    let mut trusted = TrustedCertificates::default();
    for path in paths {
        let bytes = read_named(path, MAX_CERTIFICATE_FILE)?;
        trusted
            .add(&bytes)
            .map_err(|error| anyhow!("{}: {error}", path.display()))?;
    }
    Ok(trusted)
}

/// The levels that were asked for, or the usual ones.
fn require(args: &Args, usual: BTreeSet<Level>) -> anyhow::Result<BTreeSet<Level>> {
    let Some(levels) = &args.require else {
        return Ok(usual);
    };
    let end_levels = [Level::Finished, Level::Artifact];
    if args.allow_unfinished && levels.iter().any(|level| end_levels.contains(level)) {
        bail!("--allow-unfinished contradicts --require finished and --require artifact");
    }
    Ok(levels.iter().copied().collect())
}
