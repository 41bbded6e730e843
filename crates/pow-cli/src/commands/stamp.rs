//! `pow stamp`: writes a block's header, so that others can say when it was there.

use crate::arguments::height;
use crate::new_file::NewFile;
use crate::output::{complain, print_text};
use crate::run_path::RunPath;
use pow_audit::anchor::stamp;
use pow_core::coinbase::Height;
use std::io::Write;
use std::path::PathBuf;

/// Write the 80-byte header of the last block, to be stamped.
///
/// Its SHA-256 is the digest that is stamped; sha256sum computes it. A timestamp covers
/// this block and all before it. `ots stamp FILE` makes FILE.ots, `ots upgrade FILE.ots`
/// completes it after some hours, and `pow anchor` takes it into the run. Nothing is sent
/// anywhere.
///
/// Exit code 0: written. 1: the chain does not hold. 2: the run could not be read, lacks
/// the block, or FILE exists.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory, or its chain file
    run: PathBuf,
    /// The block to stamp [default: the last one]
    #[arg(long, value_name = "HEIGHT", value_parser = height)]
    block: Option<Height>,
    /// A file that does not exist yet, for the header
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  pow stamp runs/digits --out head.header
  pow stamp runs/digits --block 20 --out block-20.header";

/// Writes the header. False if the chain does not hold.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let mut file = NewFile::create(&args.out)?;
    let stamp = match stamp(RunPath::of(&args.run).source().as_ref(), args.block) {
        Ok(stamp) => stamp,
        Err(error) if error.is_verdict() => {
            complain(&error);
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    file.write_all(&stamp.header)?;
    file.publish()?;
    print_text(&format!(
        "block {}: sha256 {}\n",
        stamp.height.get(),
        stamp.digest
    ))?;
    Ok(true)
}
