//! `pow mine`: a nonce for a given header.

use anyhow::{Context, anyhow, bail};
use indicatif::ProgressBar;
use pow_audit::hex::{FromHexError, from_hex, to_hex};
use pow_core::header::{HEADER_LEN, Header, Nonce};
use pow_core::search::{CancelToken, Engine, Found, Hit, HitLimit, Job, NonceRange};
use pow_mine::{CpuShare, EngineChoice, select};
use serde_json::json;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// Search a block header's nonces for one whose hash meets the target of the
/// header's own bits.
///
/// Nothing but the nonce changes; the header's own nonce is ignored. One engine
/// finds the first valid nonce of the range; with --engine all it is any.
/// Ctrl-C ends the search and tells where to go on.
///
/// Exit code 0: found; 1: no nonce of the range meets the target; 2: the header
/// is malformed, the engine failed, the search was cancelled, or the call is
/// wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The header, 160 hex digits; - for stdin
    #[arg(value_parser = source)]
    header: Source,
    /// What searches: auto, cpu, gpu or all
    #[arg(long, default_value = "auto")]
    engine: EngineChoice,
    /// First nonce to try
    #[arg(long, value_name = "NONCE", default_value_t = 0)]
    start: u32,
    /// Last nonce to try
    #[arg(long, value_name = "NONCE", default_value_t = u32::MAX)]
    end: u32,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow mine 0100…2b7c                            all nonces, on a GPU if there is one
  pow mine - --engine cpu <header.hex           the header from a file
  pow mine 0100…2b7c --start 2083000000 --end 2084000000 --json";

#[derive(Clone)]
enum Source {
    Stdin,
    Given(Header),
}

fn source(text: &str) -> Result<Source, String> {
    match text {
        "-" => Ok(Source::Stdin),
        digits => header(digits).map(Source::Given),
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
        Err(_) => Err("a header is hex digits alone".into()),
    }
}

/// Searches and prints; true if a nonce was found.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let header = match args.header {
        Source::Given(header) => header,
        Source::Stdin => from_stdin()?,
    };
    let target = header
        .bits
        .decode()
        .map_err(|error| anyhow!("the header's bits: {error}"))?;
    let len = u64::from(args.end)
        .checked_sub(u64::from(args.start))
        .ok_or_else(|| anyhow!("--end {} lies before --start {}", args.end, args.start))?;
    let range = NonceRange::new(Nonce(args.start), len + 1)?;
    let job = Job::new(header, target, range);

    let mut selected = select(args.engine, CpuShare::default())?;
    let cancel = CancelToken::new();
    let handler = cancel.clone();
    ctrlc::set_handler(move || handler.cancel())?;
    eprintln!("pow: {}", selected.note);
    let spinner = ProgressBar::new_spinner().with_message("searching");
    spinner.enable_steady_tick(Duration::from_millis(100));
    let began = Instant::now();
    let found = selected.engine.search(&job, HitLimit::Any, &cancel)?;
    let time = began.elapsed();
    spinner.finish_and_clear();

    let hit = match found.hits.first() {
        // A hit says nothing of the job it was made for, so ask ours.
        Some(hit) => Some(job.check(hit.nonce()).context("the engine lied")?),
        None => None,
    };
    if hit.is_none() && found.scanned < range.len() {
        bail!(
            "cancelled after {} nonces; go on with --start {}",
            found.scanned,
            range.nonce(found.scanned).0
        );
    }
    print(args, &job, hit, &found, time, selected.engine.as_ref())?;
    Ok(hit.is_some())
}

fn from_stdin() -> anyhow::Result<Header> {
    let mut text = String::new();
    // Room for the digits, an end of line, and one byte that shows too many.
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
    let mut out = std::io::stdout().lock();
    if args.json {
        let object = json!({
            "schema": "burn-pow/mine/v0",
            "found": hit.is_some(),
            "nonce": hit.map(|hit| hit.nonce().0),
            "hash": hit.map(|hit| hit.hash().to_string()),
            "header": hit.map(|hit| to_hex(&hit.header().to_bytes())),
            "hashes": found.hashes,
            "seconds": time.as_secs_f64(),
            "mhs": mhs,
            "engine": engine.name(),
        });
        serde_json::to_writer_pretty(&mut out, &object)?;
        writeln!(out)?;
        return Ok(());
    }
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
