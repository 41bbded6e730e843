//! The report as text.

use super::dtypes;
use pow_audit::display::{counted, printable};
use pow_audit::hex::to_hex;
use pow_audit::published::{
    CommittedStep, Fingerprint, Located, Nearest, Standing, TensorFingerprint,
};
use pow_core::draft::{AnyDType, ModelRoot};
use std::fmt::Write;

/// The report. Names are those on the command line.
pub fn report(
    name: &str,
    model: &Fingerprint,
    tensors: bool,
    located: Option<(&str, &Located)>,
) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = root(&mut out, name, model);
    if tensors {
        for tensor in &model.tensors {
            let _ = writeln!(out, "{}", tensor_line(tensor));
        }
    }
    if let Some((run, located)) = located {
        let _ = place(&mut out, model, &printable(run), located);
    }
    out
}

fn root(out: &mut String, name: &str, model: &Fingerprint) -> std::fmt::Result {
    writeln!(out, "{}", printable(name))?;
    writeln!(out, "root       {}", model.root)?;
    if let ModelRoot::Draft(_) = model.root {
        writeln!(
            out,
            "           A DRAFT of format v2: v1 has no root of these element types, no block \
             commits to this one,\n           and it may change with the draft"
        )?;
    }
    let dtypes: Vec<String> = dtypes(model)
        .into_iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    let tensors = counted(model.tensors.len() as u64, "tensor", "tensors");
    let bytes = counted(model.byte_len(), "byte", "bytes");
    writeln!(out, "{tensors} ({}), {bytes}", dtypes.join(", "))
}

fn tensor_line(tensor: &TensorFingerprint) -> String {
    let draft = match tensor.dtype {
        AnyDType::V1(_) => "",
        AnyDType::Draft(_) => "v2-draft:",
    };
    format!(
        "{draft}{}  {} {:?}  {}",
        to_hex(&tensor.leaf),
        tensor.dtype.name(),
        tensor.dims,
        printable(&tensor.path)
    )
}

fn place(out: &mut String, model: &Fingerprint, run: &str, located: &Located) -> std::fmt::Result {
    let genesis = located
        .genesis
        .map_or("no valid genesis block".into(), |hash| {
            format!("genesis block {hash}")
        });
    match &located.exact {
        Some(exact) => {
            writeln!(out, "\nFOUND in {run} ({genesis})")?;
            writeln!(out, "  {}", step(&exact.last))?;
            if exact.count > 1 {
                writeln!(
                    out,
                    "  {} more have the same tensors, the first of them {}",
                    counted(exact.count - 1, "step", "steps"),
                    step(&exact.first)
                )?;
            }
        }
        None => {
            writeln!(
                out,
                "\nNOT FOUND in {run} ({genesis}): none of {} has exactly these tensors",
                counted(located.entries, "entry", "entries")
            )?;
            writeln!(
                out,
                "  {} compared tensor by tensor",
                counted(
                    located.compared,
                    "file of parameters was",
                    "files of parameters were"
                )
            )?;
        }
    }
    if let Some(failure) = &located.failure {
        writeln!(out, "  the chain DOES NOT HOLD: {}", printable(failure))?;
    }
    for skipped in &located.skipped {
        writeln!(out, "  not compared: {}", printable(skipped))?;
    }
    match &located.nearest {
        Some(nearest) => self::nearest(out, model, nearest),
        None if located.compared > 0 => writeln!(out, "  no tensor of the model is in one of them"),
        None => Ok(()),
    }
}

fn step(at: &CommittedStep) -> String {
    format!("step {}, in block {} ({})", at.step, at.height, at.block)
}

fn nearest(out: &mut String, model: &Fingerprint, nearest: &Nearest) -> std::fmt::Result {
    let count = |is: fn(Standing) -> bool| {
        let tensors = nearest.tensors.iter();
        tensors.filter(|tensor| is(tensor.nearest)).count()
    };
    let equal = count(|standing| standing == Standing::Equal);
    let converted = count(|standing| matches!(standing, Standing::Converted(_)));
    writeln!(out, "  nearest: {}", step(&nearest.at))?;
    writeln!(
        out,
        "  of {}, {equal} equal, {converted} converted, {} not",
        counted(model.tensors.len() as u64, "tensor", "tensors"),
        model.tensors.len() - equal - converted
    )?;
    for (tensor, standing) in model.tensors.iter().zip(&nearest.tensors) {
        let dtype = tensor.dtype.name();
        let words = match standing.nearest {
            Standing::Equal => continue,
            Standing::Converted(from) => format!("converted from {} to {dtype}", from.name()),
            Standing::OtherValues => "other values".into(),
            Standing::OtherType(other) => {
                format!("{dtype} in place of {}, and no conversion", other.name())
            }
            Standing::OtherDims => "other dims".into(),
            Standing::Missing => "not in the run".into(),
            _ => "differs".into(),
        };
        write!(out, "    {}: {words}", printable(&tensor.path))?;
        match standing.elsewhere {
            Some(step) => writeln!(out, "; equal at step {step}")?,
            None => writeln!(out)?,
        }
    }
    for other in &nearest.others {
        writeln!(out, "    {}: only in the run", printable(other))?;
    }
    Ok(())
}
