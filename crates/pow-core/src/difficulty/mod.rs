//! Difficulty: the target that each block must have.

use crate::target::{CompactError, CompactTarget, Target};

mod asert;

pub use asert::{AsertParameters, AsertProgress, asert};

/// The rule that genesis sets for all blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Every block has this target.
    Fixed(CompactTarget),
    /// The target adapts to the mining time of the blocks before: see
    /// [`MiningClock`].
    Asert(Asert),
}

/// A target that adapts by [`asert`](fn@asert), with genesis as the reference
/// block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asert {
    /// The target of genesis.
    pub reference: CompactTarget,
    /// The mining time that a block should take. At least 1 ms.
    pub spacing: Millis,
    /// The mining time behind schedule that makes the target twice as easy. At
    /// least 1 ms.
    pub half_life: Millis,
}

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

/// The mining time of a chain: the time from start to found, summed over its
/// blocks, by the recorder's clock. Time between blocks does not count, because
/// nothing is mined then. So a pause or a slow training does not make blocks
/// easier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MiningClock {
    /// Milliseconds of mining, including genesis.
    pub spent: u128,
    /// The number of blocks after genesis that this time includes.
    pub blocks: u32,
}

/// The difficulty part of genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difficulty {
    /// The rule.
    pub policy: Policy,
    /// The easiest target that any block of this chain may have.
    pub floor: CompactTarget,
    /// The easiest target that the final block may have. It is not easier than
    /// the target of genesis. A harder final block is the one cheap way to make
    /// it expensive to grind challenges.
    pub final_bits: CompactTarget,
}

/// Why genesis cannot have this difficulty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DifficultyError {
    /// A compact target is malformed.
    #[error(transparent)]
    Compact(#[from] CompactError),
    /// The target of genesis is easier than the floor.
    #[error("target {found} is easier than the floor {floor}")]
    AboveFloor {
        /// The target of genesis.
        found: CompactTarget,
        /// The floor.
        floor: CompactTarget,
    },
    /// The final block's target is easier than that of genesis.
    #[error("the final block's target {found} is easier than {policy}")]
    FinalTooEasy {
        /// The final block's target.
        found: CompactTarget,
        /// The target of genesis.
        policy: CompactTarget,
    },
    /// Spacing or half-life is zero.
    #[error("spacing {} ms and half-life {} ms must be at least 1 ms", spacing.0, half_life.0)]
    NoTime {
        /// The spacing.
        spacing: Millis,
        /// The half-life.
        half_life: Millis,
    },
}

impl Difficulty {
    /// One target for every block, including the final one. It is also the
    /// floor.
    pub fn fixed(bits: CompactTarget) -> Self {
        Difficulty {
            policy: Policy::Fixed(bits),
            floor: bits,
            final_bits: bits,
        }
    }

    /// Checks that the parts fit together.
    ///
    /// # Errors
    ///
    /// [`DifficultyError`] if a target is malformed, if the target of genesis
    /// is easier than the floor, if the final target is easier than the target
    /// of genesis, or if spacing or half-life is zero.
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

    /// The target that a block after genesis must have. `clock` is the mining
    /// time when its parent was found. The final block has the target that any
    /// other block would have, or [`final_bits`](Self::final_bits) if that is
    /// harder.
    ///
    /// # Errors
    ///
    /// [`CompactError`] if a target of this difficulty is malformed.
    /// [`check`](Self::check) finds that too.
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
