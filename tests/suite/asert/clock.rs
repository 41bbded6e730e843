//! The millisecond variant on the mining clock: against exact arithmetic, and
//! in simulations of what trainings do.

use crate::forall::forall;
use pow_core::difficulty::{Asert, Difficulty, Millis, MiningClock, Policy};
use pow_core::target::{CompactTarget, Target};
use pow_tests::fixture::bits;
use proptest::prelude::*;
use ruint::Uint;

/// Holds every number below without rounding.
type Wide = Uint<1024, 16>;

tests! {
    equals_exact_arithmetic, is_close_to_the_exponential, a_pause_changes_nothing,
    follows_a_hash_rate_that_drifts
}

fn difficulty(reference: CompactTarget, spacing: u64, half_life: u64) -> Difficulty {
    Difficulty {
        policy: Policy::Asert(Asert {
            reference,
            spacing: Millis(spacing),
            half_life: Millis(half_life),
        }),
        floor: CompactTarget(0x207f_ffff),
        final_bits: reference,
    }
}

/// `reference · (2^16 + cubic) / 2^16 · 2^doublings` as one fraction, rounded
/// down at the very end.
fn exact(difficulty: &Difficulty, clock: MiningClock) -> Target {
    let Policy::Asert(asert) = difficulty.policy else {
        unreachable!("only ASERT is asked about")
    };
    let due = i128::from(asert.spacing.0) * (i128::from(clock.blocks) + 1);
    let late = (clock.spent as i128 - due) * 65_536;
    let exponent = late / i128::from(asert.half_life.0);
    let (doublings, fraction) = (exponent.div_euclid(65_536), exponent.rem_euclid(65_536));
    let fraction = Wide::from(fraction as u64);
    let cubic = Wide::from(195_766_423_245_049u64) * fraction
        + Wide::from(971_821_376u64) * fraction * fraction
        + Wide::from(5_127u64) * fraction * fraction * fraction
        + Wide::from(1u64 << 47);
    let factor = Wide::from(65_536u64) + (cubic >> 48);
    let limit = Wide::from_le_slice(&difficulty.floor.decode().unwrap().to_le_bytes());
    let reference = Wide::from_le_slice(&asert.reference.decode().unwrap().to_le_bytes());
    let numerator = reference * factor;
    let target = match doublings {
        400.. => limit,
        0.. => (numerator << doublings as usize) >> 16,
        -400..0 => numerator >> (16 + doublings.unsigned_abs() as usize),
        _ => Wide::ZERO,
    };
    let target = target.min(limit).max(Wide::from(1));
    let bytes: [u8; 128] = target.to_le_bytes();
    Target::from_le_bytes(bytes[..32].try_into().unwrap())
}

fn equals_exact_arithmetic() {
    let clocks = (any::<u64>(), 0..40u32, any::<u32>(), 0..31u32);
    let intervals = (1..1u64 << 40, 1..1u64 << 40, 1..=200u32);
    forall(
        10_000,
        (clocks, intervals),
        |(clock, (spacing, half_life, zero_bits))| {
            let (spent, spent_shift, blocks, blocks_shift) = clock;
            let difficulty = difficulty(bits(zero_bits), spacing, half_life);
            let clock = MiningClock {
                spent: u128::from(spent >> spent_shift),
                blocks: blocks >> 1 >> blocks_shift,
            };
            let found = difficulty.required(clock, false).unwrap();
            assert_eq!(found, exact(&difficulty, clock).to_compact());
        },
    );
}

fn log2(bits: CompactTarget) -> f64 {
    let bytes = bits.decode().unwrap().to_le_bytes();
    bytes
        .iter()
        .rev()
        .fold(0.0, |sum, byte| sum * 256.0 + f64::from(*byte))
        .log2()
}

fn is_close_to_the_exponential() {
    let (spacing, half_life) = (1000, 60_000);
    let difficulty = difficulty(bits(100), spacing, half_life);
    for blocks in 0..2000u32 {
        let due = 1000.0 * (f64::from(blocks) + 1.0);
        let clock = MiningClock {
            spent: (due as u128) / 3 + u128::from(blocks % 977),
            blocks,
        };
        let late = clock.spent as f64 - due;
        let expected = log2(bits(100)) + late / 60_000.0;
        let found = log2(difficulty.required(clock, false).unwrap());
        // A compact target alone may round by 2^-15.
        let error = (found - expected).exp2() - 1.0;
        assert!(
            error.abs() < 0.000_13 + 0.000_031,
            "block {blocks}: {error}"
        );
    }
}

/// A miner. The times that it takes are exponentially distributed.
struct Simulation {
    difficulty: Difficulty,
    clock: MiningClock,
    random: u64,
}

impl Simulation {
    fn new(zero_bits: u32, spacing: u64, half_life: u64) -> Self {
        Simulation {
            difficulty: difficulty(bits(zero_bits), spacing, half_life),
            clock: MiningClock {
                spent: 0,
                blocks: 0,
            },
            random: 1,
        }
    }

    /// Mines a block at `rate`; the milliseconds it took.
    fn mine(&mut self, rate: f64) -> f64 {
        let target = self.difficulty.required(self.clock, false).unwrap();
        let expected = (256.0 - log2(target)).exp2();
        // Knuth's linear congruential generator.
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let uniform = ((self.random >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        let took = -uniform.ln() * expected / rate;
        self.clock.spent += took.round() as u128;
        self.clock.blocks += 1;
        took
    }

    fn bits(&self) -> CompactTarget {
        self.difficulty.required(self.clock, false).unwrap()
    }
}

/// The clock does not count the time between blocks, so a pause of hours changes
/// nothing. On a wall clock it would put the next blocks at the floor.
fn a_pause_changes_nothing() {
    let mut simulation = Simulation::new(20, 1000, 60_000);
    for _ in 0..5000 {
        simulation.mine(10_000.0);
    }
    let before = simulation.bits();
    let on_the_wall = MiningClock {
        spent: simulation.clock.spent + 8 * 3_600_000,
        ..simulation.clock
    };
    let difficulty = simulation.difficulty;
    assert_eq!(
        difficulty.required(on_the_wall, false),
        Ok(difficulty.floor)
    );
    let total: f64 = (0..5000).map(|_| simulation.mine(10_000.0)).sum();
    let mean = total / 5000.0;
    assert!((mean - 1000.0).abs() < 20.0, "{mean} ms a block");
    // Within what a thousand lucky blocks may do, and nowhere near the floor.
    assert!((log2(simulation.bits()) - log2(before)).abs() < 2.0);
}

/// The trainer takes more and more of the cores, then gives them back.
fn follows_a_hash_rate_that_drifts() {
    let mut simulation = Simulation::new(8, 200, 12_000);
    let blocks = 40_000;
    let mut total = 0.0;
    for block in 0..blocks {
        let phase = f64::from(block) / f64::from(blocks);
        let rate = 20_000.0 * (1.1 + (phase * 12.0).sin());
        let took = simulation.mine(rate);
        if block >= 2000 {
            total += took;
        }
    }
    let mean = total / f64::from(blocks - 2000);
    assert!((mean - 200.0).abs() < 4.0, "{mean} ms a block");
}
