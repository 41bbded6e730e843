//! `pow receipt`: writes a receipt of a run.

use crate::new_file::NewFile;
use crate::output::{complain, print_text};
use crate::progress::bar;
use crate::run_path::RunPath;
use pow_audit::display::printable;
use pow_audit::receipt::make_receipt;
use pow_audit::walk::WalkProgress;
use std::io::Write;
use std::path::PathBuf;

/// Write one small file that shows, without the run, what its first and its last block say,
/// that they are of one chain, and when it was there.
///
/// It has genesis, the head, the proof that one extends the other, and the anchors of the
/// run. The chain is verified first. `pow check-receipt` checks it.
///
/// Exit code 0: written. 1: the chain does not hold. 2: the run could not be read, or FILE
/// exists.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory, or its chain file
    run: PathBuf,
    /// A file that does not exist yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  pow receipt runs/digits --out digits.receipt
  pow check-receipt digits.receipt --head 0031…";

/// Writes the receipt. False if the chain does not hold.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let mut file = NewFile::create(&args.out)?;
    let run = RunPath::of(&args.run);
    let bar = bar(&run.chain());
    let mut progress = |at: WalkProgress| bar.set_position(at.bytes);
    let made = make_receipt(run.source().as_ref(), &mut progress);
    bar.finish_and_clear();
    let made = match made {
        Ok(made) => made,
        Err(error) if error.is_verdict() => {
            complain(&error);
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let bytes = made.receipt.to_bytes();
    file.write_all(&bytes)?;
    file.publish()?;
    let mut text = format!("{}: {} bytes\n", args.out.display(), bytes.len());
    for line in &made.left_out {
        text.push_str(&format!("not in it: {}\n", printable(line)));
    }
    print_text(&text)?;
    Ok(true)
}
