//! What can go wrong.

mod panic;
mod part_error;
mod pow_error;
mod resume_error;
mod step_difference;

pub(crate) use panic::panic_message;
pub use part_error::PartError;
pub use pow_error::{PowError, Unfinished};
pub use resume_error::ResumeError;
pub(crate) use step_difference::RateScale;
pub use step_difference::StepDifference;
