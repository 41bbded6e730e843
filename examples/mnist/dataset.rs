//! Drawn digits, with the interface of `burn::data::dataset::vision`. Burn's own
//! `MnistDataset` downloads its files.

use burn::data::dataset::{Dataset, DatasetError, InMemDataset};

/// An image and what it shows.
#[derive(Clone, Debug)]
pub struct MnistItem {
    /// Rows of brightness, 0 to 255.
    pub image: [[f32; 28]; 28],
    /// The digit, 0 to 9.
    pub label: u8,
}

/// Digits as a seven-segment display shows them, at several places and brightnesses.
pub struct MnistDataset(InMemDataset<MnistItem>);

impl MnistDataset {
    /// 320 images to train on.
    pub fn train() -> Self {
        Self::drawn(0..320)
    }

    /// 80 other images, to test on.
    pub fn test() -> Self {
        Self::drawn(320..400)
    }

    fn drawn(numbers: std::ops::Range<u32>) -> Self {
        MnistDataset(InMemDataset::new(numbers.map(draw).collect()))
    }
}

impl Dataset<MnistItem> for MnistDataset {
    fn get(&self, index: usize) -> Result<MnistItem, DatasetError> {
        self.0.get(index)
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// The segments of each digit, from the highest of seven bits down: top, upper left,
/// upper right, middle, lower left, lower right, bottom.
const SEGMENTS: [u8; 10] = [
    0b1110111, 0b0010010, 0b1011101, 0b1011011, 0b0111010, 0b1101011, 0b1101111, 0b1010010,
    0b1111111, 0b1111011,
];

/// The first row, the first column, and the number of rows and columns of each segment.
const PLACES: [[usize; 4]; 7] = [
    [0, 0, 2, 10],
    [0, 0, 9, 2],
    [0, 8, 9, 2],
    [8, 0, 2, 10],
    [8, 0, 10, 2],
    [8, 8, 10, 2],
    [16, 0, 2, 10],
];

fn draw(number: u32) -> MnistItem {
    let label = number % 10;
    // A multiplicative hash, so that neighbouring images look different.
    let mixed = number.wrapping_mul(2_654_435_761) >> 8;
    let (down, right) = ((mixed % 9) as usize, (mixed / 9 % 17) as usize);
    let brightness = 120.0 + (mixed / 153 % 136) as f32;
    let mut image = [[0.0; 28]; 28];
    for (segment, [row, column, rows, columns]) in PLACES.into_iter().enumerate() {
        if SEGMENTS[label as usize] >> (6 - segment) & 1 == 1 {
            for line in &mut image[down + row..down + row + rows] {
                line[right + column..right + column + columns].fill(brightness);
            }
        }
    }
    MnistItem {
        image,
        label: label as u8,
    }
}
