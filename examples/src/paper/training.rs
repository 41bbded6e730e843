//! What the sections that train a network share.

use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::module::Module;
use burn::tensor::Device;
use burn_pow::snapshot::Snapshot;
use burn_pow::{Mode, PowConfig};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;

/// How a training is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecorderMode {
    /// It is not recorded.
    Off,
    /// Training continues while blocks are mined.
    Pipelined,
    /// Each step waits for the block with the step before it.
    Gate,
    /// Pipelined, and the order of samples follows from blocks.
    Bound,
}

impl fmt::Display for RecorderMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecorderMode::Off => "off",
            RecorderMode::Pipelined => "pipelined",
            RecorderMode::Gate => "gate",
            RecorderMode::Bound => "bound order",
        })
    }
}

/// The order of a segment follows from the block at the end of the segment
/// before the last.
const LAG: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

impl RecorderMode {
    /// The settings of a run in this mode. `None` if nothing is recorded.
    pub(super) fn configure(self, config: PowConfig) -> Option<PowConfig> {
        match self {
            RecorderMode::Off => None,
            RecorderMode::Pipelined => Some(config),
            RecorderMode::Gate => Some(config.mode(Mode::Gate)),
            RecorderMode::Bound => Some(config.bound_order(LAG)),
        }
    }
}

/// A model whose weights follow from the seed.
pub(super) fn seeded<M: Module>(device: &Device, seed: u64, make: impl FnOnce(&Device) -> M) -> M {
    device.seed(seed);
    let model = make(device);
    // Burn draws weights at their first use. This is it.
    drop(Snapshot::take(&model));
    model
}

/// The learning rate of the digits network, over a training of `steps` steps.
pub(super) fn digits_learning_rate(steps: usize) -> anyhow::Result<ModuleLrScheduler> {
    CosineAnnealingLrSchedulerConfig::new(3e-3, steps)
        .init()
        .map_err(anyhow::Error::msg)
}
