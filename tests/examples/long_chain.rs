//! Verifies a long chain block by block and says how fast, and how much memory
//! that took:
//!
//! `cargo run --release -p pow-tests --example long_chain -- 10000000`
//!
//! The chain comes out of a generator and is stored nowhere. Exit code 1 if a
//! block is refused or the process ever held more than 64 MiB. Whoever wants
//! the chain as a run to read, names a directory:
//! `... --example long_chain -- 1000000 /tmp/long`.

use pow_core::chain::ChainVerifier;
use pow_ledger::{Durability, RunDir};
use pow_tests::fixture::CONFIG;
use pow_tests::stream::Stream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What the whole process may hold in memory at any time, in KiB.
const LIMIT_KIB: u64 = 64 << 10;

/// Blocks generated before they are verified, so that the clock is seldom read.
const BATCH: usize = 1024;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let blocks = arguments.next().map_or(Ok(200_000), |text| text.parse());
    let (Ok(blocks @ 3..), directory, None) = (blocks, arguments.next(), arguments.next()) else {
        eprintln!("usage: long_chain [BLOCKS (3 or more) [DIRECTORY]]");
        return ExitCode::from(2);
    };
    let outcome = match directory {
        Some(directory) => record(blocks, &directory),
        None => verify(blocks),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("long_chain: {error}");
            ExitCode::from(1)
        }
    }
}

/// All blocks, the final one included.
fn chain(
    blocks: usize,
    mut take: impl FnMut(&[u8], &[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let mut stream = Stream::default();
    for (block, body) in stream.by_ref().take(blocks - 1) {
        take(&block, &body)?;
    }
    let (block, body) = stream.finish();
    take(&block, &body)
}

fn verify(blocks: usize) -> Result<(), String> {
    let began = Instant::now();
    let mut verifier = ChainVerifier::new(None);
    let mut verifying = Duration::ZERO;
    let mut batch = Vec::with_capacity(BATCH);
    let mut check = |batch: &mut Vec<(Vec<u8>, Vec<u8>)>| {
        let now = Instant::now();
        for (block, body) in batch.iter() {
            verifier
                .push(block, body)
                .map_err(|error| error.to_string())?;
        }
        verifying += now.elapsed();
        batch.clear();
        Ok::<(), String>(())
    };
    chain(blocks, |block, body| {
        batch.push((block.to_vec(), body.to_vec()));
        if batch.len() == BATCH {
            check(&mut batch)?;
        }
        Ok(())
    })?;
    check(&mut batch)?;
    let chain = verifier.chain().ok_or("no chain")?;
    let verified = u64::from(chain.height().get()) + 1;
    if verified != blocks as u64 || chain.end().is_none() {
        return Err(format!("{verified} blocks of {blocks} verified"));
    }
    println!(
        "{blocks} blocks of {} expected hashes, head {}",
        chain.work(),
        chain.head_hash()
    );
    println!(
        "verified in {:.1} s: {:.0} blocks/s ({:.1} s with generating them)",
        verifying.as_secs_f64(),
        blocks as f64 / verifying.as_secs_f64(),
        began.elapsed().as_secs_f64()
    );
    check_memory()
}

/// The most memory that this process ever held, where the system tells.
fn check_memory() -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        println!("memory is not measured on this system");
        return Ok(());
    }
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    let peak: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"))
        .and_then(|kib| kib.trim().parse().ok())
        .ok_or("/proc/self/status has no VmHWM")?;
    println!("at most {peak} KiB resident, {LIMIT_KIB} KiB allowed");
    if peak > LIMIT_KIB {
        return Err(format!(
            "{peak} KiB were resident, {LIMIT_KIB} KiB are allowed"
        ));
    }
    Ok(())
}

fn record(blocks: usize, directory: &str) -> Result<(), String> {
    let (_files, mut writer) = RunDir::new(directory)
        .create(CONFIG, Durability::Grouped)
        .map_err(|error| error.to_string())?;
    chain(blocks, |block, body| {
        writer
            .append(block, body)
            .map(drop)
            .map_err(|error| error.to_string())
    })
}
