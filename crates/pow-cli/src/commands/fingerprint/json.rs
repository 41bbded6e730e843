//! The report as JSON.

use super::dtypes;
use pow_audit::hex::to_hex;
use pow_audit::published::{
    CommittedStep, Fingerprint, Located, Nearest, Standing, TensorFingerprint,
};
use pow_core::draft::{AnyDType, ModelRoot};
use serde_json::{Value, json};

/// The report. Names are those on the command line.
pub fn report(
    name: &str,
    model: &Fingerprint,
    tensors: bool,
    located: Option<(&str, &Located)>,
) -> Value {
    let format = match model.root {
        ModelRoot::V1(_) => "v1",
        ModelRoot::Draft(_) => "v2-draft",
    };
    let dtypes = dtypes(model).into_iter();
    let mut value = json!({
        "schema": "burn-pow/fingerprint/v0",
        "model": name,
        "format": format,
        "root": model.root.to_string(),
        "tensors": model.tensors.len(),
        "bytes": model.byte_len(),
        "dtypes": dtypes.collect::<std::collections::BTreeMap<_, _>>(),
    });
    if tensors {
        value["tensor_roots"] = model.tensors.iter().map(tensor_json).collect();
    }
    if let Some((run, located)) = located {
        value["in"] = place(run, model, located);
    }
    value
}

fn tensor_json(tensor: &TensorFingerprint) -> Value {
    let format = match tensor.dtype {
        AnyDType::V1(_) => "v1",
        AnyDType::Draft(_) => "v2-draft",
    };
    json!({
        "path": tensor.path,
        "dtype": tensor.dtype.name(),
        "shape": tensor.dims,
        "bytes": tensor.byte_len,
        "format": format,
        "leaf": to_hex(&tensor.leaf),
        "data": tensor.data.to_string(),
    })
}

fn place(run: &str, model: &Fingerprint, located: &Located) -> Value {
    json!({
        "run": run,
        "genesis": located.genesis.map(|hash| hash.to_string()),
        "entries": located.entries,
        "failure": located.failure,
        "found": located.exact.map(|exact| json!({
            "first": step(&exact.first),
            "last": step(&exact.last),
            "steps": exact.count,
        })),
        "compared": located.compared,
        "skipped": located.skipped,
        "nearest": located.nearest.as_ref().map(|nearest| nearest_json(model, nearest)),
    })
}

fn step(at: &CommittedStep) -> Value {
    json!({
        "step": at.step.0,
        "height": at.height.get(),
        "block": at.block.to_string(),
    })
}

fn nearest_json(model: &Fingerprint, nearest: &Nearest) -> Value {
    let mut value = step(&nearest.at);
    let tensors = model.tensors.iter().zip(&nearest.tensors);
    value["tensors"] = tensors
        .map(|(tensor, standing)| {
            let (words, other) = match standing.nearest {
                Standing::Equal => ("equal", None),
                Standing::Converted(from) => ("converted", Some(from)),
                Standing::OtherValues => ("other-values", None),
                Standing::OtherType(other) => ("other-type", Some(other)),
                Standing::OtherDims => ("other-dims", None),
                Standing::Missing => ("not-in-run", None),
                _ => ("differs", None),
            };
            json!({
                "path": tensor.path,
                "standing": words,
                "dtype_in_run": other.map(|dtype| dtype.name()),
                "equal_at_step": standing.elsewhere.map(|step| step.0),
            })
        })
        .collect();
    value["only_in_run"] = json!(nearest.others);
    value
}
