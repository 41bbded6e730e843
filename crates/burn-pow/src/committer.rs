//! Committing: parameters are read, hashed and turned into entries, and
//! checkpoints written, on a thread between training and sealing.

use crate::PowError;
use crate::declaration::Declaration;
use crate::optimizer::OptimizerSnapshot;
use crate::sealer::{CommittedEntry, ToSeal};
use crate::snapshot::Snapshot;
use crate::tensors::{NamedTensor, parameter_root};
use crossbeam_channel::{Receiver, Sender};
use pow_core::body::{Ending, Entry, Final, StepNumber};
use pow_core::hash::{BatchDigest, ParameterRoot, StateRoot};
use pow_core::search::CancelToken;
use pow_core::state::RestOfState;
use pow_ledger::{Checkpoint, RunWriter, Tensor};
use std::collections::VecDeque;
use std::sync::Arc;

/// Something that training hands over.
pub(crate) enum Job {
    Begin(Box<Begin>),
    Step(Box<Step>),
    Finish(Box<Finish>),
}

impl Job {
    /// Entries that this makes.
    pub(crate) fn entries(&self) -> u64 {
        match self {
            Job::Begin(_) | Job::Step(_) => 1,
            Job::Finish(finish) => finish.last.is_some().into(),
        }
    }
}

/// The declaration, which lacks only the initial state's root, and that state.
pub(crate) struct Begin {
    pub(crate) declaration: Declaration,
    pub(crate) initial: Step,
}

/// The model after a step that is to be committed.
pub(crate) struct Step {
    pub(crate) number: StepNumber,
    pub(crate) parameters: Snapshot,
    pub(crate) batch: Option<BatchDigest>,
    pub(crate) loss: Option<f64>,
    pub(crate) learning_rate: Option<f64>,
    pub(crate) checkpoint: Option<RestSnapshot>,
}

/// Everything else that a checkpoint holds.
pub(crate) struct RestSnapshot {
    pub(crate) optimizer: OptimizerSnapshot,
    pub(crate) scheduler_steps: u64,
    pub(crate) cursor: u64,
}

/// The end of the run.
pub(crate) struct Finish {
    pub(crate) ending: Ending,
    pub(crate) model: Snapshot,
    /// The last step, if it is not committed yet.
    pub(crate) last: Option<Step>,
    /// The model ran forward after the last step, as when a run is stopped
    /// within an accumulation: its running statistics are past that step's.
    pub(crate) model_went_on: bool,
}

pub(crate) struct Committer {
    pub(crate) files: Arc<RunWriter>,
    pub(crate) outbox: Sender<ToSeal>,
    /// Set once nothing more is to be sealed.
    pub(crate) cancel: CancelToken,
    pub(crate) keep_checkpoints: Option<u32>,
    /// Checkpoints on disk besides the first, oldest first.
    pub(crate) kept: VecDeque<StateRoot>,
    /// The last entry and its parameters.
    pub(crate) last: Option<(Entry, Vec<NamedTensor>)>,
}

impl Committer {
    /// Commits what comes until training hangs up.
    pub(crate) fn run(mut self, inbox: &Receiver<Job>) -> Result<(), PowError> {
        for job in inbox {
            match job {
                Job::Begin(begin) => self.begin(*begin)?,
                Job::Step(step) => self.step(*step)?,
                Job::Finish(finish) => self.finish(*finish)?,
            }
        }
        Ok(())
    }

    fn begin(&mut self, begin: Begin) -> Result<(), PowError> {
        let (entry, tensors) = self.commit(begin.initial)?;
        let root = entry.state_root().ok_or(PowError::NotBegun)?;
        let genesis = begin.declaration.genesis(root);
        self.send(ToSeal::Genesis(Box::new(genesis)))?;
        self.send_entry(entry, None)?;
        self.last = Some((entry, tensors));
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<(), PowError> {
        let (entry, tensors) = self.commit(step)?;
        let expired = entry.state_root().and_then(|root| self.retain(root));
        self.send_entry(entry, expired)?;
        self.last = Some((entry, tensors));
        Ok(())
    }

    fn finish(&mut self, finish: Finish) -> Result<(), PowError> {
        if let Some(last) = finish.last {
            self.step(last)?;
        }
        let (entry, tensors) = self.last.as_ref().ok_or(PowError::NotBegun)?;
        if !finish.model_went_on {
            let found = parameter_root(&finish.model.read()?)?;
            if found != entry.parameters {
                return Err(PowError::ModelChanged {
                    found,
                    expected: entry.parameters,
                });
            }
        }
        self.files.artifact(&borrowed(tensors))?;
        self.send(ToSeal::Final(Final {
            steps: entry.step,
            ending: finish.ending,
            state: entry.state_root(),
            artifact: entry.parameters,
        }))
    }

    /// Hashes a step's tensors and writes its checkpoint, if it has one.
    fn commit(&self, step: Step) -> Result<(Entry, Vec<NamedTensor>), PowError> {
        let tensors = step.parameters.read()?;
        let parameters = parameter_root(&tensors)?;
        let rest = match step.checkpoint {
            Some(rest) => Some(self.checkpoint(step.number, parameters, &tensors, rest)?),
            None => None,
        };
        let entry = Entry {
            step: step.number,
            parameters,
            batch: step.batch,
            loss: step.loss.map(f64::to_bits),
            learning_rate: step.learning_rate.map(f64::to_bits),
            rest: rest.map(|rest| rest.root()),
        };
        Ok((entry, tensors))
    }

    fn checkpoint(
        &self,
        step: StepNumber,
        parameters: ParameterRoot,
        model: &[NamedTensor],
        rest: RestSnapshot,
    ) -> Result<RestOfState, PowError> {
        let optimizer = rest.optimizer.read()?;
        let rest = RestOfState {
            optimizer: parameter_root(&optimizer)?,
            scheduler_steps: rest.scheduler_steps,
            seed_position: rest.cursor,
            cursor: rest.cursor,
        };
        self.files.checkpoint(&Checkpoint {
            step,
            parameters,
            rest,
            model: &borrowed(model),
            optimizer: &borrowed(&optimizer),
        })?;
        Ok(rest)
    }

    /// Notes a new checkpoint; returns the one that retention gives up for it.
    /// The newest is kept besides the number asked for: it may be the last.
    fn retain(&mut self, root: StateRoot) -> Option<StateRoot> {
        self.kept.push_back(root);
        let most = self.keep_checkpoints? as usize + 1;
        (self.kept.len() > most)
            .then(|| self.kept.pop_front())
            .flatten()
    }

    fn send_entry(&self, entry: Entry, expired: Option<StateRoot>) -> Result<(), PowError> {
        self.send(ToSeal::Entry(CommittedEntry { entry, expired }))
    }

    /// Hands over to the sealer. After a cancelled search that has gone, and
    /// only checkpoints and the artifact are still written.
    fn send(&self, next: ToSeal) -> Result<(), PowError> {
        match self.outbox.send(next) {
            Err(_) if !self.cancel.is_cancelled() => Err(PowError::ThreadGone("sealing")),
            _ => Ok(()),
        }
    }
}

fn borrowed(tensors: &[NamedTensor]) -> Vec<Tensor<'_>> {
    tensors
        .iter()
        .map(|tensor| Tensor {
            info: tensor.info(),
            data: &tensor.bytes,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::bounded;
    use pow_ledger::{Durability, RunDir};

    #[test]
    fn a_sealer_that_has_gone_is_an_error_unless_mining_was_cancelled() {
        let place = tempfile::tempdir().expect("a directory");
        let run = RunDir::new(place.path().join("run"));
        let (files, _chain) = run.create(b"{}", Durability::Grouped).expect("a run");
        let (outbox, sealer) = bounded(1);
        drop(sealer);
        let committer = Committer {
            files: Arc::new(files),
            outbox,
            cancel: CancelToken::new(),
            keep_checkpoints: None,
            kept: VecDeque::new(),
            last: None,
        };
        let end = || {
            ToSeal::Final(Final {
                steps: StepNumber(1),
                ending: Ending::Stopped,
                state: None,
                artifact: ParameterRoot([0; 32]),
            })
        };
        let refused = committer.send(end());
        assert!(matches!(refused, Err(PowError::ThreadGone("sealing"))));
        committer.cancel.cancel();
        assert!(committer.send(end()).is_ok());
    }
}
