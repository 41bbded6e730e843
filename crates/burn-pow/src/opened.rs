//! A run directory that is open to be written.

use crate::resume::{Left, Resumed, Start};
use crate::threads::Past;
use crate::{Action, PowConfig, PowError};
use pow_core::body::{Genesis, StepNumber};
use pow_ledger::{ChainWriter, RunDir, RunWriter};

/// A directory that was made or taken up, and what it held.
pub(crate) struct Opened {
    pub(crate) files: RunWriter,
    pub(crate) chain: ChainWriter,
    pub(crate) past: Past,
    /// Of a run that goes on: what it was begun with, and where it goes on.
    pub(crate) left: Option<(Genesis, Start)>,
    pub(crate) resumed: Option<Resumed>,
}

impl Opened {
    /// Makes the directory of a new run, or takes up that of one that goes on,
    /// which may give the run its name.
    pub(crate) fn open(
        action: Action,
        dir: &RunDir,
        config: &mut PowConfig,
    ) -> Result<Self, PowError> {
        match action {
            Action::Create => {
                let (files, chain) = dir.create(&config.config_bytes(), config.durability)?;
                Ok(Opened {
                    files,
                    chain,
                    past: Past::default(),
                    left: None,
                    resumed: None,
                })
            }
            Action::Resume => Self::take_up(dir, config),
        }
    }

    fn take_up(dir: &RunDir, config: &mut PowConfig) -> Result<Self, PowError> {
        let (left, left_run) = Left::read(dir, config)?;
        let reopened = left_run.reopen(config.durability)?;
        let resumed = Resumed {
            step: StepNumber(left.start.state.step),
            chain_step: left.chain_step(),
            torn: reopened.recovered.map(|recovered| recovered.kept),
        };
        let last = left.start.entry;
        let past = Past {
            verifier: left.verifier,
            kept: left.kept,
            last: last.map(|entry| (entry, left.start.model.clone())),
            ahead: left.ahead,
        };
        Ok(Opened {
            files: reopened.files,
            chain: reopened.chain,
            past,
            left: Some((left.genesis, left.start)),
            resumed: Some(resumed),
        })
    }
}
