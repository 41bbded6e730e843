//! What a program says about a step that it takes itself.

use std::collections::BTreeSet;

/// What the record says about a step, beside its result.
///
/// ```
/// use burn_pow::StepInfo;
/// let info = StepInfo::new(1e-3).loss(0.25).moves(["critic"]);
/// # drop(info);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct StepInfo {
    pub(crate) learning_rate: f64,
    pub(crate) loss: Option<f64>,
    pub(crate) moves: Option<BTreeSet<String>>,
}

impl StepInfo {
    /// A step at this learning rate. If groups of parameters have rates of their own, it
    /// is the base rate. If several optimizers take part, it is the rate that the program
    /// finds most telling: an entry has room for one.
    pub fn new(learning_rate: f64) -> Self {
        StepInfo {
            learning_rate,
            loss: None,
            moves: None,
        }
    }

    /// The loss that the step was computed from.
    pub fn loss(mut self, loss: f64) -> Self {
        self.loss = Some(loss);
        self
    }

    /// Says that the step changes only the parameters whose path begins with one of
    /// these names and a dot: the names of models in a
    /// [`TrainingLoop`](crate::TrainingLoop), or of fields of one model. If another
    /// parameter changes, the run ends with an error
    /// ([`PowError::MovedUnnamed`](crate::PowError::MovedUnnamed)).
    pub fn moves<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.moves = Some(names.into_iter().map(Into::into).collect());
        self
    }
}
