//! Committing: parameters are read, hashed and turned into entries, and
//! checkpoints written, on a thread between training and sealing.

use crate::error::PowError;
use crate::genesis::declaration::Declaration;
use crate::pipeline::observer::{Committed, Observer};
use crate::pipeline::replicas::Replicas;
use crate::pipeline::sealer::{CommittedEntry, ToSeal};
use crate::pipeline::stages::Clocks;
use crate::pipeline::status::Status;
use crate::resume::point::{ResumeError, compare};
use crate::state::deferred::read_all;
use crate::state::optimizer::OptimizerSnapshot;
use crate::state::snapshot::Snapshot;
use crate::state::tensors::{NamedTensor, parameter_root};
use crossbeam_channel::{Receiver, Sender};
use pow_core::body::{Ending, Entry, Final, StepNumber};
use pow_core::hash::{BatchDigest, ParameterRoot, StateRoot};
use pow_core::search::CancelToken;
use pow_core::state::RestOfState;
use pow_ledger::{Checkpoint, RunWriter, Tensor};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Something that training hands over.
pub(crate) enum Job {
    Begin(Box<Begin>),
    Step(Box<Step>),
    /// Another copy of the learner after a committed step.
    Replica(StepNumber, Box<Snapshot>),
    Finish(Box<Finish>),
}

impl Job {
    /// Entries that this makes.
    pub(crate) fn entries(&self) -> u64 {
        match self {
            Job::Begin(_) | Job::Step(_) => 1,
            Job::Replica(..) => 0,
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
    /// Those that are compared with other copies of the learner, if there are any.
    pub(crate) trained: Option<Snapshot>,
    pub(crate) batch: Option<BatchDigest>,
    /// The samples that `batch` is about, where they are known.
    pub(crate) samples: Option<Vec<u32>>,
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

/// The parameters of an entry.
pub(crate) enum Last {
    Read(Vec<NamedTensor>),
    /// In a checkpoint's file, not read yet.
    In(PathBuf),
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
    pub(crate) last: Option<(Entry, Last)>,
    /// Entries that the chain of a resumed run has already: the steps are
    /// compared with them.
    pub(crate) ahead: VecDeque<Entry>,
    pub(crate) replicas: Replicas,
    /// The trained parameters after the last entry, and their root, if there are
    /// several copies.
    pub(crate) last_trained: Option<(ParameterRoot, Vec<NamedTensor>)>,
    pub(crate) status: Arc<Status>,
    pub(crate) observer: Observer,
}

impl Committer {
    /// Commits what comes until training hangs up.
    pub(crate) fn run(mut self, inbox: &Receiver<Job>) -> Result<(), PowError> {
        for job in inbox {
            match job {
                Job::Begin(begin) => self.begin(*begin)?,
                Job::Step(step) => self.step(*step)?,
                Job::Replica(step, parameters) => {
                    let root = parameter_root(&parameters.read()?)?;
                    self.replicas.other(step, root)?;
                }
                Job::Finish(finish) => self.finish(*finish)?,
            }
        }
        Ok(())
    }

    fn begin(&mut self, begin: Begin) -> Result<(), PowError> {
        let (entry, tensors) = self.commit(begin.initial, None)?;
        let root = entry.state_root().ok_or(PowError::NotBegun)?;
        let genesis = begin.declaration.genesis(root);
        self.send(ToSeal::Genesis(Box::new(genesis)))?;
        self.send_entry(entry, None)?;
        self.observer
            .show(Committed::new(&entry, &tensors, None, false));
        self.last = Some((entry, Last::Read(tensors)));
        Ok(())
    }

    fn step(&mut self, mut step: Step) -> Result<(), PowError> {
        let expected = self.ahead.pop_front();
        let is_new = expected.is_none();
        let samples = step.samples.take();
        if let Some(trained) = step.trained.take() {
            let trained = trained.read()?;
            let root = parameter_root(&trained)?;
            self.replicas.recorded(step.number, root)?;
            self.last_trained = Some((root, trained));
        }
        let (entry, tensors) = self.commit(step, expected)?;
        // That of step 0 is the first, which is always kept.
        let root = entry.state_root().filter(|_| entry.step.0 > 0);
        let expired = root.and_then(|root| self.retain(root));
        if is_new {
            self.send_entry(entry, expired)?;
        } else {
            self.status.queued.fetch_sub(1, Ordering::Relaxed);
            if let Some(root) = expired {
                self.files.remove_checkpoint(root)?;
            }
        }
        let committed = Committed::new(&entry, &tensors, samples.as_deref(), !is_new);
        self.observer.show(committed);
        self.last = Some((entry, Last::Read(tensors)));
        Ok(())
    }

    fn finish(&mut self, finish: Finish) -> Result<(), PowError> {
        if !self.ahead.is_empty() {
            // The chain has gone further than this training did, and cannot
            // end before its last entry.
            return Ok(());
        }
        if let Some(last) = finish.last {
            self.step(last)?;
        }
        let (entry, tensors) = match self.last.take().ok_or(PowError::NotBegun)? {
            (entry, Last::Read(tensors)) => (entry, tensors),
            (entry, Last::In(file)) => {
                let tensors = read_all(&file)?;
                let (found, expected) = (parameter_root(&tensors)?, entry.parameters);
                if found != expected {
                    let changed = ResumeError::Differs {
                        what: "the checkpoint's parameter root",
                        found: found.to_string(),
                        expected: expected.to_string(),
                    };
                    return Err(changed.into());
                }
                (entry, tensors)
            }
        };
        if !finish.model_went_on {
            let mut model = finish.model.read()?;
            let mut expected = entry.parameters;
            if let Some((root, trained)) = &self.last_trained {
                // It may be another copy than the recorded one.
                model.retain(|tensor| trained.iter().any(|known| known.path == tensor.path));
                expected = *root;
            }
            let found = parameter_root(&model)?;
            if found != expected {
                return Err(PowError::ModelChanged { found, expected });
            }
        }
        self.files.artifact(&borrowed(&tensors))?;
        self.send(ToSeal::Final(Final {
            steps: entry.step,
            ending: finish.ending,
            state: entry.state_root(),
            artifact: entry.parameters,
        }))
    }

    /// Hashes a step's tensors, compares it with the entry that the chain has
    /// of it, if it has one, and writes its checkpoint, if it has one.
    fn commit(
        &self,
        step: Step,
        expected: Option<Entry>,
    ) -> Result<(Entry, Vec<NamedTensor>), PowError> {
        let (entry, tensors, rest) = commit(step, &self.status.clocks)?;
        if let Some(expected) = expected {
            compare(&entry, &expected).map_err(ResumeError::Diverged)?;
        }
        if let Some(rest) = rest {
            self.files.checkpoint(&Checkpoint {
                step: entry.step,
                parameters: entry.parameters,
                rest: rest.state,
                model: &borrowed(&tensors),
                optimizer: &borrowed(&rest.optimizer),
            })?;
        }
        Ok((entry, tensors))
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

/// Reads and hashes a step's tensors: its entry, the parameters, and what else
/// its checkpoint holds, if it has one.
pub(crate) fn commit(
    step: Step,
    clocks: &Clocks,
) -> Result<(Entry, Vec<NamedTensor>, Option<Rest>), PowError> {
    let tensors = clocks.read.time(|| step.parameters.read())?;
    let rest = step.checkpoint.map(Rest::read).transpose()?;
    let entry = Entry {
        step: step.number,
        parameters: clocks.hash.time(|| parameter_root(&tensors))?,
        batch: step.batch,
        loss: step.loss.map(f64::to_bits),
        learning_rate: step.learning_rate.map(f64::to_bits),
        rest: rest.as_ref().map(|rest| rest.state.root()),
    };
    Ok((entry, tensors, rest))
}

/// Everything of a state but the parameters, read.
pub(crate) struct Rest {
    state: RestOfState,
    optimizer: Vec<NamedTensor>,
}

impl Rest {
    /// The optimizer's tensors.
    pub(crate) fn optimizer(&self) -> &[NamedTensor] {
        &self.optimizer
    }

    fn read(snapshot: RestSnapshot) -> Result<Self, PowError> {
        let optimizer = snapshot.optimizer.read()?;
        let state = RestOfState {
            optimizer: parameter_root(&optimizer)?,
            scheduler_steps: snapshot.scheduler_steps,
            seed_position: snapshot.cursor,
            cursor: snapshot.cursor,
        };
        Ok(Rest { state, optimizer })
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
            ahead: VecDeque::new(),
            replicas: Replicas::new(0),
            last_trained: None,
            status: Arc::default(),
            observer: Observer::default(),
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
