//! The benchmark.

use super::contestant::{Contestant, EngineKind};
use super::host::Host;
use super::latency::{cancel_latency, dispatch_latency};
use super::report::{BenchPhase, BenchReport, BenchSettings, EngineMeasurement};
use super::speed::{mhs, nonces_in};
use super::stats::Spread;
use pow_core::search::EngineError;
use pow_cpu::{CpuEngine, Kernel, Priority, Threads};
use std::num::NonZeroUsize;

/// Measures engines. First each has a warm-up. Then come rounds, in which the
/// `sha2` crate and every engine search in turns for a slice of time, so other
/// load on the machine affects all of them. Last, latencies are measured.
/// `progress` is called before each step, with the name of the engine.
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
    progress: &mut dyn FnMut(BenchPhase, &str),
) -> Result<BenchReport, EngineError> {
    let one = Threads::new(NonZeroUsize::MIN);
    let mut sha2 = CpuEngine::new(Kernel::PORTABLE, one, Priority::Normal);
    let mut rates: Vec<Vec<f64>> = contestants.iter().map(|_| Vec::new()).collect();
    let mut ratios = rates.clone();
    let mut sha2_rates = Vec::new();

    progress(BenchPhase::WarmUp, "sha2");
    let mut sha2_slice = nonces_in(&mut sha2, settings.slice)?;
    let mut slices = Vec::new();
    for contestant in &mut contestants {
        progress(BenchPhase::WarmUp, &contestant.name);
        slices.push(nonces_in(contestant.engine.as_mut(), settings.slice)?);
    }
    for _ in 0..settings.rounds.get() {
        progress(BenchPhase::Round, "sha2");
        let yardstick = mhs(&mut sha2, &mut sha2_slice, settings.slice)?;
        sha2_rates.push(yardstick);
        let measured = rates.iter_mut().zip(&mut ratios).zip(&mut slices);
        for (contestant, ((rates, ratios), slice)) in contestants.iter_mut().zip(measured) {
            progress(BenchPhase::Round, &contestant.name);
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
        progress(BenchPhase::Latency, &contestant.name);
        engines.push(EngineMeasurement {
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

/// Whether the contestant is the `sha2` crate itself, which need not run twice.
fn is_sha2(contestant: &Contestant) -> bool {
    let one = Threads::new(NonZeroUsize::MIN);
    contestant.name == Kernel::PORTABLE.name()
        && contestant.kind == EngineKind::Cpu { threads: one }
}
