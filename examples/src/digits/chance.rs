//! Choosing and changing images at random, in a way that a replay repeats.

use super::{Digit, SIDE};
use burn_pow::loader::SampleSeed;

/// Weights under which each digit is drawn equally often.
///
/// ```
/// use pow_examples::digits::{Digit, balanced};
/// let digit = |label| Digit { pixels: [0; 64], label };
/// assert_eq!(balanced(&[digit(3), digit(8), digit(3)]), [0.5, 1.0, 0.5]);
/// ```
pub fn balanced(images: &[Digit]) -> Vec<f64> {
    let mut counts = [0_u32; 256];
    for image in images {
        counts[usize::from(image.label)] += 1;
    }
    let weight = |image: &Digit| 1.0 / f64::from(counts[usize::from(image.label)]);
    images.iter().map(weight).collect()
}

/// The image moved by up to one pixel along each edge. What comes in is black.
///
/// ```
/// use burn_pow::loader::SampleSeed;
/// use pow_examples::digits::{Digit, shifted};
/// let mut image = Digit { pixels: [0; 64], label: 3 };
/// image.pixels[9] = 16;
/// // No move along a row, and one up.
/// assert_eq!(shifted(image, SampleSeed(1)).pixels[1], 16);
/// ```
pub fn shifted(image: Digit, seed: SampleSeed) -> Digit {
    // The seed is a hash, so its remainder is as good as a random number.
    let (along, down) = ((seed.0 % 3) as usize, (seed.0 / 3 % 3) as usize);
    let mut pixels = [0; SIDE * SIDE];
    // Moved by 1 too much, in a frame of one pixel around the image.
    for (at, pixel) in image.pixels.into_iter().enumerate() {
        let (row, column) = (
            (at / SIDE + down).checked_sub(1),
            (at % SIDE + along).checked_sub(1),
        );
        if let (Some(row @ ..SIDE), Some(column @ ..SIDE)) = (row, column) {
            pixels[row * SIDE + column] = pixel;
        }
    }
    Digit { pixels, ..image }
}
