//! The count of optimizer steps. Public as [`crate::body::StepNumber`].

use core::fmt;

/// Number of optimizer steps taken; entry *s* is the model after *s* steps, so
/// entry 0 is the initial one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepNumber(pub u64);

impl fmt::Display for StepNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
