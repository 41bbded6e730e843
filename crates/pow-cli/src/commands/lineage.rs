//! `pow lineage`: prints which of several runs goes on from which.

use crate::hashing::hasher;
use crate::output::print_report;
use crate::progress::bar;
use crate::run_path::RunPath;
use anyhow::bail;
use pow_audit::lineage::{Lineage, LineageRun};
use std::path::PathBuf;

/// Print the tree of several runs: which run goes on from which, and from which step.
///
/// A run that goes on from another one names it in its genesis block: the other run's
/// genesis hash, a step and the state root of its checkpoint there. `pow` reads and
/// verifies each chain, looks for the parent among the runs given, and compares the state
/// in which the child starts. The order of the runs does not matter.
///
/// Exit code 0: every chain holds, and every link between these runs holds or could not be
/// compared in full. 1: a chain does not hold, or a link is false. 2: a file could not be
/// read, two runs have one genesis block, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directories, or their chain files. Without the directory, an optimizer's
    /// state and single tensors are not compared
    #[arg(required = true)]
    run: Vec<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow lineage runs/*
  pow lineage runs/digits runs/digits-more --json";

/// Prints the tree. False if a chain does not hold or a link is false.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let paths: Vec<RunPath> = args.run.iter().map(|path| RunPath::of(path)).collect();
    let sources: Vec<_> = paths.iter().map(RunPath::source).collect();
    let mut runs = Vec::new();
    for (path, source) in paths.iter().zip(&sources) {
        let bar = bar(&path.chain());
        let mut progress = |at: pow_audit::walk::WalkProgress| bar.set_position(at.bytes);
        let run = LineageRun::read(source.as_ref(), &mut progress);
        bar.finish_and_clear();
        runs.push(run?);
    }
    let lineage = Lineage::of(&runs, &hasher())?;
    print_report(&lineage, args.json)?;
    if lineage.could_not_check() && lineage.holds {
        bail!("a file that a link needs could not be read, so it was not compared in full");
    }
    Ok(lineage.holds)
}
