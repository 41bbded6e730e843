//! `pow merge`: joins the replay reports of the parts into one.

use crate::new_file::NewFile;
use crate::output::complain;
use pow_audit::replay::{ReplayReport, merge};
use std::io::Write;
use std::path::PathBuf;

/// Join the replay reports of all parts of a challenge into the report that an undivided
/// replay would have given.
///
/// The parts may be in any order. A part may be given twice if both reports have the
/// same results. If a part is missing, contradicts another, or belongs to another chain,
/// head or challenge, nothing is written.
///
/// Exit code 0: written. 1: the parts do not make up one report. 2: a part could not be
/// read, OUT exists or could not be written, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The report to write: a file that does not exist yet, or - for stdout
    out: PathBuf,
    /// The reports of the parts
    #[arg(required = true, value_name = "SHARD")]
    shards: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  pow merge replay.json shard-1.json shard-2.json shard-3.json
  pow verify runs/digits --replay-report replay.json";

/// Writes the joined report. False if the parts do not belong together.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let mut reports = Vec::new();
    for path in &args.shards {
        reports.push(ReplayReport::read(path)?);
    }
    let merged = match merge(reports) {
        Ok(merged) => merged.to_json()?,
        Err(error) => {
            complain(&error);
            return Ok(false);
        }
    };
    if args.out.as_os_str() == "-" {
        std::io::stdout().lock().write_all(merged.as_bytes())?;
        return Ok(true);
    }
    let mut file = NewFile::create(&args.out)?;
    file.write_all(merged.as_bytes())?;
    file.publish()?;
    Ok(true)
}
