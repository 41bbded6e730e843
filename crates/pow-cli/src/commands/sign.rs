//! `pow sign`: writes a statement about a run, which the user signs with a tool of their own.

use crate::arguments::height;
use crate::new_file::NewFile;
use crate::output::{complain, print_text};
use crate::run_path::RunPath;
use pow_audit::replay::ReplayReport;
use pow_audit::signature::{Statement, check_statement, genesis_statement, head_statement};
use pow_core::coinbase::Height;
use std::io::Write;
use std::path::PathBuf;

/// Write the statement that you sign to stand for a run: a short text about its last block.
///
/// Sign it with the key and the tool that you have. pow never sees a private key. For an
/// SSH key, the namespace is the first line of the statement:
///
/// ssh-keygen -Y sign -f KEY -n burn-pow/head/v1 FILE   (writes FILE.sig)
///
/// minisign -S -m FILE                                  (writes FILE.minisig)
///
/// `pow add-signature` takes the signature into the run. A signature over a block stands
/// for this block and all before it. With --genesis it stands for the genesis block only,
/// and with --report for a replay report.
///
/// Exit code 0: written. 1: the chain does not hold, or the report is not on it. 2: the
/// run or the report could not be read, the block is not there, or FILE exists.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory, or its chain file
    run: PathBuf,
    /// The block to sign [default: the last one]
    #[arg(long, value_name = "HEIGHT", value_parser = height)]
    block: Option<Height>,
    /// Sign the genesis block only, as when the training has just begun
    #[arg(long, conflicts_with = "block")]
    genesis: bool,
    /// Sign this replay report of the run
    #[arg(long, value_name = "FILE", conflicts_with_all = ["block", "genesis"])]
    report: Option<PathBuf>,
    /// A file that does not exist yet, for the statement
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  pow sign runs/digits --out head.txt
  pow sign runs/digits --block 20 --out block-20.txt
  pow sign runs/digits --report replay.json --out replay.txt";

/// Writes the statement. False if the chain does not hold, or if the report is not on it.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let mut file = NewFile::create(&args.out)?;
    let run = RunPath::of(&args.run).source();
    let statement = match &args.report {
        Some(path) => {
            let statement = Statement::of_report(&ReplayReport::read(path)?)?;
            check_statement(run.as_ref(), &statement).map(|()| statement)
        }
        None if args.genesis => genesis_statement(run.as_ref()),
        None => head_statement(run.as_ref(), args.block),
    };
    let statement = match statement {
        Ok(statement) => statement,
        Err(error) if error.is_verdict() => {
            complain(&error);
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let text = statement.to_string();
    file.write_all(text.as_bytes())?;
    file.publish()?;
    print_text(&text)?;
    Ok(true)
}
