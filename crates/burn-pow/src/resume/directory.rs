//! Opening a run's directory to write to it.

use super::point::{Damaged, FoundPoint, ResumePoint};
use crate::config::PowConfig;
use crate::error::PowError;
use pow_audit::display::printable;
use pow_audit::replay::Machine;
use pow_core::body::StepNumber;
use pow_ledger::{ChainWriter, RunDir, RunWriter};
use std::fmt;
use std::io::Write;
use std::path::PathBuf;

/// Where a resumed run continues.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumed {
    /// The step of the checkpoint, or of the state of a pause, that the run starts from.
    pub step: StepNumber,
    /// The last step in the chain. The steps up to it are repeated and compared with
    /// the chain, and not appended again.
    pub chain_step: StepNumber,
    /// Where an incomplete record was moved to, if a killed writer left one.
    pub torn: Option<PathBuf>,
    /// The machine and the program that started the run.
    pub started_on: Machine,
    /// The newer checkpoints that were damaged, the newest first. Opening the run prints
    /// a warning for each.
    pub damaged: Vec<DamagedCheckpoint>,
}

/// A checkpoint that was not what the chain commits to when the run was resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DamagedCheckpoint {
    /// The step after which it was saved.
    pub step: StepNumber,
    /// Where it was moved to. It is written again when training reaches its step.
    pub moved_to: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// One line.
impl fmt::Display for DamagedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (step, path) = (self.step, self.moved_to.display().to_string());
        write!(
            f,
            "the checkpoint of step {step} is damaged ({}), so the run goes on from an earlier \
             one; it was moved to {}",
            printable(&self.why),
            printable(&path)
        )
    }
}

/// Prints what the run's file system cannot do, each weakness once.
pub(crate) fn say_weaknesses(files: &RunWriter) {
    for weakness in files.take_weaknesses() {
        let weakness = printable(&weakness.to_string());
        // A closed stderr must not end the training.
        let _ = writeln!(std::io::stderr(), "warning: {weakness}");
    }
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
        let writers = dir.create(&config.config_bytes(), config.durability)?;
        Ok(Self::new(writers))
    }

    /// A new run.
    fn new((files, chain): (RunWriter, ChainWriter)) -> Self {
        say_weaknesses(&files);
        OpenRun {
            files,
            chain,
            point: None,
            resumed: None,
        }
    }

    /// Opens the directory of a run that was killed or paused. If `config` has no
    /// name, it gets the name of the run.
    pub(crate) fn resume(dir: &RunDir, config: &mut PowConfig) -> Result<Self, PowError> {
        let FoundPoint {
            point,
            saved_run,
            damaged,
            leftovers,
        } = ResumePoint::read(dir, config)?;
        let reopened = saved_run.reopen(config.durability)?;
        let set_aside = |damaged: Damaged| {
            let damaged = DamagedCheckpoint {
                step: damaged.step,
                moved_to: reopened.files.set_aside_checkpoint(damaged.root)?,
                why: damaged.why.to_string(),
            };
            // A closed stderr must not end the training.
            let _ = writeln!(std::io::stderr(), "warning: {damaged}");
            Ok::<_, PowError>(damaged)
        };
        for root in leftovers {
            reopened.files.remove_checkpoint(root)?;
        }
        say_weaknesses(&reopened.files);
        let resumed = Resumed {
            step: point.saved.step(),
            chain_step: point.chain_step(),
            damaged: damaged
                .into_iter()
                .map(set_aside)
                .collect::<Result<_, _>>()?,
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

    /// Creates the directory of a new run, or opens the one of a run that has begun. What
    /// a writer left that was killed before its first block is removed.
    pub(crate) fn create_or_resume(dir: &RunDir, config: &mut PowConfig) -> Result<Self, PowError> {
        match dir.create_again(&config.config_bytes(), config.durability)? {
            Some(writers) => Ok(Self::new(writers)),
            None => Self::resume(dir, config),
        }
    }
}
