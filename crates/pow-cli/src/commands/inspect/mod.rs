//! `pow inspect`: prints blocks and entries as a table.

mod genesis;

use crate::run_path::RunPath;
use pow_audit::display::{counted, printable, printable_json, utc};
use pow_audit::walk::{WalkEnd, WalkedBlock, walk};
use pow_core::body::{BodyKind, Entry};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// Print the blocks and their entries, up to the first block that breaks a rule.
///
/// A run that is not finished may have no block yet, or may end inside a block. The last
/// lines then say so, and the exit code is 0.
///
/// Exit code 0: every block in the file holds every rule. 1: a block breaks a rule, or
/// the file is damaged. 2: the run could not be read, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory, or its chain file
    run: PathBuf,
    /// Print one JSON object on each line: one for each block, then one for the end
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow inspect runs/digits | less
  pow inspect runs/digits/chain.pow
  pow inspect runs/digits --json | tail -n 1";

/// Prints the table. True if the whole file holds.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let run = RunPath::of(&args.run).source();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut written = Ok(());
    let end = walk(run.as_ref(), None, &mut |walked, _| {
        if written.is_ok() {
            written = if args.json {
                writeln!(out, "{}", printable_json(&block_json(walked).to_string()))
            } else {
                write_block(&mut out, walked)
            };
        }
    })?;
    written?;
    if args.json {
        writeln!(out, "{}", printable_json(&end_json(&end).to_string()))?;
    } else {
        write_end(&mut out, &end)?;
    }
    out.flush()?;
    Ok(end.failure().is_none() || end.no_block_yet())
}

fn write_block(out: &mut impl Write, walked: &WalkedBlock<'_>) -> std::io::Result<()> {
    let (block, header) = (walked.block, walked.block.header());
    writeln!(
        out,
        "block {:>6}  byte {:>9}  {:<7}  {}  bits {}  nonce {:>10}  started {}",
        walked.chain.height(),
        walked.record.offset,
        block.body().kind.name(),
        block.hash(),
        header.bits,
        header.nonce.0,
        utc(block.body().common.start),
    )?;
    match &block.body().kind {
        BodyKind::Genesis(genesis) => genesis::lines(genesis)
            .iter()
            .try_for_each(|line| writeln!(out, "    {line}")),
        BodyKind::Steps(entries) => entries
            .iter()
            .try_for_each(|entry| writeln!(out, "    {}", entry_line(entry))),
        BodyKind::Final(last) => writeln!(
            out,
            "    {} after {}, artifact {}",
            last.ending.name(),
            counted(last.steps.0, "step", "steps"),
            last.artifact
        ),
    }
}

fn entry_line(entry: &Entry) -> String {
    let number = |bits: Option<u64>| match bits {
        Some(bits) => format!("{:.4e}", f64::from_bits(bits)),
        None => "absent".into(),
    };
    let mut line = format!(
        "step {:>6}  parameters {}  loss {}  rate {}",
        entry.step,
        entry.parameters,
        number(entry.loss),
        number(entry.learning_rate)
    );
    if let Some(root) = entry.state_root() {
        line.push_str(&format!("  checkpoint {root}"));
    }
    line
}

fn write_end(out: &mut impl Write, end: &WalkEnd) -> std::io::Result<()> {
    let blocks = counted(end.blocks, "block", "blocks");
    writeln!(
        out,
        "{blocks}, {}",
        counted(end.entries, "entry", "entries")
    )?;
    if let Some(torn) = end.torn() {
        writeln!(
            out,
            "byte {}: the file ends inside a record ({} bytes of it)",
            torn.offset, torn.len
        )?;
    }
    match end.failure() {
        Some(failure) => writeln!(out, "{}", printable(&failure)),
        None => Ok(()),
    }
}

fn block_json(walked: &WalkedBlock<'_>) -> Value {
    let (block, header) = (walked.block, walked.block.header());
    let body = block.body();
    let mut value = json!({
        "schema": "burn-pow/inspect/v0",
        "height": walked.chain.height().get(),
        "offset": walked.record.offset,
        "hash": block.hash().to_string(),
        "kind": body.kind.name(),
        "bits": header.bits.to_string(),
        "nonce": header.nonce.0,
        "time": header.time.0,
        "start_ms": body.common.start.0,
        "parent_found_ms": body.common.parent_found.0,
    });
    match &body.kind {
        BodyKind::Genesis(genesis) => {
            for (name, field) in genesis::fields(genesis) {
                value[name] = field;
            }
        }
        BodyKind::Steps(entries) => value["entries"] = entries.iter().map(entry_json).collect(),
        BodyKind::Final(last) => {
            value["steps"] = json!(last.steps.0);
            value["ending"] = json!(last.ending.name());
            value["state"] = json!(last.state.map(|root| root.to_string()));
            value["artifact"] = json!(last.artifact.to_string());
        }
    }
    value
}

fn entry_json(entry: &Entry) -> Value {
    json!({
        "step": entry.step.0,
        "parameters": entry.parameters.to_string(),
        "batch": entry.batch.map(|digest| digest.to_string()),
        "loss": entry.loss.map(float_json),
        "learning_rate": entry.learning_rate.map(float_json),
        "state": entry.state_root().map(|root| root.to_string()),
    })
}

/// A loss can be infinite or not a number. JSON has no such numbers, so they become
/// strings.
fn float_json(bits: u64) -> Value {
    let float = f64::from_bits(bits);
    if float.is_finite() {
        json!(float)
    } else {
        json!(float.to_string())
    }
}

fn end_json(end: &WalkEnd) -> Value {
    json!({
        "schema": "burn-pow/inspect/v0",
        "blocks": end.blocks,
        "entries": end.entries,
        "torn_offset": end.torn().map(|torn| torn.offset),
        "no_block_yet": end.no_block_yet(),
        "failure": end.failure(),
    })
}
