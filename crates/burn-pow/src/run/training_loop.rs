//! A custom loop that trains several parts.

use super::{Finished, PowRun};
use crate::error::PowError;
use crate::loader::Tracked;
use crate::parts::{PartsView, TrainingParts};
use crate::recorder::step_info::StepInfo;
use crate::state::trainee::Parameters;
use pow_core::body::Ending;
use std::ops::{Deref, DerefMut};

/// A custom loop that trains several models, with several optimizers, and keeps state
/// of its own. [`PowRun::training_loop`] makes it. It dereferences to the parts.
///
/// The parts change only in [`step`](Self::step). A change between two steps is in no
/// entry, and the run reports it as an error.
///
/// ```no_run
/// # use burn::nn::Linear;
/// # use burn::optim::{GradientsParams, ModuleOptimizer};
/// # use burn::tensor::Tensor;
/// # use burn::data::dataloader::DataLoader;
/// # use burn_pow::loader::Tracked;
/// # use burn_pow::{Ending, Finished, Parts, PowError, PowRun, StepInfo, TrainingParts};
/// # struct Gan { critic: Linear, critic_optimizer: ModuleOptimizer, averaged: Linear }
/// # impl TrainingParts for Gan { fn show(&mut self, parts: &mut Parts<'_>) {} }
/// # impl Gan { fn average(self) -> Self { self } fn clip(self) -> Self { self } }
/// # fn loss(critic: &Linear, batch: Tensor<2>) -> Tensor<1> { critic.forward(batch).mean() }
/// # fn program(
/// #     run: PowRun, gan: Gan, batches: std::sync::Arc<dyn DataLoader<Tracked<Tensor<2>>>>,
/// # ) -> Result<Finished, Box<dyn std::error::Error>> {
/// let mut gan = run.training_loop(gan)?;
/// let mut ending = Ending::Completed;
/// 'training: for epoch in gan.epoch()..10 {
///     for tracked in batches.iter() {
///         if gan.should_stop() {
///             ending = Ending::Stopped;
///             break 'training;
///         }
///         let batch = gan.micro_batch(tracked?);
///         gan.step(StepInfo::new(1e-4).moves(["critic"]), |mut gan| {
///             let grads = loss(&gan.critic, batch).backward();
///             let grads = GradientsParams::from_grads(grads, &gan.critic);
///             gan.critic = gan.critic_optimizer.step(1e-4, gan.critic, grads);
///             gan.clip().average()
///         })?;
///     }
/// }
/// # Ok(gan.finish(ending)?)
/// # }
/// ```
pub struct TrainingLoop<T> {
    run: PowRun,
    /// Absent only while a step is taken, and after a step that panicked.
    parts: Option<T>,
}

impl PowRun {
    /// Starts a custom loop that trains several parts: records the declaration and the
    /// initial state. In a resumed run or a replay, gives the parts the state of the
    /// checkpoint. This takes the place of [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// [`PowError::Part`] if a name is refused or a part is not the checkpoint's;
    /// [`PowError`] if the run has started already or cannot be recorded;
    /// [`PowError::Resume`] if it was started with other models, data or settings.
    pub fn training_loop<T: TrainingParts>(
        self,
        mut parts: T,
    ) -> Result<TrainingLoop<T>, PowError> {
        let view = PartsView::checked(&mut parts)?;
        if self.recorder.awaits_restore() {
            let device = view.device();
            self.recorder.restore(device.as_ref(), move |saved| {
                view.restore(saved)?;
                Ok((view, ()))
            })?;
        }
        if !self.recorder.has_started() {
            self.recorder.begin_with(&PartsView::new(&mut parts))?;
        }
        Ok(TrainingLoop {
            run: self,
            parts: Some(parts),
        })
    }
}

impl<T: TrainingParts> TrainingLoop<T> {
    /// The run.
    pub fn run(&self) -> &PowRun {
        &self.run
    }

    /// The number of steps taken so far, by earlier processes as well.
    pub fn steps(&self) -> u64 {
        self.run.recorder.steps()
    }

    /// The epoch of the loader's next iteration, counted from 0. In a resumed run, that
    /// iteration is the rest of the epoch.
    pub fn epoch(&self) -> u64 {
        self.run.recorder.epoch()
    }

    /// Whether the next step is the last of its epoch. State that changes once in an
    /// epoch, such as the patience of early stopping, changes in this step. False if the
    /// order is not declared.
    pub fn ends_epoch(&self) -> bool {
        self.run.recorder.ends_epoch()
    }

    /// Before each micro-batch: whether the loop must take no further step. See
    /// [`PowRun::should_stop`].
    pub fn should_stop(&self) -> bool {
        self.run.should_stop()
    }

    /// Before each forward pass in training: notes the samples, seeds the device of the
    /// first model and returns the batch.
    pub fn micro_batch<B>(&mut self, tracked: Tracked<B>) -> B {
        if let Some(parts) = &mut self.parts {
            let view = PartsView::new(parts);
            self.run
                .recorder
                .micro_batch(&view, tracked.indices.as_deref());
        }
        tracked.batch
    }

    /// Takes a step and records it. `step` changes the parts: it lets optimizers take
    /// their steps, and whatever else belongs to it (clipped weights, averages, counters).
    /// One call is one step of the record, however many optimizers move.
    ///
    /// # Errors
    ///
    /// As [`PowRun::step`]. After [`PowError::Interrupted`] and
    /// [`PowError::SegmentEnded`] the step was not taken, and the parts are as before.
    pub fn step(&mut self, info: StepInfo, step: impl FnOnce(T) -> T) -> Result<(), PowError> {
        let Some(mut parts) = self.parts.take() else {
            return Err(PowError::Already("has panicked"));
        };
        let ready = self.run.recorder.before_step(&PartsView::new(&mut parts));
        if let Err(error) = ready {
            self.parts = Some(parts);
            return Err(error);
        }
        let parts = self.parts.insert(step(parts));
        self.run.recorder.after_step(&PartsView::new(parts), info)
    }

    /// Ends the run. See [`PowRun::finish`].
    ///
    /// # Errors
    ///
    /// As [`PowRun::finish`].
    pub fn finish(self, ending: Ending) -> Result<Finished, PowError> {
        self.finish_with_parts(ending).map(|(finished, _)| finished)
    }

    /// The same as [`finish`](Self::finish), and returns the parts.
    ///
    /// # Errors
    ///
    /// As [`PowRun::finish`].
    pub fn finish_with_parts(self, ending: Ending) -> Result<(Finished, T), PowError> {
        let Some(mut parts) = self.parts else {
            return Err(PowError::Already("has panicked"));
        };
        let finished = self.run.finish_by(&PartsView::new(&mut parts), ending)?;
        Ok((finished, parts))
    }
}

const GONE: &str = "an earlier step of this loop panicked";

/// # Panics
///
/// If a step panicked, and the program caught the panic.
impl<T> Deref for TrainingLoop<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.parts {
            Some(parts) => parts,
            None => panic!("{GONE}"),
        }
    }
}

/// # Panics
///
/// As [`deref`](Self::deref).
impl<T> DerefMut for TrainingLoop<T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.parts {
            Some(parts) => parts,
            None => panic!("{GONE}"),
        }
    }
}
