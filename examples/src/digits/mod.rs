//! Handwritten digits: the data, and a small network that recognises them.

mod chance;
mod data;
mod gan;
mod likeness;
mod model;

pub use chance::{balanced, shifted};
pub use data::{Batch, Digit, DigitBatcher, DigitsError, PIXELS, SIDE, load};
pub use gan::{Critic, Gan, Generator, NOISE};
pub use likeness::{flat, mean_distance, rows, svg};
pub use model::{Cnn, accuracy};
