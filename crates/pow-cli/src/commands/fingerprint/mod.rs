//! `pow fingerprint`: prints the root of a published model, and finds it in a run.

mod json;
mod text;

use crate::hashing::{hasher, workers};
use crate::model_path::{is_pipe, open, or_verdict};
use crate::output::{complain, print_json, print_text};
use crate::progress::{bar, bytes, passing};
use crate::run_path::RunPath;
use pow_audit::published::{
    Fingerprint, LocateProgress, Located, fingerprint, fingerprint_stream, locate,
};
use pow_core::draft::ModelRoot;
use pow_core::hash::ParameterRoot;
use pow_core::tensor::TensorHasher;
use pow_ledger::open::open_named;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Print the root of a model's tensors, and find the step of a run that has them.
///
/// The model is a safetensors file, an index of several (`model.safetensors.index.json`), or a
/// directory with model.safetensors or that index. The root does not depend on how the tensors
/// are divided over files. It is the parameter root that the blocks of a run commit to: that of
/// a run's model.safetensors is its artifact root.
///
/// A model with element types that format v1 does not have, such as F8_E4M3, gets a root of
/// the draft of v2. It begins with `v2-draft:`, may change with the draft, and no block commits
/// to it.
///
/// With --in, the step that committed to exactly these tensors is named. If there is none, each
/// tensor is looked for in the run's checkpoints: it can be equal, be rounded from another
/// type, or differ. A step that is found says what the chain commits to, and not that a training
/// took place.
///
/// Exit code 0: the root is printed, and with --in a step has exactly these tensors. 1: the
/// model is malformed, or with --in no step has exactly these tensors, or the chain does not
/// hold. 2: a file could not be read, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The model: a safetensors file, an index, a directory, or - for a file on stdin
    model: PathBuf,
    /// Also print the root of each tensor
    #[arg(long)]
    tensors: bool,
    /// Find the model in this run: its directory or, without the checkpoints, its chain file
    #[arg(long = "in", value_name = "RUN")]
    run: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow fingerprint runs/digits/model.safetensors      the run's artifact root
  pow fingerprint downloads/some-model --tensors     a directory, tensor by tensor
  pow fingerprint model.safetensors.index.json --json
  curl -L URL | pow fingerprint -                    without keeping the file
  pow fingerprint model.safetensors --in runs/digits which step it is";

/// Prints the root. True if, with `--in`, a step has exactly the model's tensors.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let hasher = hasher();
    let Some(model) = read(&args.model, &hasher)? else {
        return Ok(false);
    };
    let run = args.run.as_deref().map(RunPath::of);
    let located = match &run {
        Some(run) => Some(find(&model, run, &hasher)?),
        None => None,
    };
    let name = match args.model.to_str() {
        Some("-") => "stdin".into(),
        _ => args.model.display().to_string(),
    };
    let run = args.run.as_ref().map(|run| run.display().to_string());
    let located = run.as_deref().zip(located.as_ref());
    match args.json {
        true => print_json(&json::report(&name, &model, args.tensors, located))?,
        false => print_text(&text::report(&name, &model, args.tensors, located))?,
    }
    Ok(located.is_none_or(|(_, found)| found.exact.is_some() && found.failure.is_none()))
}

/// The parameter root of a model. `None` if it is malformed, or has element types that
/// version 1 does not have, after a complaint.
pub fn model_root(path: &Path) -> anyhow::Result<Option<ParameterRoot>> {
    let Some(found) = read(path, &hasher())? else {
        return Ok(None);
    };
    match found.root {
        ModelRoot::V1(root) => Ok(Some(root)),
        ModelRoot::Draft(root) => {
            complain(&format!(
                "{}: its root is {root}, and no block commits to such a root",
                path.display()
            ));
            Ok(None)
        }
    }
}

/// The roots of the model. `None` if it is malformed.
fn read(path: &Path, hasher: &(dyn TensorHasher + Sync)) -> anyhow::Result<Option<Fingerprint>> {
    if path == Path::new("-") {
        return stream(std::io::stdin(), Path::new("stdin"), hasher);
    }
    if is_pipe(path) {
        return stream(open_named(path)?, path, hasher);
    }
    let Some(model) = open(path)? else {
        return Ok(None);
    };
    let bar = bytes(model.byte_len());
    let progress = |read| bar.inc(read);
    let found = fingerprint(&model, &workers(hasher, &progress));
    bar.finish_and_clear();
    or_verdict(found.map_err(Into::into))
}

fn stream(
    input: impl Read + Send,
    path: &Path,
    hasher: &(dyn TensorHasher + Sync),
) -> anyhow::Result<Option<Fingerprint>> {
    let bar = passing();
    let progress = |read| bar.inc(read);
    let found = fingerprint_stream(input, path, &workers(hasher, &progress));
    bar.finish_and_clear();
    or_verdict(found.map_err(Into::into))
}

fn find(model: &Fingerprint, run: &RunPath, hasher: &dyn TensorHasher) -> anyhow::Result<Located> {
    let bar = bar(&run.chain());
    let mut progress = |at| match at {
        LocateProgress::Chain(at) => bar.set_position(at.bytes),
        LocateProgress::Checkpoints(done, of) => {
            bar.set_message(format!("{done}/{of} checkpoints"))
        }
        _ => {}
    };
    let found = locate(model, run.source().as_ref(), hasher, &mut progress);
    bar.finish_and_clear();
    Ok(found?)
}

/// How many tensors of each element type there are, by the names of the types.
fn dtypes(model: &Fingerprint) -> Vec<(&'static str, u64)> {
    let mut counts = std::collections::BTreeMap::new();
    for tensor in &model.tensors {
        *counts.entry(tensor.dtype.name()).or_default() += 1;
    }
    counts.into_iter().collect()
}
