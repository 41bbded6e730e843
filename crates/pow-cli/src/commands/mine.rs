//! `pow mine`: finds a nonce for a given header.

use crate::output::{complain, print_json};
use anyhow::{anyhow, bail};
use indicatif::ProgressBar;
use pow_audit::hex::{FromHexError, from_hex, to_hex};
use pow_core::header::{HEADER_LEN, Header, Nonce};
use pow_core::search::{CancelToken, Engine, Found, Hit, HitLimit, Job, NonceRange};
use pow_mine::{CpuShare, EngineChoice, select};
use serde_json::json;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// Search for a nonce with which a block header's hash meets the target in the header's
/// bits.
///
/// Only the nonce changes. The header's own nonce is ignored. A single engine finds the
/// first valid nonce of the range. With --engine all it can be any valid nonce. Ctrl-C
/// ends the search and prints where to continue.
///
/// Exit code 0: found. 1: no nonce in the range meets the target. 2: the header is
/// malformed, the engine failed, the search was cancelled, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The header as 160 hex digits, or - for stdin
    #[arg(value_parser = source)]
    header: HeaderSource,
    /// The engine that searches: auto, cpu, gpu or all
    #[arg(long, default_value = "auto")]
    engine: EngineChoice,
    /// The first nonce to try
    #[arg(long, value_name = "NONCE", default_value_t = 0)]
    start: u32,
    /// The last nonce to try
    #[arg(long, value_name = "NONCE", default_value_t = u32::MAX)]
    end: u32,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow mine 0100…2b7c                            on a GPU if there is one
  pow mine - --engine cpu <header.hex           read the header from a file
  pow mine 0100…2b7c --start 2083000000 --end 2084000000 --json";

#[derive(Clone)]
enum HeaderSource {
    Stdin,
    Given(Header),
}

fn source(text: &str) -> Result<HeaderSource, String> {
    match text {
        "-" => Ok(HeaderSource::Stdin),
        digits => header(digits).map(HeaderSource::Given),
    }
}

fn header(digits: &str) -> Result<Header, String> {
    let wrong_length = || {
        let len = digits.chars().count();
        format!("a header is 160 hex digits long, this is {len}")
    };
    match from_hex(digits) {
        Ok(bytes) => match bytes.first_chunk::<HEADER_LEN>() {
            Some(header) if bytes.len() == HEADER_LEN => Ok(Header::from_bytes(header)),
            _ => Err(wrong_length()),
        },
        Err(FromHexError::OddLength) => Err(wrong_length()),
        Err(_) => Err("a header has only hex digits".into()),
    }
}

/// Searches and prints. True if a nonce was found.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let header = match args.header {
        HeaderSource::Given(header) => header,
        HeaderSource::Stdin => from_stdin()?,
    };
    let target = header
        .bits
        .decode()
        .map_err(|error| anyhow!("the header's bits: {error}"))?;
    let len = u64::from(args.end)
        .checked_sub(u64::from(args.start))
        .ok_or_else(|| anyhow!("--end {} is before --start {}", args.end, args.start))?;
    let range = NonceRange::new(Nonce(args.start), len + 1)?;
    let job = Job::new(header, target, range);

    let mut selected = select(args.engine, CpuShare::default())?;
    let cancel = CancelToken::new();
    let handler = cancel.clone();
    ctrlc::set_handler(move || handler.cancel())?;
    complain(&selected.note);
    let spinner = ProgressBar::new_spinner().with_message("searching");
    spinner.enable_steady_tick(Duration::from_millis(100));
    let began = Instant::now();
    let found = selected.engine.search(&job, HitLimit::Any, &cancel)?;
    let time = began.elapsed();
    spinner.finish_and_clear();

    let hit = found.first_for(&job, selected.engine.as_ref())?;
    if hit.is_none() && found.scanned < range.len() {
        bail!(
            "cancelled after {} nonces; continue with --start {}",
            found.scanned,
            range.nonce(found.scanned).0
        );
    }
    print(args, &job, hit, &found, time, selected.engine.as_ref())?;
    Ok(hit.is_some())
}

fn from_stdin() -> anyhow::Result<Header> {
    let mut text = String::new();
    // Room for the digits, the end of a line, and one byte that shows that it is too long.
    let limit = 2 * HEADER_LEN as u64 + 3;
    (std::io::stdin().lock().take(limit)).read_to_string(&mut text)?;
    header(text.trim()).map_err(|error| anyhow!("stdin: {error}"))
}

fn print(
    args: &Args,
    job: &Job,
    hit: Option<Hit>,
    found: &Found,
    time: Duration,
    engine: &dyn Engine,
) -> anyhow::Result<()> {
    let mhs = found.hashes as f64 / time.as_secs_f64().max(1e-9) / 1e6;
    if args.json {
        return print_json(&json!({
            "schema": "burn-pow/mine/v0",
            "found": hit.is_some(),
            "nonce": hit.map(|hit| hit.nonce().0),
            "hash": hit.map(|hit| hit.hash().to_string()),
            "header": hit.map(|hit| to_hex(&hit.header().to_bytes())),
            "hashes": found.hashes,
            "seconds": time.as_secs_f64(),
            "mhs": mhs,
            "engine": engine.name(),
        }));
    }
    let mut out = std::io::stdout().lock();
    match hit {
        Some(hit) => {
            writeln!(out, "nonce   {}", hit.nonce().0)?;
            writeln!(out, "hash    {}", hit.hash())?;
            writeln!(out, "header  {}", to_hex(&hit.header().to_bytes()))?;
        }
        None => writeln!(
            out,
            "no nonce from {} to {} meets the target of bits {}",
            args.start,
            args.end,
            job.header().bits
        )?,
    }
    writeln!(out, "hashes  {} at {mhs:.2} MH/s", found.hashes)?;
    Ok(())
}
