//! `pow verify`: the report on a run.

use crate::arguments::hash;
use crate::progress::bar;
use crate::subject::Subject;
use anyhow::{anyhow, bail};
use pow_audit::display::printable;
use pow_audit::{AuditOptions, Level, audit_file, audit_with};
use pow_core::hash::BlockHash;
use pow_core::tensor::TensorHasher;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

/// Check a run: chain, work, difficulty, clock, planned length, order,
/// checkpoints and artifact.
///
/// Exit code 0: every required level holds; 1: one does not; 2: the run or the
/// replay report could not be read, or the call is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory, or its chain file alone: checkpoints and artifact are
    /// then not checked
    run: PathBuf,
    /// Hash that the genesis block must have, as told by someone you trust
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    genesis: Option<BlockHash>,
    /// Hash that the last block must have, as told by someone you trust
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    head: Option<BlockHash>,
    /// Take the levels replay and detection from this report on a replay, made by
    /// you or someone you trust; `pow challenge` says what to replay
    #[arg(long, value_name = "FILE")]
    replay_report: Option<PathBuf>,
    /// Levels that must hold, of chain, finished, work, time, data, state,
    /// replay, detection, artifact [default: chain,artifact,finished;
    /// of a chain file alone chain,finished]
    #[arg(long, value_name = "LEVELS", value_delimiter = ',')]
    require: Option<Vec<Level>>,
    /// Accept a run that is still going on or was killed: finished and artifact
    /// need not hold then
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
      --require chain,finished,artifact,replay,detection";

/// Prints the report; true if every required level holds.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let run = Subject::of(&args.run)?;
    let options = AuditOptions {
        genesis: args.genesis,
        head: args.head,
        replay_report: args.replay_report.clone(),
        require: require(args, &run)?,
        allow_unfinished: args.allow_unfinished,
    };
    let bar = bar(&run.chain());
    let mut progress = |at: pow_audit::walk::WalkProgress| bar.set_position(at.bytes);
    let report = match &run {
        Subject::Run(run) => audit_with(run, &options, &hasher(), &mut progress),
        Subject::File(chain) => audit_file(chain, &options, &mut progress),
    };
    bar.finish_and_clear();
    // The error may quote a stranger's file.
    let report = report.map_err(|error| anyhow!(printable(&error.to_string())))?;
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(report.holds())
}

/// What hashes tensors: several chunks at a time where the engines are there.
#[cfg(feature = "mine")]
fn hasher() -> impl TensorHasher {
    pow_cpu::Lanes::fastest()
}

#[cfg(not(feature = "mine"))]
fn hasher() -> impl TensorHasher {
    pow_core::hash::PlainSha2
}

/// The levels asked for, or the usual ones.
fn require(args: &Args, run: &Subject) -> anyhow::Result<BTreeSet<Level>> {
    let Some(levels) = &args.require else {
        let mut usual = AuditOptions::default().require;
        if matches!(run, Subject::File(_)) {
            usual.remove(&Level::Artifact);
        }
        return Ok(usual);
    };
    let of_the_end = [Level::Finished, Level::Artifact];
    if args.allow_unfinished && levels.iter().any(|level| of_the_end.contains(level)) {
        bail!("--allow-unfinished contradicts --require finished or artifact");
    }
    Ok(levels.iter().copied().collect())
}
