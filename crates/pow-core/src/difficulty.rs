//! Difficulty: which target each block must have.

use crate::target::{CompactError, CompactTarget, Target};

/// The rule that genesis fixes for all blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Every block has this target.
    Fixed(CompactTarget),
}

/// The difficulty part of genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difficulty {
    /// The rule.
    pub policy: Policy,
    /// The easiest target that any block of this chain may have.
    pub floor: CompactTarget,
    /// The target of the final block: at most as easy as the policy's. It is
    /// the one cheap way to make grinding of a challenge expensive.
    pub final_bits: CompactTarget,
}

/// Why a difficulty cannot stand in genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DifficultyError {
    /// A compact target is malformed.
    #[error(transparent)]
    Compact(#[from] CompactError),
    /// The policy's target is easier than the floor.
    #[error("target {found} is easier than the floor {floor}")]
    AboveFloor {
        /// The policy's target.
        found: CompactTarget,
        /// The floor.
        floor: CompactTarget,
    },
    /// The final block's target is easier than the policy's.
    #[error("the final block's target {found} is easier than {policy}")]
    FinalTooEasy {
        /// The final block's target.
        found: CompactTarget,
        /// The policy's target.
        policy: CompactTarget,
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
    /// [`DifficultyError`] if a target is malformed, the policy's target is
    /// easier than the floor, or the final target easier than the policy's.
    pub fn check(&self) -> Result<(), DifficultyError> {
        let Policy::Fixed(bits) = self.policy;
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

    /// The target that a block must have.
    ///
    /// ```
    /// use pow_core::{difficulty::Difficulty, target::CompactTarget};
    /// let difficulty = Difficulty::fixed(CompactTarget(0x1f00ffff));
    /// assert_eq!(difficulty.required(false), CompactTarget(0x1f00ffff));
    /// ```
    pub fn required(&self, is_final: bool) -> CompactTarget {
        if is_final {
            self.final_bits
        } else {
            let Policy::Fixed(bits) = self.policy;
            bits
        }
    }
}
