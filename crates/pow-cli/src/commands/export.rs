//! `pow export`: writes the blocks, the proof of a step, or a statement, for other software.

use crate::arguments::hash;
use crate::hashing::hasher;
use crate::new_file::NewFile;
use crate::output::complain;
use crate::progress::bar;
use crate::run_path::RunPath;
use anyhow::bail;
use pow_audit::display::counted;
use pow_audit::envelope::training_payload;
use pow_audit::export::{OtsSubject, ots_proof, write_blk};
use pow_audit::walk::{WalkEnd, WalkProgress, WalkedBlock, walk};
use pow_core::body::StepNumber;
use pow_core::hash::StateRoot;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// Write a run's blocks, the proof of a step, or a statement, in a format that others read.
///
/// blk: every block without its body, as in Bitcoin Core's blk*.dat files.
///
/// ots: an OpenTimestamps proof that a block's header commits to a step's parameter
/// root. It proves no date, and its attestation is not Bitcoin's.
///
/// in-toto: the bytes that you sign for an in-toto Statement about a finished run, with the
/// digests of its model. `pow envelope` joins them with your signature.
///
/// The whole chain is verified. If the file ends inside a record, the blocks before it
/// are written, and stderr says so.
///
/// Exit code 0: written. 1: the chain does not hold, or with in-toto the model is not that
/// of the final block. No FILE is then left, but on stdout blk has written the blocks
/// before the bad one. 2: the run could not be read, does not have the step or is not
/// finished, the output exists or could not be written, or the command line is
/// wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory, or its chain file
    run: PathBuf,
    /// The format to write
    #[arg(long)]
    format: Format,
    /// With ots: prove the parameters of this step
    #[arg(long, value_name = "N", conflicts_with = "checkpoint")]
    step: Option<u64>,
    /// With ots: prove the parameters of the checkpoint with this state root instead
    #[arg(long, value_name = "ROOT", value_parser = hash::<StateRoot>)]
    checkpoint: Option<StateRoot>,
    /// A file that does not exist yet, or - for stdout
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  pow export runs/digits --format blk --out blk00000.dat
  pow export runs/digits --format blk | sha256sum
  pow export runs/digits --format ots --step 300 --out step-300.ots
  pow export runs/digits --format ots --checkpoint 17773fea… --out checkpoint.ots
  pow export runs/digits --format in-toto --out digits.pae
  openssl pkeyutl -sign -inkey key.pem -rawin -in digits.pae -out digits.sig
  pow envelope digits.pae digits.sig --key pub.pem --out digits.intoto.json";

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Bitcoin Core's block file
    Blk,
    /// OpenTimestamps proof
    Ots,
    /// The bytes to sign for an in-toto Statement
    InToto,
}

/// Writes the export. False if the chain does not hold.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let run = RunPath::of(&args.run);
    let subject = match (args.step, args.checkpoint) {
        (Some(step), _) => Some(OtsSubject::Step(StepNumber(step))),
        (None, root) => root.map(OtsSubject::Checkpoint),
    };
    match (args.format, subject) {
        (Format::Blk, None) => write_to_output(args, |out| blk(&run, out)),
        (Format::Ots, Some(subject)) => write_to_output(args, |out| ots(&run, subject, out)),
        (Format::InToto, None) => write_to_output(args, |out| in_toto(&run, out)),
        (Format::Blk, Some(_)) => {
            bail!("blk writes all blocks: --step and --checkpoint are only for ots; see --help")
        }
        (Format::InToto, Some(_)) => {
            bail!(
                "in-toto is about the whole run: --step and --checkpoint are only for ots; see --help"
            )
        }
        (Format::Ots, None) => bail!("ots needs --step or --checkpoint; see --help"),
    }
}

/// Calls `write` with the output. A file appears only if the chain holds.
fn write_to_output(
    args: &Args,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<bool>,
) -> anyhow::Result<bool> {
    if args.out.as_os_str() == "-" {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let holds = write(&mut out)?;
        out.flush()?;
        return Ok(holds);
    }
    let mut file = NewFile::create(&args.out)?;
    let holds = write(&mut file)?;
    if holds {
        file.publish()?;
    }
    Ok(holds)
}

fn blk(run: &RunPath, mut out: &mut dyn Write) -> anyhow::Result<bool> {
    let mut written = Ok(());
    let end = verified(run, |walked| {
        if written.is_ok() {
            written = write_blk(&mut out, walked);
        }
    })?;
    written?;
    Ok(end.failure().is_none())
}

fn ots(run: &RunPath, subject: OtsSubject, out: &mut dyn Write) -> anyhow::Result<bool> {
    let mut proof = None;
    let end = verified(run, |walked| {
        if proof.is_none() {
            proof = ots_proof(walked, subject);
        }
    })?;
    if end.failure().is_some() {
        return Ok(false);
    }
    match (proof, subject) {
        (Some(proof), _) => out.write_all(&proof)?,
        (None, OtsSubject::Step(step)) => bail!("no block has an entry of step {step}"),
        (None, OtsSubject::Checkpoint(root)) => {
            bail!("no block has a checkpoint with state root {root}")
        }
    }
    Ok(true)
}

fn in_toto(run: &RunPath, out: &mut dyn Write) -> anyhow::Result<bool> {
    let bar = bar(&run.chain());
    let mut progress = |at: WalkProgress| bar.set_position(at.bytes);
    let payload = training_payload(run.source().as_ref(), &hasher(), &mut progress);
    bar.finish_and_clear();
    match payload {
        Ok(payload) => out.write_all(&payload.to_sign())?,
        Err(error) if error.is_verdict() => {
            complain(&error);
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(true)
}

/// Verifies the whole chain and prints on stderr what is wrong with it.
fn verified(run: &RunPath, mut visit: impl FnMut(&WalkedBlock<'_>)) -> anyhow::Result<WalkEnd> {
    let bar = bar(&run.chain());
    let end = walk(run.source().as_ref(), None, &mut |walked, at| {
        visit(walked);
        bar.set_position(at.bytes);
    });
    bar.finish_and_clear();
    let end = end?;
    if let Some(torn) = end.torn() {
        complain(&format!(
            "byte {}: the file ends inside a record ({} of it); only the {} before it were written",
            torn.offset,
            counted(torn.len, "byte", "bytes"),
            counted(end.blocks, "block", "blocks")
        ));
    }
    if let Some(failure) = end.failure() {
        complain(&failure);
    }
    Ok(end)
}
