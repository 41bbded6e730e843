//! `pow challenge`: prints which segments of a run to execute again, and what that would
//! show.

mod report;

use crate::arguments::{challenge_value, hash};
use crate::output::{complain, print_report};
use crate::progress::bar;
use crate::run_path::RunPath;
use pow_audit::replay::{
    Amount, Challenge, Fraction, Goal, SecurityBits, Segments, SegmentsError, largest_moves,
};
use pow_core::challenge::{ChallengeSource, ChallengeValue, SegmentCount, SegmentIndex};
use pow_core::hash::BlockHash;
use report::ChallengeReport;
use std::path::PathBuf;

/// Print which segments of a run to execute again, how likely that is to find a bad
/// segment, and what a forgery would cost.
///
/// A segment is the part of a run between two checkpoints. The first and the last one
/// are always in the challenge. The others are picked by a hash of the chain's head
/// and, if you give one, of a value that nobody knew before that head. `pow` does not
/// execute steps: the program that trained does.
///
/// Exit code 0: printed. 1: the chain does not hold. 2: the run could not be read,
/// there is no such challenge, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory, or its chain file
    run: PathBuf,
    /// Random bytes that you draw after you know the head [default: none; the challenge
    /// then comes from the head alone, which its miner could choose]
    #[arg(long, value_name = "HEX", value_parser = challenge_value, conflicts_with = "beacon")]
    seed: Option<ChallengeValue>,
    /// Bytes that a public beacon gave after the head was published
    #[arg(long, value_name = "HEX", value_parser = challenge_value)]
    beacon: Option<ChallengeValue>,
    /// Pick enough segments to find a bad one if at least this share of them is bad…
    #[arg(long, value_name = "F", default_value_t = Fraction::TENTH)]
    fraction: Fraction,
    /// …and accept a probability of 2^-L to miss them all
    #[arg(long, value_name = "L", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=256))]
    security: u32,
    /// Instead, pick exactly this many segments
    #[arg(long, value_name = "Q", conflicts_with_all = ["fraction", "security"])]
    count: Option<u64>,
    /// Instead, take all segments
    #[arg(long, conflicts_with_all = ["fraction", "security", "count"])]
    all: bool,
    /// Also check the segment with this number. Can be given several times
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    segment: Vec<u64>,
    /// Also check the N segments in which a step moved the parameters furthest. If
    /// somebody replaced the model, one of them has the leap. Reads the checkpoints
    #[arg(long, value_name = "N", default_value_t = 0)]
    largest_moves: usize,
    /// Hash that the genesis block must have, from somebody whom you trust
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    genesis: Option<BlockHash>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow challenge runs/digits                    from the head alone
  pow challenge runs/digits --seed $(openssl rand -hex 32)
  pow challenge runs/digits --beacon 8d61… --fraction 0.05 --security 20
  pow challenge runs/digits --count 12 --segment 3,4 --json
  pow challenge runs/digits --all";

/// Prints the challenge. False if the chain does not hold.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let run = RunPath::of(&args.run);
    let bar = bar(&run.chain());
    let mut progress = |at: pow_audit::walk::WalkProgress| bar.set_position(at.bytes);
    let segments = Segments::of(run.source().as_ref(), args.genesis, &mut progress);
    bar.finish_and_clear();
    let segments = match segments {
        Ok(segments) => segments,
        Err(SegmentsError::Chain(failure)) => {
            complain(&format!("the chain does not hold: {failure}"));
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let mut named: Vec<SegmentIndex> = args.segment.iter().copied().map(SegmentIndex).collect();
    if args.largest_moves > 0 {
        let RunPath::Directory(run) = &run else {
            anyhow::bail!("--largest-moves reads checkpoints: give the run directory");
        };
        named.extend(largest_moves(run, &segments, args.largest_moves)?);
    }
    let challenge = Challenge::draw(&segments, source(args), amount(args), named)?;
    let report = ChallengeReport::of(&args.run, &segments, &challenge);
    print_report(&report, args.json)?;
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
