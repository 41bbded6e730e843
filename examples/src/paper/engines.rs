//! The engines that mine for the measurements.

use super::opened;
use anyhow::Context;
use pow_core::block::Template;
use pow_core::coinbase::{ExtraNonce, Height};
use pow_core::hash::{BlockHash, BodyCommitment};
use pow_core::header::HeaderTime;
use pow_core::search::{CancelToken, Engine, HitLimit, Job, NonceRange};
use pow_core::target::CompactTarget;
use pow_mine::{CpuShare, EngineChoice, select};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A device that mines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MiningDevice {
    /// All CPU cores.
    Cpu,
    /// A GPU. A software adapter counts only if the environment asks for one.
    Gpu,
}

impl fmt::Display for MiningDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MiningDevice::Cpu => "CPU",
            MiningDevice::Gpu => "GPU",
        })
    }
}

/// The engines of this machine. Each is opened at its first use.
#[derive(Default)]
pub struct Engines {
    cpu: Option<Box<dyn Engine>>,
    gpu: Option<Box<dyn Engine>>,
}

impl Engines {
    /// The devices that can mine.
    pub fn devices(&mut self) -> Vec<MiningDevice> {
        // A missing GPU is no failure: the report says what was measured.
        let gpu = self
            .on(MiningDevice::Gpu)
            .is_ok()
            .then_some(MiningDevice::Gpu);
        [MiningDevice::Cpu].into_iter().chain(gpu).collect()
    }

    /// The engine of a device.
    ///
    /// # Errors
    ///
    /// If this machine has no such device, or the environment names an unknown
    /// CPU kernel.
    pub fn on(&mut self, device: MiningDevice) -> anyhow::Result<&mut dyn Engine> {
        let (place, choice) = match device {
            MiningDevice::Cpu => (&mut self.cpu, EngineChoice::Cpu),
            MiningDevice::Gpu => (&mut self.gpu, EngineChoice::Gpu),
        };
        let open = || Ok(select(choice, CpuShare::default())?.engine);
        Ok(opened(place, open)?.as_mut())
    }
}

/// What a report says if no GPU was measured.
pub const NO_GPU: &str = "No GPU was measured, because none was found. A software adapter counts \
only with `POW_GPU_SOFTWARE=1`.\n";

/// The expected number of attempts for a target: 2^256 / (target + 1).
///
/// # Errors
///
/// If the target is malformed.
pub fn difficulty(bits: CompactTarget) -> anyhow::Result<f64> {
    Ok(bits.decode()?.work().saturating_u128() as f64)
}

/// A block with random contents.
///
/// # Errors
///
/// If the height is out of range.
pub fn template(
    random: &mut fastrand::Rng,
    height: u32,
    bits: CompactTarget,
) -> anyhow::Result<Template> {
    let mut digest = || std::array::from_fn(|_| random.u8(..));
    Ok(Template {
        height: Height::new(height)?,
        prev: BlockHash(digest()),
        time: HeaderTime(1_700_000_000),
        bits,
        commitment: BodyCommitment(digest()),
    })
}

/// Mines a block and counts the attempts up to the first nonce, in search order,
/// that meets the target. The count does not depend on the number of threads.
///
/// # Errors
///
/// If the engine fails, or the target is malformed.
pub fn mine(engine: &mut dyn Engine, template: &Template) -> anyhow::Result<u64> {
    let target = template.bits.decode()?;
    let mut attempts = 0;
    for extranonce in 0u64.. {
        let header = template.block(ExtraNonce::new([0; 4], extranonce)).header;
        let job = Job::new(header, target, NonceRange::FULL);
        let found = engine.search(&job, HitLimit::First, &CancelToken::new())?;
        if let Some(hit) = found.hits.first() {
            let place = job
                .check(hit.nonce())
                .and(job.range().position(hit.nonce()));
            return Ok(attempts
                + place.context("the engine reported a nonce that does not meet the target")?
                + 1);
        }
        attempts += job.range().len();
    }
    anyhow::bail!("no nonce meets {target:?}")
}
