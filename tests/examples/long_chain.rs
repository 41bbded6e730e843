//! Verifies a long chain block by block and says how fast, and how much memory
//! that took:
//!
//! `cargo run --release -p pow-tests --example long_chain -- 10000000`
//!
//! A generator makes the chain, and nothing stores it. The exit code is 1 if a
//! block is refused, if the process ever held more than 64 MiB, or if memory grew
//! with the chain. With a directory the chain is written there as a run:
//! `... --example long_chain -- 1000000 /tmp/long`.

use pow_core::chain::ChainVerifier;
use pow_ledger::{Durability, RunDir};
use pow_tests::fixture::CONFIG;
use pow_tests::stream::{BlockAndBody, Stream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What the whole process may hold in memory at any time, in KiB.
const LIMIT_KIB: u64 = 64 << 10;

/// By how much memory may grow after a tenth of the chain, in KiB.
const GROWTH_KIB: u64 = 1 << 10;

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
    mut take: impl FnMut(BlockAndBody) -> Result<(), String>,
) -> Result<(), String> {
    let mut stream = Stream::default();
    for block in stream.by_ref().take(blocks - 1) {
        take(block)?;
    }
    take(stream.finish())
}

fn verify(blocks: usize) -> Result<(), String> {
    let began = Instant::now();
    let mut timed = Timed::default();
    let mut batch = Vec::with_capacity(BATCH);
    let mut done = 0;
    let mut early = None;
    chain(blocks, |block| {
        batch.push(block);
        if batch.len() == BATCH {
            done += BATCH;
            timed.check(&mut batch)?;
        }
        if early.is_none() && done >= blocks / 10 {
            early = Some(peak()?);
        }
        Ok(())
    })?;
    timed.check(&mut batch)?;
    let chain = timed.verifier.chain().ok_or("no chain")?;
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
        timed.spent.as_secs_f64(),
        blocks as f64 / timed.spent.as_secs_f64(),
        began.elapsed().as_secs_f64()
    );
    check_memory(early.flatten(), peak()?)
}

/// A verifier and the time that it took.
struct Timed {
    verifier: ChainVerifier,
    spent: Duration,
}

impl Default for Timed {
    fn default() -> Self {
        Timed {
            verifier: ChainVerifier::new(None),
            spent: Duration::ZERO,
        }
    }
}

impl Timed {
    /// Verifies the blocks and drops them.
    fn check(&mut self, batch: &mut Vec<BlockAndBody>) -> Result<(), String> {
        let now = Instant::now();
        for (block, body) in batch.iter() {
            self.verifier
                .push(block, body)
                .map_err(|error| error.to_string())?;
        }
        self.spent += now.elapsed();
        batch.clear();
        Ok(())
    }
}

/// The limit, and that memory does not grow with the chain: in a short one a
/// leak would stay below the limit.
fn check_memory(early: Option<u64>, late: Option<u64>) -> Result<(), String> {
    let (Some(early), Some(late)) = (early, late) else {
        println!("memory is not measured on this system");
        return Ok(());
    };
    println!("at most {late} KiB resident, {early} KiB in the first tenth");
    if late > LIMIT_KIB {
        return Err(format!("{LIMIT_KIB} KiB are allowed"));
    }
    if late > early + GROWTH_KIB {
        return Err(format!("memory grew by more than {GROWTH_KIB} KiB"));
    }
    Ok(())
}

/// The most memory that this process ever held, in KiB; none where the system
/// does not tell.
fn peak() -> Result<Option<u64>, String> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"))
        .and_then(|kib| kib.trim().parse().ok())
        .map(Some)
        .ok_or_else(|| "/proc/self/status has no VmHWM".into())
}

fn record(blocks: usize, directory: &str) -> Result<(), String> {
    let (_files, mut writer) = RunDir::new(directory)
        .create(CONFIG, Durability::Grouped)
        .map_err(|error| error.to_string())?;
    chain(blocks, |(block, body)| {
        writer
            .append(&block, &body)
            .map(drop)
            .map_err(|error| error.to_string())
    })
}
