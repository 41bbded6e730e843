//! Handwritten digits: the data, and a small network that recognises them.

mod data;
mod model;

pub use data::{Batch, Digit, DigitBatcher, DigitsError, PIXELS, SIDE, load};
pub use model::{Cnn, accuracy};
