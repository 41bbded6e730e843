//! What can go wrong.

mod pow_error;

pub use pow_error::PowError;
