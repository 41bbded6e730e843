//! What a run took over from another one.

use crate::display::counted;
use pow_core::state::RestOfState;
use serde::Serialize;

/// The most names of tensors that a line lists.
const MAX_NAMES: usize = 5;

/// What a run took over from the state that it went on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "took")]
#[non_exhaustive]
pub enum Start {
    /// Everything: the two state roots are equal.
    State,
    /// The weights and the optimizer's tensors. Everything that counts is the run's own.
    Optimizer(Counts),
    /// The weights. The optimizer has no tensors yet. Everything that counts is the run's
    /// own.
    Weights(Counts),
    /// The weights. The optimizer's state is neither a fresh one nor that of the state
    /// that the run went on from.
    OtherOptimizer,
    /// The weights. Where the optimizer's state comes from was not compared.
    WeightsOnly {
        /// Why it was not compared.
        why: String,
    },
    /// Some of the tensors of the weights, as in a fine-tuning with a new last layer.
    /// Tensors whose elements are all equal do not count, because models that have nothing
    /// to do with each other have them in common.
    Tensors {
        /// How many are equal in path, dtype, dims and every bit.
        equal: u64,
        /// How many the run starts with.
        of: u64,
        /// The paths of the others.
        others: Vec<String>,
    },
}

/// What counts at the start of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// How often the learning-rate scheduler has stepped.
    pub scheduler_steps: u64,
    /// Position of the random numbers.
    pub seed_position: u64,
    /// Micro-batches handed out.
    pub cursor: u64,
}

impl Counts {
    pub(super) fn of(rest: &RestOfState) -> Self {
        Counts {
            scheduler_steps: rest.scheduler_steps,
            seed_position: rest.seed_position,
            cursor: rest.cursor,
        }
    }

    fn are_zero(self) -> bool {
        self == Counts::of(&RestOfState::fresh())
    }

    /// Where they begin, if not at 0.
    fn words(self) -> String {
        match self.are_zero() {
            true => String::new(),
            false => format!(
                ", beginning after {} of the scheduler and {}",
                counted(self.scheduler_steps, "step", "steps"),
                counted(
                    self.cursor.max(self.seed_position),
                    "micro-batch",
                    "micro-batches"
                )
            ),
        }
    }
}

impl Start {
    /// Whether weights and optimizer are accounted for: they are the other run's, or the
    /// optimizer is fresh.
    pub fn is_whole(&self) -> bool {
        matches!(self, Start::State | Start::Optimizer(_) | Start::Weights(_))
    }

    /// What was taken over, for a sentence: "starts with …".
    pub(crate) fn words(&self) -> String {
        match self {
            Start::State => "the whole state".into(),
            Start::Optimizer(counts) => {
                format!("the weights and the optimizer's state{}", counts.words())
            }
            Start::Weights(counts) => {
                format!("the weights, and a fresh optimizer{}", counts.words())
            }
            Start::OtherOptimizer => {
                "the weights, and an optimizer's state from somewhere else".into()
            }
            Start::WeightsOnly { .. } => "the weights".into(),
            Start::Tensors { equal, of, .. } => {
                format!("{equal} of {}", counted(*of, "tensor", "tensors"))
            }
        }
    }

    /// What is to be said besides.
    pub(crate) fn remark(&self) -> Option<String> {
        match self {
            Start::WeightsOnly { why } => {
                Some(format!("the optimizer's state was not compared: {why}"))
            }
            Start::Tensors { others, .. } => Some(format!("not among them: {}", list(others))),
            _ => None,
        }
    }

    /// What stays unknown of the first state.
    pub(crate) fn not_shown(&self) -> Option<&'static str> {
        match self {
            Start::OtherOptimizer | Start::WeightsOnly { .. } => {
                Some("where the optimizer's state at the start came from")
            }
            Start::Tensors { .. } => {
                Some("where the other tensors at the start, and the optimizer's state, came from")
            }
            Start::Optimizer(counts) | Start::Weights(counts) if !counts.are_zero() => {
                Some("why the scheduler and the positions begin where they do")
            }
            _ => None,
        }
    }

    /// What of the first state is accounted for, for a sentence about a replay.
    pub(crate) fn traced(&self) -> Option<&'static str> {
        match self {
            Start::State => Some("the state"),
            Start::Optimizer(_) => Some("the weights and the optimizer's state"),
            Start::Weights(_) => Some("the weights"),
            _ => None,
        }
    }
}

fn list(names: &[String]) -> String {
    let shown = names.len().min(MAX_NAMES);
    let mut text = names[..shown].join(", ");
    if names.len() > shown {
        text.push_str(&format!(" and {} more", names.len() - shown));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_names_is_cut() {
        let names: Vec<String> = (0..7).map(|n| format!("t{n}")).collect();
        assert_eq!(list(&names[..2]), "t0, t1");
        assert_eq!(list(&names[..5]), "t0, t1, t2, t3, t4");
        assert_eq!(list(&names), "t0, t1, t2, t3, t4 and 2 more");
    }
}
