//! Committing: a thread between training and sealing hashes each step, writes its
//! checkpoint and sends its entry on.

use super::hashing::{HashedParameters, HashedStep};
use super::message::{Begin, Finish, Message, Step, Untouched};
use super::moved;
use super::observer::Observer;
use super::replicas::Replicas;
use super::sealer::{CommittedEntry, ToSeal};
use super::state_roots::StateRoots;
use super::status::Status;
use crate::config::PowConfig;
use crate::error::{PowError, RateScale, ResumeError, StepDifference};
use crate::resume::directory::say_weaknesses;
use crate::resume::point::ResumePoint;
use crate::state::deferred::read_model;
use crate::state::in_place::InPlace;
use crate::state::tensors::{NamedTensor, parameter_leaves, parameter_root};
use crossbeam_channel::{Receiver, Sender};
use pow_core::body::{Entry, Final, StepNumber};
use pow_core::hash::{ParameterRoot, StateRoot};
use pow_core::search::CancelToken;
use pow_core::tensor::TensorSet;
use pow_ledger::{Checkpoint, CheckpointFiles, RunWriter, Tensor};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(super) struct Committer {
    files: Arc<RunWriter>,
    outbox: Sender<ToSeal>,
    /// Cancelled when nothing more is to be sealed.
    cancel: CancelToken,
    /// Hashes parameters on the GPU, if the program asked for that.
    in_place: Option<InPlace>,
    keep_checkpoints: Option<u32>,
    /// The checkpoints on disk, oldest first, without the one of step 0.
    kept: VecDeque<StateRoot>,
    /// The newest state on disk to which no entry commits.
    extra_state: Option<StateRoot>,
    last: Option<Last>,
    /// Whether the model at the end may be another than the last entry's.
    keeps_parameters: bool,
    /// The last checkpoint that this process wrote.
    checkpoint: Option<(StepNumber, StateRoots)>,
    /// The entries that the chain of a resumed run has already. The repeated steps
    /// are compared with them.
    ahead: VecDeque<Entry>,
    replicas: Replicas,
    /// The trained parameters after the last entry, and their root, if there are
    /// several copies of the learner.
    last_trained: Option<(ParameterRoot, Vec<NamedTensor>)>,
    status: Arc<Status>,
    observer: Observer,
}

/// The last entry.
struct Last {
    entry: Entry,
    /// Absent if this process did not hash them.
    leaves: Option<TensorSet>,
    parameters: LastParameters,
}

/// The parameters of the last entry.
enum LastParameters {
    Hashed(HashedParameters),
    /// They are in this file of a checkpoint, and were not read yet.
    InFile(CheckpointFiles),
    /// The model at the end has the same.
    NotKept,
}

impl Last {
    /// What the parameter root of the entry is over.
    fn leaves(self) -> Result<TensorSet, PowError> {
        match self.leaves {
            Some(leaves) => Ok(leaves),
            None => Ok(parameter_leaves(&self.read()?)?),
        }
    }

    /// The parameters of the entry.
    fn read(self) -> Result<Vec<NamedTensor>, PowError> {
        let files = match self.parameters {
            LastParameters::Hashed(HashedParameters::Read(tensors)) => return Ok(tensors),
            LastParameters::Hashed(HashedParameters::OnDevice(snapshot)) => {
                return Ok(snapshot.read()?);
            }
            LastParameters::InFile(files) => files,
            LastParameters::NotKept => return Err(PowError::NotStarted),
        };
        let tensors = read_model(&files)?;
        let (found, expected) = (parameter_root(&tensors)?, self.entry.parameters);
        if found == expected {
            return Ok(tensors);
        }
        Err(ResumeError::Mismatch {
            what: "the checkpoint's parameter root",
            found: found.to_string(),
            expected: expected.to_string(),
        }
        .into())
    }
}

impl Committer {
    /// The committer of a new run, or of a run that is resumed at `point`.
    pub(super) fn new(
        config: &PowConfig,
        files: Arc<RunWriter>,
        outbox: Sender<ToSeal>,
        status: Arc<Status>,
        observer: Observer,
        point: Option<&ResumePoint>,
    ) -> Self {
        let last = point.and_then(|point| {
            Some(Last {
                entry: point.saved.entry?,
                leaves: None,
                parameters: LastParameters::InFile(point.saved.files.clone()),
            })
        });
        Committer {
            files,
            outbox,
            cancel: status.cancel.clone(),
            in_place: config.in_place(),
            keep_checkpoints: config.keep_checkpoints,
            kept: point.map(|point| point.kept.clone()).unwrap_or_default(),
            extra_state: point.and_then(ResumePoint::extra_state),
            last,
            // A stop within an accumulation leaves running statistics that are newer, and
            // a copy of the learner has statistics of its own.
            keeps_parameters: config.accumulation.get() > 1 || config.replicas.get() > 1,
            checkpoint: None,
            ahead: point.map(|point| point.ahead.clone()).unwrap_or_default(),
            replicas: Replicas::new(config.replicas.get() - 1),
            last_trained: None,
            status,
            observer,
        }
    }

    /// Commits each message until the training closes the channel.
    pub(super) fn run(mut self, inbox: &Receiver<Message>) -> Result<(), PowError> {
        for message in inbox {
            match message {
                Message::Begin(begin) => self.begin(*begin)?,
                Message::Step(step) => self.step(*step)?,
                Message::Untouched(state) => self.check_untouched(*state)?,
                Message::Replica(step, parameters) => {
                    let root = parameter_root(&parameters.read()?)?;
                    self.replicas.other(step, root)?;
                }
                Message::Finish(finish) => self.finish(*finish)?,
            }
        }
        Ok(())
    }

    fn begin(&mut self, begin: Begin) -> Result<(), PowError> {
        let (hashed, _) = self.commit(begin.initial, None)?;
        let entry = hashed.entry;
        let root = entry.state_root().ok_or(PowError::NotStarted)?;
        if let Some(table) = begin.declaration.data.order.table() {
            self.files.order_table(table)?;
        }
        let genesis = begin.declaration.genesis(root);
        self.send(ToSeal::Genesis(Box::new(genesis)))?;
        self.send_entry(entry, None)?;
        self.observer.show(&hashed, None, false);
        self.keep(hashed);
        Ok(())
    }

    fn step(&mut self, mut step: Step) -> Result<(), PowError> {
        let expected = self.ahead.pop_front();
        let is_new = expected.is_none();
        let samples = step.samples.take();
        let moved = step.moved.take();
        if let Some(trained) = step.trained.take() {
            let trained = trained.read()?;
            let root = parameter_root(&trained)?;
            self.replicas.recorded(step.number, root)?;
            self.last_trained = Some((root, trained));
        }
        let (hashed, superseded) = self.commit(step, expected)?;
        let entry = hashed.entry;
        if let (Some(moved), Some(last)) = (moved, self.last.take()) {
            moved::check(entry.step, moved, &last.leaves()?, &hashed.leaves)?;
        }
        // The checkpoint of step 0 is always kept.
        let root = entry.state_root().filter(|_| entry.step.0 > 0);
        // A checkpoint takes the place of an earlier state that no entry commits to. It goes
        // only when the chain has the entry of the newer one.
        let expired = match root {
            Some(root) => self.retain(root).or_else(|| self.extra_state.take()),
            None => superseded,
        };
        if is_new {
            self.send_entry(entry, expired)?;
        } else {
            self.status.queued.fetch_sub(1, Ordering::Relaxed);
            if let Some(root) = expired {
                self.files.remove_checkpoint(root)?;
                say_weaknesses(&self.files);
            }
        }
        self.observer.show(&hashed, samples.as_deref(), !is_new);
        self.keep(hashed);
        Ok(())
    }

    /// Keeps what a later step or the end needs of the last entry. A copy of the parameters
    /// in the GPU's memory is as large as the model, so it is kept only where it must be.
    fn keep(&mut self, hashed: HashedStep) {
        let parameters = match hashed.parameters {
            HashedParameters::OnDevice(_) if !self.keeps_parameters => LastParameters::NotKept,
            parameters => LastParameters::Hashed(parameters),
        };
        self.last = Some(Last {
            entry: hashed.entry,
            leaves: Some(hashed.leaves),
            parameters,
        });
    }

    fn finish(&mut self, finish: Finish) -> Result<(), PowError> {
        if !self.ahead.is_empty() {
            // The chain has more steps than this training repeated, and cannot end
            // before its last entry.
            return Ok(());
        }
        if let Some(last) = finish.last {
            self.step(last)?;
        }
        let last = self.last.take().ok_or(PowError::NotStarted)?;
        let entry = last.entry;
        let tensors = if finish.ran_on {
            last.read()?
        } else {
            let mut model = finish.model.read()?;
            let mut expected = entry.parameters;
            if let Some((root, trained)) = &self.last_trained {
                // The model may be another copy than the recorded one.
                model.retain(|tensor| trained.iter().any(|known| known.path == tensor.path));
                expected = *root;
            }
            let found = parameter_root(&model)?;
            if found != expected {
                return Err(PowError::ModelChanged { found, expected });
            }
            match self.last_trained {
                Some(_) => last.read()?,
                None => model,
            }
        };
        self.files.artifact(&borrowed(&tensors))?;
        self.send(ToSeal::Final(Final {
            steps: entry.step,
            ending: finish.ending,
            state: entry.state_root(),
            artifact: entry.parameters,
        }))
    }

    /// Checks that the program changed nothing between a checkpoint and the step after
    /// it.
    fn check_untouched(&mut self, state: Untouched) -> Result<(), PowError> {
        let Some((step, checkpoint)) = self.checkpoint.filter(|last| last.0 == state.step) else {
            return Ok(());
        };
        StateRoots::hash(state.parameters, state.rest, self.in_place.as_mut())?
            .check_unchanged(step, checkpoint)
    }

    /// Hashes a step, compares it with the entry `expected` that the chain may have,
    /// and writes its state if that is kept. Returns the earlier state that this one takes
    /// the place of, if no entry commits to them.
    fn commit(
        &mut self,
        step: Step,
        expected: Option<Entry>,
    ) -> Result<(HashedStep, Option<StateRoot>), PowError> {
        let (in_place, is_shown) = (self.in_place.as_mut(), self.observer.is_set());
        let hashed = HashedStep::of(step, in_place, is_shown, &self.status.clocks)?;
        let entry = hashed.entry;
        if let Some(expected) = expected {
            StepDifference::check(&entry, &expected, RateScale::of([&expected]))
                .map_err(ResumeError::Diverged)?;
        }
        let mut superseded = None;
        if let (Some(rest), Some(parameters)) = (&hashed.rest, hashed.parameters.tensors()) {
            let root = self.files.checkpoint(&Checkpoint {
                step: entry.step,
                parameters: entry.parameters,
                rest: rest.state,
                model: &borrowed(parameters),
                optimizer: &borrowed(&rest.optimizer),
            })?;
            let roots = StateRoots {
                model: entry.parameters,
                rest: rest.state.optimizer,
            };
            self.checkpoint = Some((entry.step, roots));
            if !rest.is_committed {
                superseded = self.extra_state.replace(root);
            }
            superseded = superseded.filter(|earlier| *earlier != root);
        }
        Ok((hashed, superseded))
    }

    /// Notes a new checkpoint, and returns the one that expires. One more than
    /// `keep_checkpoints` are kept, because the newest may be the last.
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

    /// Sends something to the sealing thread. After a cancelled search that thread has
    /// ended, and only checkpoints and the artifact are still written.
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
    use pow_core::body::Ending;
    use pow_ledger::{Durability, RunDir};

    #[test]
    fn a_sealer_that_has_gone_is_an_error_unless_mining_was_cancelled() {
        let place = tempfile::tempdir().expect("a directory");
        let run = RunDir::new(place.path().join("run"));
        let (files, _chain) = run.create(b"{}", Durability::Grouped).expect("a run");
        let (outbox, sealer) = bounded(1);
        drop(sealer);
        let (config, status) = (PowConfig::new(run.path()), Arc::default());
        let observer = Observer::default();
        let committer = Committer::new(&config, Arc::new(files), outbox, status, observer, None);
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
