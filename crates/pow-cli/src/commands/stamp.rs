//! `pow stamp`: writes a block's header, so that others can say when it was there.

use crate::arguments::height;
use crate::new_file::NewFile;
use crate::output::{complain, print_text};
use crate::run_path::RunPath;
use pow_audit::anchor::stamp;
use pow_audit::anchor::tsp::{Nonce, timestamp_request};
use pow_core::coinbase::Height;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::PathBuf;

/// Write the 80-byte header of the last block, to be stamped, and a request for any TSA.
///
/// The SHA-256 of FILE is the digest that is stamped; sha256sum computes it. A timestamp
/// covers this block and all before it. `ots stamp FILE` makes FILE.ots, and `ots upgrade
/// FILE.ots` completes it after some hours. FILE.tsq is a request by RFC 3161: a TSA answers
/// it at once, with a FILE.tsr. `pow anchor` takes either into the run. Nothing is sent
/// anywhere.
///
/// Exit code 0: written. 1: the chain does not hold. 2: the run could not be read, lacks
/// the block, or FILE or FILE.tsq exists.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory, or its chain file
    run: PathBuf,
    /// The block to stamp [default: the last one]
    #[arg(long, value_name = "HEIGHT", value_parser = height)]
    block: Option<Height>,
    /// A file that does not exist yet, for the header. FILE.tsq must not exist either
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  pow stamp runs/digits --out head.header
  pow stamp runs/digits --block 20 --out block-20.header
  curl -H 'Content-Type: application/timestamp-query' --data-binary @head.header.tsq \\
      -o head.header.tsr https://tsa.example/";

/// Writes the header. False if the chain does not hold.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let mut request_path = args.out.clone().into_os_string();
    request_path.push(".tsq");
    let mut file = NewFile::create(&args.out)?;
    let mut request = NewFile::create(&PathBuf::from(request_path))?;
    let stamp = match stamp(RunPath::of(&args.run).source().as_ref(), args.block) {
        Ok(stamp) => stamp,
        Err(error) if error.is_verdict() => {
            complain(&error);
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    file.write_all(&stamp.header)?;
    // The standard library keys each of these states at random.
    let nonce = Nonce(RandomState::new().hash_one(stamp.header));
    request.write_all(&timestamp_request(stamp.digest, nonce)?)?;
    file.publish()?;
    request.publish()?;
    print_text(&format!(
        "block {}: sha256 {}\n",
        stamp.height.get(),
        stamp.digest
    ))?;
    Ok(true)
}
