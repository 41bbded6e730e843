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

/// What mines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// All CPU cores.
    Cpu,
    /// A GPU; a software adapter only where the environment asks for one.
    Gpu,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Device::Cpu => "CPU",
            Device::Gpu => "GPU",
        })
    }
}

/// The engines of this machine, opened when they are first wanted.
#[derive(Default)]
pub struct Engines {
    cpu: Option<Box<dyn Engine>>,
    gpu: Option<Box<dyn Engine>>,
}

impl Engines {
    /// The devices that can mine.
    pub fn devices(&mut self) -> Vec<Device> {
        // That there is no GPU is no failure: the report says what was measured.
        let gpu = self.on(Device::Gpu).is_ok().then_some(Device::Gpu);
        [Device::Cpu].into_iter().chain(gpu).collect()
    }

    /// The engine on a device.
    ///
    /// # Errors
    ///
    /// If this machine has no such device, or the environment names a CPU kernel
    /// that there is not.
    pub fn on(&mut self, device: Device) -> anyhow::Result<&mut dyn Engine> {
        let (place, choice) = match device {
            Device::Cpu => (&mut self.cpu, EngineChoice::Cpu),
            Device::Gpu => (&mut self.gpu, EngineChoice::Gpu),
        };
        let open = || Ok(select(choice, CpuShare::default())?.engine);
        Ok(opened(place, open)?.as_mut())
    }
}

/// What a report says where no GPU was measured.
pub const NO_GPU: &str = "No GPU was measured. Where there is one, it is; a software adapter is if \
`POW_GPU_SOFTWARE` is 1.\n";

/// The attempts that a target makes one expect, 2^256 / (target + 1).
///
/// # Errors
///
/// If the target is malformed.
pub fn difficulty(bits: CompactTarget) -> anyhow::Result<f64> {
    Ok(bits.decode()?.work().saturating_u128() as f64)
}

/// A block with contents of its own.
///
/// # Errors
///
/// If there is no such height.
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

/// Mines a block; the attempts up to the first nonce in search order that meets
/// the target, which do not depend on how many threads took part.
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
            return Ok(attempts + place.context("a hit that does not hold")? + 1);
        }
        attempts += job.range().len();
    }
    anyhow::bail!("no nonce meets {target:?}")
}
