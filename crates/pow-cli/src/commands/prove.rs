//! `pow prove`: makes a short proof for somebody who does not have the run.

use crate::arguments::{hash, height};
use crate::new_file::NewFile;
use crate::output::complain;
use crate::progress::bar;
use crate::run_path::RunPath;
use pow_audit::proof::{ProofRequest, ProofSubject, proof_to_json, prove_to};
use pow_audit::walk::WalkProgress;
use pow_core::body::StepNumber;
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_core::proof::LeafIndex;
use std::io::Write;
use std::path::PathBuf;

/// Print a proof that the chain's head commits to a step, a tensor, a chunk or a block,
/// or that it extends an older head.
///
/// The chain is verified first. The proof has a few kilobytes, also for a long run.
/// `pow check-proof` checks it without the run.
///
/// Exit code 0: the proof is on stdout. 1: the chain or a tensor file does not hold.
/// 2: the run could not be read or does not have what is asked for, the value's file
/// exists or could not be written, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group(clap::ArgGroup::new("subject").required(true).args(["step", "block", "extends"])))]
pub struct Args {
    /// The run directory
    run: PathBuf,
    /// Prove the entry of this step
    #[arg(long, value_name = "N")]
    step: Option<u64>,
    /// Prove this tensor of the step. It is read from the step's checkpoint or, for the
    /// last step, from the final artifact
    #[arg(long, value_name = "PATH", requires = "step")]
    tensor: Option<String>,
    /// Prove only this chunk of the tensor: 4096 bytes that start at byte 4096 · I
    #[arg(long, value_name = "I", requires = "tensor")]
    chunk: Option<u64>,
    /// Prove the block at this height
    #[arg(long, value_name = "H", value_parser = height)]
    block: Option<Height>,
    /// Prove that the head extends the block with this hash: an older head, or genesis
    #[arg(long, value_name = "HEX", value_parser = hash::<BlockHash>)]
    extends: Option<BlockHash>,
    /// Height of the head under which to prove it [default: the last block]
    #[arg(long, value_name = "H", value_parser = height)]
    head: Option<Height>,
    /// Also write the raw bytes of the tensor or chunk to this file, which does not exist yet
    #[arg(long, value_name = "FILE", requires = "tensor")]
    value: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  pow prove runs/digits --step 300 > proof.json
  pow prove runs/digits --step 300 --tensor conv1.weight --value conv1.bin > proof.json
  pow prove runs/digits --step 300 --tensor conv1.weight --chunk 0 > proof.json
  pow prove runs/digits --block 7 --head 20 > proof.json
  pow prove runs/digits --extends 00af… > proof.json
  pow check-proof proof.json --head 0031…";

/// Prints the proof. False if the run does not hold.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let RunPath::Directory(run) = RunPath::of(&args.run) else {
        anyhow::bail!(
            "{}: prove needs the run directory, not only its chain file",
            args.run.display()
        );
    };
    let mut file = args.value.as_deref().map(NewFile::create).transpose()?;
    let mut nowhere = std::io::sink();
    let value: &mut dyn Write = match &mut file {
        Some(file) => file,
        None => &mut nowhere,
    };
    let bar = bar(&run.chain());
    let mut progress = |at: WalkProgress| bar.set_position(at.bytes);
    let made = prove_to(&run, &request(args)?, value, &mut progress);
    bar.finish_and_clear();
    let proof = match made {
        Ok(proof) => proof,
        Err(error) if error.is_verdict() => {
            complain(&error);
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let json = proof_to_json(&proof)?;
    if let Some(file) = file {
        file.publish()?;
    }
    std::io::stdout().lock().write_all(json.as_bytes())?;
    Ok(true)
}

fn request(args: &Args) -> anyhow::Result<ProofRequest> {
    let subject = match (args.step, &args.tensor, args.block, args.extends) {
        (Some(step), None, None, None) => ProofSubject::Step(StepNumber(step)),
        (Some(step), Some(path), None, None) => ProofSubject::Tensor {
            step: StepNumber(step),
            path: path.clone(),
            chunk: args.chunk.map(LeafIndex),
        },
        (None, None, Some(height), None) => ProofSubject::Block(height),
        (None, None, None, Some(hash)) => ProofSubject::Extends(hash),
        // The argument group allows nothing else.
        _ => anyhow::bail!("give one of --step, --block and --extends"),
    };
    Ok(ProofRequest {
        head: args.head,
        subject,
    })
}
