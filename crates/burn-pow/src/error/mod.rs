//! What can go wrong.

mod pow_error;
mod resume_error;
mod step_difference;

pub use pow_error::{PowError, Unfinished};
pub use resume_error::ResumeError;
pub(crate) use step_difference::RateScale;
pub use step_difference::StepDifference;
