//! `pow verify`: the report on a run.

use crate::progress::bar;
use anyhow::bail;
use pow_audit::{AuditOptions, Level, audit};
use pow_core::hash::BlockHash;
use pow_ledger::RunDir;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

/// Check a run: chain, work, difficulty, clock, planned length, order,
/// checkpoints and artifact.
///
/// Exit code 0: every required level holds; 1: one does not; 2: the run could
/// not be read, or the call is wrong.
#[derive(clap::Args)]
pub struct Args {
    /// The run directory
    run: PathBuf,
    /// Hash that the genesis block must have, as told by someone you trust
    #[arg(long, value_name = "HEX")]
    genesis: Option<BlockHash>,
    /// Levels that must hold, of chain, finished, work, time, data, state,
    /// replay, detection, artifact [default: chain,artifact,finished]
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

/// Prints the report; true if every required level holds.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let run = RunDir::new(&args.run);
    let options = AuditOptions {
        genesis: args.genesis,
        require: require(args)?,
        allow_unfinished: args.allow_unfinished,
    };
    let bar = bar(&run);
    let report = audit(&run, &options, &mut |at| bar.set_position(at.bytes))?;
    bar.finish_and_clear();
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(report.holds())
}

/// The levels asked for, or the usual ones.
fn require(args: &Args) -> anyhow::Result<BTreeSet<Level>> {
    let Some(levels) = &args.require else {
        return Ok(AuditOptions::default().require);
    };
    let of_the_end = [Level::Finished, Level::Artifact];
    if args.allow_unfinished && levels.iter().any(|level| of_the_end.contains(level)) {
        bail!("--allow-unfinished contradicts --require finished or artifact");
    }
    Ok(levels.iter().copied().collect())
}
