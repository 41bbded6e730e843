//! Section 2, cost of work: how many attempts a block takes at each difficulty.

use super::engines::{Engines, MiningDevice, difficulty, mine, template};
use super::plan::SectionPlan;
use super::stats::{deviation, mean};
use anyhow::Context;
use pow_core::target::{CompactTarget, ZeroBits};
use serde::{Deserialize, Serialize};
use std::time::Instant;

pub mod report;

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkPlan {
    /// Smallest number of leading zero bits.
    pub from_bits: u32,
    /// Largest number of leading zero bits, inclusive.
    pub to_bits: u32,
    /// Blocks of each difficulty.
    pub blocks: u32,
    /// Seed of the blocks' contents.
    pub seed: u64,
}

impl SectionPlan for WorkPlan {
    /// About half a minute on two cores, and as long on a GPU.
    fn standard() -> Self {
        WorkPlan {
            from_bits: 6,
            to_bits: 18,
            blocks: 1000,
            seed: 1,
        }
    }

    fn quick() -> Self {
        WorkPlan {
            to_bits: 14,
            blocks: 200,
            ..Self::standard()
        }
    }

    fn full() -> Self {
        WorkPlan {
            to_bits: 20,
            blocks: 4000,
            ..Self::standard()
        }
    }
}

/// A difficulty on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkUnit {
    /// The device that mines.
    pub device: MiningDevice,
    /// The compact target.
    pub bits: u32,
}

/// All blocks of one difficulty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkRow {
    /// The device that mined.
    pub device: MiningDevice,
    /// The engine's name.
    pub engine: String,
    /// The compact target.
    pub bits: u32,
    /// Expected attempts for a block: 2^256 / (target + 1).
    pub difficulty: f64,
    /// Blocks mined.
    pub blocks: u32,
    /// Attempts for all blocks: nonces in search order, up to the hit, inclusive.
    pub attempts: u64,
    /// Mean attempts for a block.
    pub mean: f64,
    /// Standard deviation of the attempts over the blocks.
    pub deviation: f64,
    /// Time for all blocks, by the wall clock.
    pub seconds: f64,
}

/// Every target on every device. Each number of zero bits gives two targets: its
/// own, and three quarters of it. So not every difficulty is a power of two.
///
/// # Errors
///
/// If the plan's zero bits are out of range.
pub fn units(plan: &WorkPlan, devices: &[MiningDevice]) -> anyhow::Result<Vec<WorkUnit>> {
    let mut units = Vec::new();
    for &device in devices {
        for zero_bits in plan.from_bits..=plan.to_bits {
            let CompactTarget(bits) = ZeroBits::new(zero_bits)?.compact();
            let (size, mantissa) = (bits & 0xff00_0000, bits & 0x00ff_ffff);
            let both = [bits, size | (mantissa / 4 * 3)];
            units.extend(both.map(|bits| WorkUnit { device, bits }));
        }
    }
    Ok(units)
}

/// Mines blocks of one difficulty. Every device gets the same blocks.
///
/// # Errors
///
/// If the engine fails, or the target is malformed.
pub fn measure(
    plan: &WorkPlan,
    engines: &mut Engines,
    unit: WorkUnit,
) -> anyhow::Result<Vec<WorkRow>> {
    let WorkUnit { device, bits } = unit;
    let engine = engines.on(device)?;
    let difficulty = difficulty(CompactTarget(bits))?;
    let mut random = fastrand::Rng::with_seed(plan.seed ^ u64::from(bits));
    let mut attempts = Vec::new();
    let began = Instant::now();
    for height in 1..=plan.blocks {
        let template = template(&mut random, height, CompactTarget(bits))?;
        attempts.push(mine(engine, &template)?);
    }
    let seconds = began.elapsed().as_secs_f64();
    let counts: Vec<f64> = attempts.iter().map(|count| *count as f64).collect();
    Ok(vec![WorkRow {
        device,
        engine: engine.name(),
        bits,
        difficulty,
        blocks: plan.blocks,
        attempts: attempts.iter().sum(),
        mean: mean(&counts).context("the plan has no blocks")?,
        deviation: deviation(&counts).context("the plan has fewer than two blocks")?,
        seconds,
    }])
}
