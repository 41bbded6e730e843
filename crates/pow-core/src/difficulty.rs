//! Difficulty: which target each block must have.

use crate::target::{CompactError, CompactTarget, Target};

mod asert;

pub use asert::{AsertParameters, AsertProgress, asert};

/// The rule that genesis fixes for all blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Every block has this target.
    Fixed(CompactTarget),
    /// The target follows the mining time of the blocks before: see
    /// [`MiningClock`].
    Asert(Asert),
}

/// A target that adapts, by [`asert`] with genesis as the reference block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asert {
    /// The target of genesis.
    pub reference: CompactTarget,
    /// Mining time that a block should take; at least 1 ms.
    pub spacing: Millis,
    /// Mining time behind schedule that makes the target twice as easy; at
    /// least 1 ms.
    pub half_life: Millis,
}

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

/// How long a chain has been mined at: the sum over its blocks of the time from
/// start to found, both by the recorder's clock. Time between blocks, in which
/// nothing was mined, does not count: a pause or a slow training must not make
/// blocks easy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MiningClock {
    /// Milliseconds of mining, genesis included.
    pub spent: u128,
    /// Blocks after genesis that it was spent on.
    pub blocks: u32,
}

/// The difficulty part of genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difficulty {
    /// The rule.
    pub policy: Policy,
    /// The easiest target that any block of this chain may have.
    pub floor: CompactTarget,
    /// The easiest target that the final block may have: at most as easy as
    /// genesis'. It is the one cheap way to make grinding of a challenge
    /// expensive.
    pub final_bits: CompactTarget,
}

/// Why a difficulty cannot stand in genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DifficultyError {
    /// A compact target is malformed.
    #[error(transparent)]
    Compact(#[from] CompactError),
    /// Genesis' target is easier than the floor.
    #[error("target {found} is easier than the floor {floor}")]
    AboveFloor {
        /// Genesis' target.
        found: CompactTarget,
        /// The floor.
        floor: CompactTarget,
    },
    /// The final block's target is easier than genesis'.
    #[error("the final block's target {found} is easier than {policy}")]
    FinalTooEasy {
        /// The final block's target.
        found: CompactTarget,
        /// The policy's target, of genesis.
        policy: CompactTarget,
    },
    /// A spacing or a half-life of nothing.
    #[error("spacing {} ms and half-life {} ms must be at least 1 ms", spacing.0, half_life.0)]
    NoTime {
        /// The spacing.
        spacing: Millis,
        /// The half-life.
        half_life: Millis,
    },
}

impl Difficulty {
    /// One target for every block, the final one included; it is the floor.
    pub fn fixed(bits: CompactTarget) -> Self {
        Difficulty {
            policy: Policy::Fixed(bits),
            floor: bits,
            final_bits: bits,
        }
    }

    /// Checks that the parts agree.
    ///
    /// # Errors
    ///
    /// [`DifficultyError`] if a target is malformed, genesis' target is easier
    /// than the floor, the final target easier than genesis', or spacing or
    /// half-life is zero.
    pub fn check(&self) -> Result<(), DifficultyError> {
        if let Policy::Asert(Asert {
            spacing, half_life, ..
        }) = self.policy
            && (spacing.0 == 0 || half_life.0 == 0)
        {
            return Err(DifficultyError::NoTime { spacing, half_life });
        }
        let bits = self.of_genesis();
        let floor = self.floor.decode()?;
        let target: Target = bits.decode()?;
        if target > floor {
            return Err(DifficultyError::AboveFloor {
                found: bits,
                floor: self.floor,
            });
        }
        if self.final_bits.decode()? > target {
            return Err(DifficultyError::FinalTooEasy {
                found: self.final_bits,
                policy: bits,
            });
        }
        Ok(())
    }

    /// The target of genesis.
    pub fn of_genesis(&self) -> CompactTarget {
        match self.policy {
            Policy::Fixed(bits) => bits,
            Policy::Asert(asert) => asert.reference,
        }
    }

    /// The target that a block after genesis must have. `clock` stands where
    /// its parent was found. The final block's is that of any other block, or
    /// [`final_bits`](Self::final_bits) if that is harder.
    ///
    /// # Errors
    ///
    /// [`CompactError`] if a target of this difficulty is malformed, which
    /// [`check`](Self::check) would have told.
    ///
    /// ```
    /// use pow_core::difficulty::{Difficulty, MiningClock};
    /// use pow_core::target::CompactTarget;
    /// let difficulty = Difficulty::fixed(CompactTarget(0x1f00ffff));
    /// let clock = MiningClock { spent: 1000, blocks: 3 };
    /// assert_eq!(difficulty.required(clock, false), Ok(CompactTarget(0x1f00ffff)));
    /// ```
    pub fn required(
        &self,
        clock: MiningClock,
        is_final: bool,
    ) -> Result<CompactTarget, CompactError> {
        let target = match self.policy {
            Policy::Fixed(bits) => bits.decode()?,
            Policy::Asert(policy) => asert(
                policy.reference.decode()?,
                AsertProgress {
                    time: i128::try_from(clock.spent).unwrap_or(i128::MAX),
                    blocks: clock.blocks.into(),
                },
                &AsertParameters {
                    spacing: policy.spacing.0,
                    half_life: policy.half_life.0,
                    limit: self.floor.decode()?,
                },
            ),
        };
        let target = if is_final {
            target.min(self.final_bits.decode()?)
        } else {
            target
        };
        Ok(target.to_compact())
    }
}
