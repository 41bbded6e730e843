//! The measuring.

use super::contestant::{Contestant, EngineKind};
use super::host::Host;
use super::stats::Spread;
use pow_core::header::{Header, Nonce};
use pow_core::search::{CancelToken, Engine, EngineError, HitLimit, Job, NonceRange};
use pow_core::target::Target;
use pow_cpu::{CpuEngine, Kernel, Priority, Threads};
use std::num::{NonZeroU32, NonZeroUsize};
use std::thread;
use std::time::{Duration, Instant};

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BenchSettings {
    /// How often each engine is measured.
    pub rounds: NonZeroU32,
    /// How long it searches in a round.
    pub slice: Duration,
}

impl Default for BenchSettings {
    /// 11 rounds of 200 ms.
    fn default() -> Self {
        BenchSettings {
            rounds: NonZeroU32::MIN.saturating_add(10),
            slice: Duration::from_millis(200),
        }
    }
}

/// What was measured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BenchReport {
    /// The machine.
    pub machine: Host,
    /// How long it was measured.
    pub settings: BenchSettings,
    /// Millions of hashes a second by the `sha2` crate from the midstate, one
    /// thread.
    pub sha2_mhs: Spread,
    /// The engines, in the order given.
    pub engines: Vec<Measured>,
}

/// What was measured of one engine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EngineKind,
    /// Millions of header hashes a second.
    pub mhs: Spread,
    /// Its speed by that of `sha2_mhs`, compared in each round.
    pub ratio_to_sha2: Spread,
    /// How long a search of a single nonce takes.
    pub dispatch_latency: Duration,
    /// How long a search takes to return once it is cancelled.
    pub cancel_latency: Duration,
}

/// What is being measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// An engine finds its speed.
    WarmUp,
    /// An engine searches in a round.
    Round,
    /// An engine's latencies are taken.
    Latency,
}

impl BenchSettings {
    /// How often [`bench`](fn@bench) reports progress for so many engines.
    pub fn steps(&self, engines: usize) -> u64 {
        let engines = engines as u64;
        // The yardstick runs in every round and has no latencies.
        (engines + 1) * (1 + u64::from(self.rounds.get())) + engines
    }
}

/// Measures engines in turns, so that whatever else the machine does strikes all
/// alike: a warm-up of each, then rounds in which the `sha2` crate and every
/// engine search for a slice of time, then the latencies. `progress` is called
/// before each step with the name of the engine.
///
/// # Errors
///
/// [`EngineError`] if an engine fails.
///
/// ```
/// use pow_mine::bench::{BenchSettings, bench, cpu_contestants};
/// use std::{num::NonZeroU32, time::Duration};
///
/// let settings = BenchSettings { rounds: NonZeroU32::MIN, slice: Duration::from_millis(1) };
/// let report = bench(cpu_contestants()?, settings, &mut |_, _| {})?;
/// assert_eq!(report.engines[0].name, "portable");
/// assert!(report.engines[0].mhs.median > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn bench(
    mut contestants: Vec<Contestant>,
    settings: BenchSettings,
    progress: &mut dyn FnMut(Phase, &str),
) -> Result<BenchReport, EngineError> {
    let one = Threads::new(NonZeroUsize::MIN);
    let mut sha2 = CpuEngine::new(Kernel::PORTABLE, one, Priority::Normal);
    let mut rates: Vec<Vec<f64>> = contestants.iter().map(|_| Vec::new()).collect();
    let mut ratios = rates.clone();
    let mut sha2_rates = Vec::new();

    progress(Phase::WarmUp, "sha2");
    let mut sha2_slice = nonces_in(&mut sha2, settings.slice)?;
    let mut slices = Vec::new();
    for contestant in &mut contestants {
        progress(Phase::WarmUp, &contestant.name);
        slices.push(nonces_in(contestant.engine.as_mut(), settings.slice)?);
    }
    for _ in 0..settings.rounds.get() {
        progress(Phase::Round, "sha2");
        let yardstick = mhs(&mut sha2, &mut sha2_slice, settings.slice)?;
        sha2_rates.push(yardstick);
        let measured = rates.iter_mut().zip(&mut ratios).zip(&mut slices);
        for (contestant, ((rates, ratios), slice)) in contestants.iter_mut().zip(measured) {
            progress(Phase::Round, &contestant.name);
            let rate = if is_sha2(contestant) {
                yardstick
            } else {
                mhs(contestant.engine.as_mut(), slice, settings.slice)?
            };
            rates.push(rate);
            ratios.push(rate / yardstick);
        }
    }
    let mut engines = Vec::new();
    for (mut contestant, (rates, ratios)) in
        contestants.into_iter().zip(rates.into_iter().zip(ratios))
    {
        progress(Phase::Latency, &contestant.name);
        engines.push(Measured {
            mhs: Spread::of(rates),
            ratio_to_sha2: Spread::of(ratios),
            dispatch_latency: dispatch_latency(contestant.engine.as_mut())?,
            cancel_latency: cancel_latency(contestant.engine.as_mut())?,
            name: contestant.name,
            kind: contestant.kind,
        });
    }
    Ok(BenchReport {
        machine: Host::this(),
        settings,
        sha2_mhs: Spread::of(sha2_rates),
        engines,
    })
}

/// Whether the contestant is the yardstick, which then need not run twice.
fn is_sha2(contestant: &Contestant) -> bool {
    let one = Threads::new(NonZeroUsize::MIN);
    contestant.name == Kernel::PORTABLE.name()
        && contestant.kind == EngineKind::Cpu { threads: one }
}

/// No hash meets this target.
fn job(len: u64) -> Job {
    let range = NonceRange::new(Nonce(0), len).unwrap_or(NonceRange::FULL);
    let header = Header::from_bytes(&[0x5a; 80]);
    Job::new(header, Target::from_le_bytes([0; 32]), range)
}

/// How long the engine takes for this many nonces, none of which is a hit; as
/// many full ranges as they need. At least a nanosecond.
///
/// # Errors
///
/// [`EngineError`] if the engine fails.
///
/// ```
/// use pow_core::search::Reference;
/// use pow_mine::bench::search_time;
/// assert!(search_time(&mut Reference, 1000)?.as_nanos() > 0);
/// # Ok::<(), pow_core::search::EngineError>(())
/// ```
pub fn search_time(engine: &mut dyn Engine, nonces: u64) -> Result<Duration, EngineError> {
    let began = Instant::now();
    let mut left = nonces;
    while left > 0 {
        let len = left.min(NonceRange::FULL.len());
        engine.search(&job(len), HitLimit::All, &CancelToken::new())?;
        left -= len;
    }
    Ok(began.elapsed().max(Duration::from_nanos(1)))
}

/// How many nonces the engine searches in a slice of time, found by longer and
/// longer searches, which are its warm-up as well. At least one.
///
/// # Errors
///
/// [`EngineError`] if the engine fails.
///
/// ```
/// use pow_core::search::Reference;
/// use pow_mine::bench::nonces_in;
/// use std::time::Duration;
/// assert!(nonces_in(&mut Reference, Duration::from_millis(1))? > 0);
/// # Ok::<(), pow_core::search::EngineError>(())
/// ```
pub fn nonces_in(engine: &mut dyn Engine, slice: Duration) -> Result<u64, EngineError> {
    let mut nonces = 1 << 12;
    loop {
        let took = search_time(engine, nonces)?;
        if took >= slice / 2 {
            return Ok(in_slice(nonces, took, slice));
        }
        nonces = in_slice(nonces, took, slice).clamp(2 * nonces, 8 * nonces);
    }
}

fn in_slice(nonces: u64, took: Duration, slice: Duration) -> u64 {
    let len = nonces as f64 * slice.as_secs_f64() / took.as_secs_f64();
    (len as u64).max(1)
}

/// Millions of nonces a second; adjusts the slice for the next round.
fn mhs(engine: &mut dyn Engine, nonces: &mut u64, slice: Duration) -> Result<f64, EngineError> {
    let took = search_time(engine, *nonces)?;
    let mhs = *nonces as f64 / took.as_secs_f64() / 1e6;
    *nonces = in_slice(*nonces, took, slice);
    Ok(mhs)
}

/// Searches of one nonce, of which the median counts.
const DISPATCHES: usize = 101;

fn dispatch_latency(engine: &mut dyn Engine) -> Result<Duration, EngineError> {
    let times = (0..DISPATCHES)
        .map(|_| search_time(engine, 1))
        .collect::<Result<_, _>>()?;
    Ok(median(times))
}

/// Cancelled searches, of which the median counts.
const CANCELS: usize = 7;

/// How long a search goes on before it is cancelled: several dispatches to a
/// GPU.
const UNDER_WAY: Duration = Duration::from_millis(150);

fn cancel_latency(engine: &mut dyn Engine) -> Result<Duration, EngineError> {
    let times = (0..CANCELS)
        .map(|_| cancelled(engine))
        .collect::<Result<_, _>>()?;
    Ok(median(times))
}

/// From the call that cancels a search to its return.
fn cancelled(engine: &mut dyn Engine) -> Result<Duration, EngineError> {
    let cancel = CancelToken::new();
    thread::scope(|scope| {
        let other = &cancel;
        let canceller = scope.spawn(move || {
            thread::sleep(UNDER_WAY);
            let now = Instant::now();
            other.cancel();
            now
        });
        // No range lasts a fast GPU a second.
        while !cancel.is_cancelled() {
            engine.search(&job(NonceRange::FULL.len()), HitLimit::All, &cancel)?;
        }
        let returned = Instant::now();
        // It cannot have panicked.
        let cancelled = canceller.join().unwrap_or(returned);
        Ok(returned.saturating_duration_since(cancelled))
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
