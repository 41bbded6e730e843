//! The program `pow`: check training chains, look into them, say which of their
//! segments to execute again, prove parts of them and export them; measure what searches nonces, and mine a header. Needs
//! neither Burn nor a GPU.

mod arguments;
#[cfg(feature = "mine")]
mod bench;
mod challenge;
mod check_proof;
mod export;
mod inspect;
mod merge;
#[cfg(feature = "mine")]
mod mine;
mod new_file;
mod progress;
mod prove;
mod subject;
mod verify;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Check and look into proof-of-work chains of training runs.
#[derive(Parser)]
#[command(name = "pow", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  pow verify runs/digits                      check a finished run
  pow verify runs/digits --genesis HEX        and that it is the run you were told of
  pow verify runs/digits --allow-unfinished   a run that is still going on
  pow inspect runs/digits                     blocks and entries as a table
  pow challenge runs/digits                   which segments to execute again
  pow merge replay.json shard-*.json          one replay report out of parts
  pow prove runs/digits --step 300 > p.json   that the head commits to step 300
  pow check-proof p.json --head HEX           the same, checked without the run
  pow export runs/digits --format blk --out blk00000.dat
                                              the blocks, for Bitcoin's tools
  pow bench                                   how fast this machine searches nonces
  pow mine HEADER --engine all                a nonce for a block header";

#[derive(Subcommand)]
enum Command {
    Verify(verify::Args),
    Inspect(inspect::Args),
    Challenge(challenge::Args),
    Merge(merge::Args),
    Prove(prove::Args),
    CheckProof(check_proof::Args),
    Export(export::Args),
    #[cfg(feature = "mine")]
    Bench(bench::Args),
    #[cfg(feature = "mine")]
    Mine(mine::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Verify(args) => verify::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Challenge(args) => challenge::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Prove(args) => prove::run(&args),
        Command::CheckProof(args) => check_proof::run(&args),
        Command::Export(args) => export::run(&args),
        #[cfg(feature = "mine")]
        Command::Bench(args) => bench::run(&args),
        #[cfg(feature = "mine")]
        Command::Mine(args) => mine::run(&args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        // Whoever reads us, such as `head`, has had enough; the verdict is lost.
        Err(error) if is_broken_pipe(&error) => ExitCode::from(2),
        Err(error) => {
            // Every error of ours names its cause already.
            eprintln!("pow: {error}");
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
