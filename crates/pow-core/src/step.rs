//! The count of optimizer steps. Public as [`crate::body::StepNumber`].

use core::fmt;

/// A number of optimizer steps. The entry of step *s* commits to the model
/// after *s* steps, so entry 0 is the initial model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepNumber(pub u64);

impl fmt::Display for StepNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
