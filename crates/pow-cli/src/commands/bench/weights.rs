//! Weights that a GPU hashes where it has them.

use super::Args;
use crate::output::complain;
use indicatif::ProgressBar;
use pow_gpu::AdapterSummary;
use pow_gpu::weights::{HashError, bytes_per_nonce};
use pow_mine::bench::{
    BenchReport, BenchSettings, EngineKind, ParameterCount, Spread, WeightsError,
    WeightsMeasurement, bench_weights,
};
use serde_json::{Value, json};
use std::fmt::Write;

/// Millions of parameters, if the command line has none.
const ON_A_GPU: [u32; 3] = [10, 100, 1000];

/// The same, on a software adapter, which shows no more with more of them.
const ON_SOFTWARE: [u32; 1] = [1];

/// A measurement, and what the search on the same adapter says about it.
pub struct Weights {
    measured: WeightsMeasurement,
    /// Billions of bytes per second with the instructions that the search gets done.
    bound_gbs: f64,
}

/// Measures every GPU of a report. Weights that do not fit are left out with a message.
pub fn measure(
    report: &BenchReport,
    args: &Args,
    settings: BenchSettings,
    bar: &ProgressBar,
) -> Result<Vec<Weights>, WeightsError> {
    let mut weights = Vec::new();
    for engine in &report.engines {
        let EngineKind::Gpu { adapter, .. } = &engine.kind else {
            continue;
        };
        for millions in sizes(args, adapter) {
            bar.set_message(format!("weights, {millions} M, {adapter}"));
            let parameters = ParameterCount(u64::from(millions) * 1_000_000);
            match bench_weights(adapter, parameters, settings, &mut || bar.tick()) {
                Ok(measured) => weights.push(Weights {
                    measured,
                    bound_gbs: engine.mhs.median * bytes_per_nonce() / 1e3,
                }),
                Err(WeightsError::Hash(error @ HashError::OutOfMemory(_))) => {
                    complain(&format!("{millions} M parameters on {adapter}: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(weights)
}

fn sizes(args: &Args, adapter: &AdapterSummary) -> Vec<u32> {
    let usual = if adapter.is_software {
        &ON_SOFTWARE[..]
    } else {
        &ON_A_GPU
    };
    let sizes = args.parameters.as_deref().unwrap_or(usual);
    sizes.iter().copied().filter(|size| *size > 0).collect()
}

/// The table. Empty if nothing was measured.
pub fn table(weights: &[Weights]) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    if weights.is_empty() {
        return Ok(out);
    }
    let name = |weights: &Weights| weights.measured.adapter.to_string();
    let width = weights.iter().map(|weights| name(weights).len()).max();
    let width = width.unwrap_or_default().max("adapter".len());
    writeln!(out)?;
    writeln!(
        out,
        "weights hashed in place, GB/s, beside reading them back and hashing them on one thread"
    )?;
    writeln!(
        out,
        "{:width$}  M parameters    in place         (min to max)  read alone  read + CPU   ratio        (min to max)  of search's bound",
        "adapter"
    )?;
    for weights in weights {
        let measured = &weights.measured;
        let Spread { median, min, max } = measured.in_place_gbs;
        let ratio = measured.ratio;
        writeln!(
            out,
            "{:width$}  {:>12}  {median:>10.3}  {:>19}  {:>10.3}  {:>10.3}  {:>6.2}  {:>18}  {:>16.0} %",
            name(weights),
            measured.parameters.0 / 1_000_000,
            format!("({min:.3} to {max:.3})"),
            measured.read_alone_gbs.median,
            measured.read_back_gbs.median,
            ratio.median,
            format!("({:.2} to {:.2})", ratio.min, ratio.max),
            100.0 * median / weights.bound_gbs,
        )?;
    }
    Ok(out)
}

/// The same for programs.
pub fn json(weights: &[Weights]) -> Value {
    weights.iter().map(one).collect()
}

fn one(weights: &Weights) -> Value {
    let measured = &weights.measured;
    json!({
        "adapter": measured.adapter.to_string(),
        "parameters": measured.parameters.0,
        "tensors": measured.tensors,
        "in_place_gbs": measured.in_place_gbs.median,
        "in_place_gbs_min": measured.in_place_gbs.min,
        "in_place_gbs_max": measured.in_place_gbs.max,
        "read_alone_gbs": measured.read_alone_gbs.median,
        "read_back_gbs": measured.read_back_gbs.median,
        "ratio_to_read_back": measured.ratio.median,
        "ratio_to_read_back_min": measured.ratio.min,
        "ratio_to_read_back_max": measured.ratio.max,
        "bound_by_search_gbs": weights.bound_gbs,
        "bytes_read": measured.bytes_read,
    })
}
