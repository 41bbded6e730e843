//! Says how a device computes, and on which operations two devices differ.
//!
//! ```text
//! cargo run --release --example numerics -- --json > here.json
//! cargo run --release --example numerics -- --against there.json
//! ```

use anyhow::Context;
use burn::tensor::Device;
use burn_pow::{Portability, numerics};
use clap::Parser;
use pow_audit::display::printable;
use pow_examples::program::{DeviceArg, exit_without_run};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Say how this device computes: a digest of each result of some small computations.
///
/// Where two devices differ in an operation, a run that uses it cannot be replayed on one
/// bit for bit if it was recorded on the other.
#[derive(Parser)]
struct Args {
    /// The device that computes
    #[arg(long, value_enum, default_value_t = DeviceArg::Cpu)]
    device: DeviceArg,
    /// Compare with what --json wrote elsewhere; may be given several times
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// Write JSON
    #[arg(long, conflicts_with = "against")]
    json: bool,
}

/// An operation without a digest gave two results on one device.
#[derive(Serialize, Deserialize)]
struct Numerics {
    device: String,
    operations: BTreeMap<String, Option<String>>,
}

fn main() -> ExitCode {
    exit_without_run(run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<()> {
    // First: a GPU takes some seconds to compile its kernels.
    let others = args.against.iter().map(|file| read(file));
    let others = others.collect::<anyhow::Result<Vec<_>>>()?;
    let (device, name) = args.device.alone()?;
    let here = measure(&device, name)?;
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &here)?;
        return Ok(writeln!(out)?);
    }
    let known = std::iter::once(&here).chain(&others);
    for (number, numerics) in (1..).zip(known) {
        writeln!(out, "{number}  {}", numerics.device)?;
    }
    if matches!(args.device, DeviceArg::Cpu) {
        writeln!(out, "{}", Portability::of_this_program())?;
    }
    writeln!(out)?;
    for (operation, digest) in &here.operations {
        write!(out, "{operation:<36}  {}", short(digest))?;
        for other in &others {
            write!(
                out,
                "  {:<16}",
                compared(digest, other.operations.get(operation))
            )?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn measure(device: &Device, name: String) -> anyhow::Result<Numerics> {
    let probe = numerics(device).context("this device can execute none of the operations")?;
    let operations = probe.operations().iter().map(|operation| {
        let digest = operation.digest.map(|digest| digest.to_string());
        (operation.name.clone(), digest)
    });
    Ok(Numerics {
        device: name,
        operations: operations.collect(),
    })
}

fn read(file: &Path) -> anyhow::Result<Numerics> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut numerics: Numerics = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not what --json writes", file.display()))?;
    // Somebody else may have written the file.
    numerics.device = printable(&numerics.device);
    for digest in numerics.operations.values_mut().flatten() {
        *digest = printable(digest);
    }
    Ok(numerics)
}

fn short(digest: &Option<String>) -> &str {
    digest
        .as_deref()
        .map_or("two results", |digest| &digest[..16])
}

fn compared<'a>(here: &Option<String>, there: Option<&'a Option<String>>) -> &'a str {
    match there {
        Some(there) if here.is_some() && here == there => "the same",
        Some(there) => there
            .as_deref()
            .map_or("two results", |digest| digest.get(..16).unwrap_or(digest)),
        None => "not computed",
    }
}
