//! A run directory that is open to be written.

use crate::config::PowConfig;
use crate::error::PowError;
use crate::pipeline::committer::Last;
use crate::pipeline::threads::Past;
use crate::recorder::WhereLeft;
use crate::resume::point::{Left, Resumed};
use pow_audit::replay::Machine;
use pow_core::body::StepNumber;
use pow_core::hash::BlockHash;
use pow_ledger::{ChainWriter, RunDir, RunWriter};
use std::collections::BTreeMap;

/// How a directory comes to be written to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// It is made.
    Create,
    /// A run that was killed goes on.
    Resume,
}

/// A directory that was made or taken up, and what it held.
pub(crate) struct Opened {
    pub(crate) files: RunWriter,
    pub(crate) chain: ChainWriter,
    pub(crate) past: Past,
    /// Of a run that goes on: what it was begun with, and where it goes on.
    pub(crate) left: Option<WhereLeft>,
    /// Hashes of the blocks that seal checkpoints, by step.
    pub(crate) keys: BTreeMap<StepNumber, BlockHash>,
    pub(crate) resumed: Option<Resumed>,
}

impl Opened {
    /// Makes the directory of a new run, or takes up that of one that goes on,
    /// which may give the run its name.
    pub(crate) fn open(way: Way, dir: &RunDir, config: &mut PowConfig) -> Result<Self, PowError> {
        match way {
            Way::Create => {
                let (files, chain) = dir.create(&config.config_bytes(), config.durability)?;
                Ok(Opened {
                    files,
                    chain,
                    past: Past::default(),
                    left: None,
                    keys: BTreeMap::new(),
                    resumed: None,
                })
            }
            Way::Resume => Self::take_up(dir, config),
        }
    }

    fn take_up(dir: &RunDir, config: &mut PowConfig) -> Result<Self, PowError> {
        let (left, left_run) = Left::read(dir, config)?;
        let reopened = left_run.reopen(config.durability)?;
        let resumed = Resumed {
            step: StepNumber(left.start.state.step),
            chain_step: left.chain_step(),
            torn: reopened.recovered.map(|recovered| recovered.kept),
            begun: Machine::of_genesis(&left.genesis),
        };
        let last = left.start.entry;
        let past = Past {
            verifier: left.verifier,
            kept: left.kept,
            last: last.map(|entry| (entry, Last::In(left.start.file.clone()))),
            ahead: left.ahead,
        };
        Ok(Opened {
            files: reopened.files,
            chain: reopened.chain,
            past,
            left: Some(WhereLeft {
                genesis: left.genesis,
                start: left.start,
                segment: None,
            }),
            keys: left.keys,
            resumed: Some(resumed),
        })
    }
}
