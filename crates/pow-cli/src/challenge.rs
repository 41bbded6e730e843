//! `pow challenge`: which segments of a run to execute again, and what that
//! would show.

mod report;

use crate::arguments::{challenge_value, hash};
use crate::progress::bar;
use crate::subject::Subject;
use pow_audit::replay::{
    Amount, Challenge, Fraction, Goal, SecurityBits, Segments, SegmentsError, largest_moves,
};
use pow_core::challenge::{ChallengeSource, ChallengeValue, SegmentCount, SegmentIndex};
use pow_core::hash::BlockHash;
use report::ChallengeReport;
use std::io::Write;
use std::path::PathBuf;

/// Print which segments of a run are to be executed again, how likely that is
/// to find a bad one, and what it would cost to forge.
///
/// A segment is the stretch between two checkpoints. The first and the last are
/// always in the challenge; the others are picked by a hash over the chain's
/// head and, if given, a value that nobody knew before that head. `pow` executes
/// nothing itself: the program that trained does.
///
/// Exit code 0: printed; 1: the chain does not hold; 2: the run could not be
/// read, there is no such challenge, or the call is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory, or its chain file
    run: PathBuf,
    /// Bytes of your own choice, drawn after you knew the head [default: none;
    /// the challenge is then the head's own, which its miner could choose]
    #[arg(long, value_name = "HEX", value_parser = challenge_value, conflicts_with = "beacon")]
    seed: Option<ChallengeValue>,
    /// Bytes that a public beacon gave after the head was published
    #[arg(long, value_name = "HEX", value_parser = challenge_value)]
    beacon: Option<ChallengeValue>,
    /// Pick enough segments to find so large a share of bad ones…
    #[arg(long, value_name = "F", default_value_t = Fraction::TENTH)]
    fraction: Fraction,
    /// …but for a probability of 2^-L
    #[arg(long, value_name = "L", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=256))]
    security: u32,
    /// Pick so many segments instead
    #[arg(long, value_name = "Q", conflicts_with_all = ["fraction", "security"])]
    count: Option<u64>,
    /// All segments
    #[arg(long, conflicts_with_all = ["fraction", "security", "count"])]
    all: bool,
    /// A segment that is checked in any case, besides the first and the last; may
    /// be given again
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    segment: Vec<u64>,
    /// Also check the so many segments in which the parameters moved furthest a
    /// step, where a model that was replaced has to show the leap; reads the
    /// checkpoints
    #[arg(long, value_name = "N", default_value_t = 0)]
    largest_moves: usize,
    /// Hash that the genesis block must have, as told by someone you trust
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    genesis: Option<BlockHash>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow challenge runs/digits                    the head's own challenge
  pow challenge runs/digits --seed $(openssl rand -hex 32)
  pow challenge runs/digits --beacon 8d61… --fraction 0.05 --security 20
  pow challenge runs/digits --count 12 --segment 3,4 --json
  pow challenge runs/digits --all";

/// Prints the challenge; true unless the chain does not hold.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let chain = Subject::of(&args.run)?.chain();
    let bar = bar(&chain);
    let segments = Segments::of(&chain, args.genesis, &mut |at| bar.set_position(at.bytes));
    bar.finish_and_clear();
    let segments = match segments {
        Ok(segments) => segments,
        Err(SegmentsError::Chain(failure)) => {
            eprintln!(
                "pow: the chain does not hold: {}",
                pow_audit::display::printable(&failure)
            );
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let mut named: Vec<SegmentIndex> = args.segment.iter().copied().map(SegmentIndex).collect();
    if args.largest_moves > 0 {
        let Subject::Run(run) = Subject::of(&args.run)? else {
            anyhow::bail!("--largest-moves reads checkpoints: give the run directory");
        };
        named.extend(largest_moves(&run, &segments, args.largest_moves)?);
    }
    let challenge = Challenge::draw(&segments, source(args), amount(args), named)?;
    let report = ChallengeReport::of(&args.run, &segments, &challenge);
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(true)
}

fn source(args: &Args) -> ChallengeSource {
    match (&args.seed, &args.beacon) {
        (Some(value), _) => ChallengeSource::Verifier(value.clone()),
        (None, Some(value)) => ChallengeSource::Beacon(value.clone()),
        (None, None) => ChallengeSource::Head,
    }
}

fn amount(args: &Args) -> Amount {
    match args.count {
        _ if args.all => Amount::All,
        Some(count) => Amount::Count(SegmentCount(count)),
        None => Amount::Goal(Goal {
            fraction: args.fraction,
            security: SecurityBits(args.security),
        }),
    }
}
