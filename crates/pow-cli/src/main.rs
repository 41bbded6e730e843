//! The program `pow`. It checks the chains of training runs, prints their content, picks
//! segments to execute again, and makes proofs and exports. It names the root of a published
//! model and compares two models. It also measures mining engines and mines a header. It needs neither Burn nor a GPU.
//!
//! This file has the command line and the exit codes.

mod arguments;
mod commands;
mod declaration_argument;
mod hashing;
mod key_argument;
mod model_path;
mod new_file;
mod output;
mod progress;
mod run_path;

use clap::{Parser, Subcommand};
use commands::{
    add_signature, anchor, challenge, check_envelope, check_proof, check_receipt, commit_report,
    compare, declare, diff, envelope, export, fingerprint, inspect, lineage, manifest, merge,
    prove, receipt, sign, stamp, verify,
};
#[cfg(feature = "mine")]
use commands::{bench, mine};
use pow_audit::display::printable;
use std::ffi::OsString;
use std::process::ExitCode;

/// Check proof-of-work chains of training runs, and look into them.
#[derive(Parser)]
#[command(name = "pow", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  pow verify runs/digits                      check a finished run
  pow verify runs/digits --genesis HEX        check that it has this genesis block
  pow verify runs/digits --allow-unfinished   check a run that is not finished
  pow verify runs/more --parent runs/digits   check that it goes on from that run
  pow inspect runs/digits                     print its blocks and entries
  pow lineage runs/*                          print which run goes on from which
  pow challenge runs/digits                   print which segments to execute again
  pow merge replay.json shard-*.json          join the parts of a replay report
  pow prove runs/digits --step 300 > p.json   prove that the head commits to step 300
  pow check-proof p.json --head HEX           check that proof without the run
  pow export runs/digits --format blk --out blk00000.dat
                                              write the blocks for Bitcoin's tools
  pow stamp runs/digits --out head.header     write what a timestamp is made over
  pow anchor runs/digits head.header.ots      take the timestamp into the run
  pow sign runs/digits --out head.txt         write what your own tool signs
  pow add-signature runs/digits head.txt head.txt.sig
                                              take the signature into the run
  pow declare --out plan.txt --metric TEXT --stopping TEXT
                                              write what you plan, before the run
  pow commit-report replay.json --key KEY --out c
                                              commit to a replay report before you show it
  pow compare runs/digits mirror/digits       find where two copies of a run part
  pow receipt runs/digits --out r.receipt     write what shows its ends without the run
  pow check-receipt r.receipt --head HEX      check that
  pow manifest downloads/some-model --out model.pae
                                              list a model's files, for you to sign
  pow envelope digits.pae digits.sig --key pub.pem --out digits.intoto.json
                                              join a statement and your signature
  pow check-envelope digits.intoto.json --key pub.pem --run runs/digits
                                              check both, and that the run says the same
  pow fingerprint model.safetensors --in runs/digits
                                              name the step that has these weights
  pow diff a.safetensors b.safetensors        say by how much two models differ
  pow bench                                   measure how fast this machine mines
  pow mine HEADER --engine all                find a nonce for a block header";

#[derive(Subcommand)]
enum Command {
    Verify(verify::Args),
    Inspect(inspect::Args),
    Lineage(lineage::Args),
    Challenge(challenge::Args),
    Merge(merge::Args),
    Prove(prove::Args),
    CheckProof(check_proof::Args),
    Export(export::Args),
    Stamp(stamp::Args),
    Anchor(anchor::Args),
    Sign(sign::Args),
    AddSignature(add_signature::Args),
    CommitReport(commit_report::Args),
    Compare(compare::Args),
    Declare(declare::Args),
    Receipt(receipt::Args),
    CheckReceipt(check_receipt::Args),
    Manifest(manifest::Args),
    Envelope(envelope::Args),
    CheckEnvelope(check_envelope::Args),
    Fingerprint(fingerprint::Args),
    Diff(diff::Args),
    #[cfg(feature = "mine")]
    Bench(bench::Args),
    #[cfg(feature = "mine")]
    Mine(mine::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let outcome = match cli.command {
        Command::Verify(args) => verify::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Lineage(args) => lineage::run(&args),
        Command::Challenge(args) => challenge::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Prove(args) => prove::run(&args),
        Command::CheckProof(args) => check_proof::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Stamp(args) => stamp::run(&args),
        Command::Anchor(args) => anchor::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::AddSignature(args) => add_signature::run(&args),
        Command::CommitReport(args) => commit_report::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Declare(args) => declare::run(&args),
        Command::Receipt(args) => receipt::run(&args),
        Command::CheckReceipt(args) => check_receipt::run(&args),
        Command::Manifest(args) => manifest::run(&args),
        Command::Envelope(args) => envelope::run(&args),
        Command::CheckEnvelope(args) => check_envelope::run(&args),
        Command::Fingerprint(args) => fingerprint::run(&args),
        Command::Diff(args) => diff::run(&args),
        #[cfg(feature = "mine")]
        Command::Bench(args) => bench::run(&args),
        #[cfg(feature = "mine")]
        Command::Mine(args) => mine::run(&args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        // The reader of our output, such as `head`, has stopped. The verdict is lost.
        Err(error) if is_broken_pipe(&error) => ExitCode::from(2),
        Err(error) => {
            // Our errors already include their cause.
            output::complain(&error);
            ExitCode::from(2)
        }
    }
}

/// Prints help, or what is wrong with the command line. A script may have taken the name
/// of a file from a stranger, so the error is made again from escaped arguments.
fn usage(error: &clap::Error) -> ExitCode {
    let arguments = || std::env::args_os();
    let escaped: Vec<String> = arguments()
        .map(|argument| printable(&argument.to_string_lossy()))
        .collect();
    if arguments().eq(escaped.iter().map(OsString::from)) {
        error.exit();
    }
    match Cli::try_parse_from(escaped) {
        Err(error) => error.exit(),
        Ok(_) => output::complain(&"an argument is malformed; see --help"),
    }
    ExitCode::from(2)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
