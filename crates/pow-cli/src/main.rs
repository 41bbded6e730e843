//! The program `pow`: check and look into training chains. Needs neither Burn
//! nor a GPU.

mod inspect;
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
  pow inspect runs/digits                     blocks and entries as a table";

#[derive(Subcommand)]
enum Command {
    Verify(verify::Args),
    Inspect(inspect::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Verify(args) => verify::run(&args),
        Command::Inspect(args) => inspect::run(&args),
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
