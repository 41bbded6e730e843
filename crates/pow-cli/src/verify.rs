//! `pow verify`: the report on a run.

use crate::progress::bar;
use pow_audit::{AuditOptions, Level, audit};
use pow_core::hash::BlockHash;
use pow_ledger::RunDir;
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
    /// Levels that must hold
    #[arg(
        long,
        value_name = "LEVELS",
        value_delimiter = ',',
        default_value = "chain,artifact,finished"
    )]
    require: Vec<Level>,
    /// Accept a run that is still going on or was killed
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
        require: args.require.iter().copied().collect(),
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
