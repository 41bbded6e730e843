//! `pow diff`: says in which tensors two models differ, and by how much.

use crate::hashing::{hasher, workers};
use crate::model_path::{open, or_verdict};
use crate::output::{print_json, print_text};
use crate::progress::bytes;
use pow_audit::display::{counted, printable};
use pow_audit::published::{ModelDiff, TensorDiff, TensorDifference, ValueDifference, diff};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Print in which tensors two models differ, and by how much.
///
/// Each is a safetensors file, an index of several (`model.safetensors.index.json`), or a
/// directory with model.safetensors or that index. Tensors of the same path are compared bit by
/// bit. Floats also have the largest difference of two elements, and the Euclidean distance as
/// a part of the length of A's tensor.
///
/// Exit code 0: all tensors are equal. 1: they are not, or a model is malformed. 2: a file
/// could not be read, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The first model
    a: PathBuf,
    /// The second model
    b: PathBuf,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow diff runs/digits/model.safetensors published.safetensors
  pow diff base-model fine-tuned-model       two directories
  pow diff a.safetensors b.safetensors --json";

/// Prints the differences. True if there are none.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let (Some(a), Some(b)) = (open(&args.a)?, open(&args.b)?) else {
        return Ok(false);
    };
    let bar = bytes(a.byte_len());
    let progress = |read| bar.inc(read);
    let found = diff(&a, &b, &workers(&hasher(), &progress));
    bar.finish_and_clear();
    let Some(found) = or_verdict(found.map_err(Into::into))? else {
        return Ok(false);
    };
    match args.json {
        true => print_json(&to_json(args, &found))?,
        false => print_text(&to_text(args, &found))?,
    }
    Ok(found.tensors.is_empty())
}

fn to_text(args: &Args, found: &ModelDiff) -> String {
    let name = |path: &PathBuf| printable(&path.display().to_string());
    let mut out = format!("A  {}\nB  {}\n", name(&args.a), name(&args.b));
    let all = found.equal + found.tensors.len() as u64;
    out += &match found.tensors.is_empty() {
        true => format!("EQUAL: {}\n", counted(all, "tensor", "tensors")),
        false => format!(
            "DIFFERENT: {} of {} equal\n",
            found.equal,
            counted(all, "tensor is", "tensors are")
        ),
    };
    for tensor in &found.tensors {
        out += &format!("  {}: {}\n", printable(&tensor.path), words(tensor));
    }
    out
}

fn words(tensor: &TensorDiff) -> String {
    match &tensor.difference {
        TensorDifference::OnlyInA => "only in A".into(),
        TensorDifference::OnlyInB => "only in B".into(),
        TensorDifference::Dims(a, b) => format!("dims {a:?} in A, {b:?} in B"),
        TensorDifference::Types(a, b) => format!("{} in A, {} in B", a.name(), b.name()),
        TensorDifference::Values(values) => values_words(values),
        _ => "differs".into(),
    }
}

fn values_words(values: &ValueDifference) -> String {
    let (a, b) = values.dtypes;
    let mut words = match a == b {
        true => format!("{} ", a.name()),
        false => format!("{} in A, {} in B ", a.name(), b.name()),
    };
    if values.converted {
        words += "(the same, but for rounding) ";
    }
    words += &format!("{} of {} differ", values.differing, values.elements);
    if let Some(distance) = &values.distance {
        let part = distance.euclidean / distance.length;
        words += &format!(
            ", by up to {:.3e}; distance {:.3e}",
            distance.largest, distance.euclidean
        );
        if part.is_finite() {
            words += &format!(", {part:.3e} of A's length");
        }
        if distance.not_finite > 0 {
            words += &format!("; {} without a finite difference", distance.not_finite);
        }
    }
    words
}

fn to_json(args: &Args, found: &ModelDiff) -> Value {
    let tensors = found.tensors.iter();
    json!({
        "schema": "burn-pow/diff/v0",
        "a": args.a.display().to_string(),
        "b": args.b.display().to_string(),
        "equal": found.equal,
        "different": tensors.map(tensor_json).collect::<Vec<_>>(),
    })
}

fn tensor_json(tensor: &TensorDiff) -> Value {
    let mut value = match &tensor.difference {
        TensorDifference::OnlyInA => json!({ "kind": "only-in-a" }),
        TensorDifference::OnlyInB => json!({ "kind": "only-in-b" }),
        TensorDifference::Dims(a, b) => json!({ "kind": "dims", "a": a, "b": b }),
        TensorDifference::Types(a, b) => {
            json!({ "kind": "types", "a": a.name(), "b": b.name() })
        }
        TensorDifference::Values(values) => values_json(values),
        _ => json!({ "kind": "other" }),
    };
    value["path"] = json!(tensor.path);
    value
}

fn values_json(values: &ValueDifference) -> Value {
    let mut value = json!({
        "kind": "values",
        "a": values.dtypes.0.name(),
        "b": values.dtypes.1.name(),
        "elements": values.elements,
        "differing": values.differing,
        "converted": values.converted,
    });
    if let Some(distance) = &values.distance {
        value["largest"] = json!(distance.largest);
        value["distance"] = json!(distance.euclidean);
        value["length_of_a"] = json!(distance.length);
        value["not_finite"] = json!(distance.not_finite);
    }
    value
}
