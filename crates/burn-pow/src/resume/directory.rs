//! Opening a run's directory to write to it.

use super::point::ResumePoint;
use crate::config::PowConfig;
use crate::error::PowError;
use pow_audit::replay::Machine;
use pow_core::body::StepNumber;
use pow_ledger::{ChainWriter, RunDir, RunWriter};
use std::path::PathBuf;

/// Where a resumed run continues.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumed {
    /// The step of the checkpoint that the run starts from.
    pub step: StepNumber,
    /// The last step in the chain. The steps up to it are repeated and compared with
    /// the chain, and not appended again.
    pub chain_step: StepNumber,
    /// Where an incomplete record was moved to, if a killed writer left one.
    pub torn: Option<PathBuf>,
    /// The machine and the program that started the run.
    pub started_on: Machine,
}

/// A directory that is open for writing, and where its run continues.
pub(crate) struct OpenRun {
    pub(crate) files: RunWriter,
    pub(crate) chain: ChainWriter,
    /// Absent for a new run.
    pub(crate) point: Option<ResumePoint>,
    /// Absent for a new run.
    pub(crate) resumed: Option<Resumed>,
}

impl OpenRun {
    /// Creates the directory of a new run.
    pub(crate) fn create(dir: &RunDir, config: &mut PowConfig) -> Result<Self, PowError> {
        let (files, chain) = dir.create(&config.config_bytes(), config.durability)?;
        Ok(OpenRun {
            files,
            chain,
            point: None,
            resumed: None,
        })
    }

    /// Opens the directory of a run that was killed or paused. If `config` has no
    /// name, it gets the name of the run.
    pub(crate) fn resume(dir: &RunDir, config: &mut PowConfig) -> Result<Self, PowError> {
        let (point, saved_run) = ResumePoint::read(dir, config)?;
        let reopened = saved_run.reopen(config.durability)?;
        let resumed = Resumed {
            step: point.saved.step(),
            chain_step: point.chain_step(),
            torn: reopened.recovered.map(|recovered| recovered.kept),
            started_on: Machine::of_genesis(&point.genesis),
        };
        Ok(OpenRun {
            files: reopened.files,
            chain: reopened.chain,
            point: Some(point),
            resumed: Some(resumed),
        })
    }
}
