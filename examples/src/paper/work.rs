//! Section 2, cost of work: how many attempts a block takes, against its
//! difficulty.

use super::engines::{Device, Engines, difficulty, mine, template};
use super::stats::{deviation, mean};
use anyhow::Context;
use pow_core::target::{CompactTarget, ZeroBits};
use serde::{Deserialize, Serialize};
use std::time::Instant;

pub mod report;

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Least number of leading zero bits.
    pub from_bits: u32,
    /// Greatest number of leading zero bits, inclusive.
    pub to_bits: u32,
    /// Blocks of each difficulty.
    pub blocks: u32,
    /// What the blocks' contents derive from.
    pub seed: u64,
}

impl Plan {
    /// Half a minute or so on two cores, and the same on a GPU.
    pub fn standard() -> Self {
        Plan {
            from_bits: 6,
            to_bits: 18,
            blocks: 1000,
            seed: 1,
        }
    }

    /// Some seconds: a look at whether everything works.
    pub fn quick() -> Self {
        Plan {
            to_bits: 14,
            blocks: 200,
            ..Plan::standard()
        }
    }

    /// Some minutes.
    pub fn full() -> Self {
        Plan {
            to_bits: 20,
            blocks: 4000,
            ..Plan::standard()
        }
    }
}

/// A difficulty, on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// What mines.
    pub device: Device,
    /// The compact target.
    pub bits: u32,
}

/// All blocks of one difficulty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What mined.
    pub device: Device,
    /// The engine, as it calls itself.
    pub engine: String,
    /// The compact target.
    pub bits: u32,
    /// Expected attempts of a block, 2^256 / (target + 1).
    pub difficulty: f64,
    /// Blocks mined.
    pub blocks: u32,
    /// Attempts of all blocks: nonces in search order up to and including the
    /// hit.
    pub attempts: u64,
    /// Attempts of a block, the mean.
    pub mean: f64,
    /// Their standard deviation over the blocks.
    pub deviation: f64,
    /// Time of all blocks, by the wall clock.
    pub seconds: f64,
}

/// Every compact target on every device: so many zero bits, and three quarters
/// of each target, so that not all difficulties are powers of two.
///
/// # Errors
///
/// If the plan's zero bits are out of range.
pub fn units(plan: &Plan, devices: &[Device]) -> anyhow::Result<Vec<Unit>> {
    let mut units = Vec::new();
    for &device in devices {
        for zero_bits in plan.from_bits..=plan.to_bits {
            let CompactTarget(bits) = ZeroBits::new(zero_bits)?.compact();
            let (size, mantissa) = (bits & 0xff00_0000, bits & 0x00ff_ffff);
            let both = [bits, size | (mantissa / 4 * 3)];
            units.extend(both.map(|bits| Unit { device, bits }));
        }
    }
    Ok(units)
}

/// Mines blocks of one difficulty: the same ones on every device.
///
/// # Errors
///
/// If the engine fails, or the target is malformed.
pub fn measure(plan: &Plan, engines: &mut Engines, unit: Unit) -> anyhow::Result<Vec<Row>> {
    let Unit { device, bits } = unit;
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
    Ok(vec![Row {
        device,
        engine: engine.name(),
        bits,
        difficulty,
        blocks: plan.blocks,
        attempts: attempts.iter().sum(),
        mean: mean(&counts).context("no blocks")?,
        deviation: deviation(&counts).context("fewer than two blocks")?,
        seconds,
    }])
}
