//! The UCI optical digits. See `examples/data/README.md`.

use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_pow::loader::CanonicalBytes;
use flate2::read::GzDecoder;

/// The number of pixels along an edge of an image.
pub const SIDE: usize = 8;

/// The number of pixels in an image.
pub const PIXELS: usize = SIDE * SIDE;

/// The brightest pixel.
const WHITE: u8 = 16;

/// Every fifth image is for testing, the others are for training.
const TEST_EVERY: usize = 5;

static CSV: &[u8] = include_bytes!("../../data/digits.csv.gz");

/// An image and its digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digit {
    /// Row by row, each from 0 to 16.
    pub pixels: [u8; PIXELS],
    /// The digit, from 0 to 9.
    pub label: u8,
}

impl CanonicalBytes for Digit {
    /// The 64 pixels, then the label.
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        out.extend(self.pixels);
        out.push(self.label);
    }
}

/// Why the data cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DigitsError {
    /// The file is damaged.
    #[error("digits data: {0}")]
    Csv(#[from] csv::Error),
    /// A row has another shape, or a value out of range.
    #[error("digits data, row {0}: expected 64 pixels of 0 to 16 and a label of 0 to 9")]
    Row(usize),
}

/// The images for training, and the images for testing (every fifth).
///
/// # Errors
///
/// [`DigitsError`] if the data are damaged.
///
/// ```
/// let (train, test) = pow_examples::digits::load()?;
/// assert_eq!((train.len(), test.len()), (1438, 359));
/// # Ok::<(), pow_examples::digits::DigitsError>(())
/// ```
pub fn load() -> Result<(Vec<Digit>, Vec<Digit>), DigitsError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(GzDecoder::new(CSV));
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (row, values) in reader.deserialize::<Vec<u8>>().enumerate() {
        let digit = parse(&values?).ok_or(DigitsError::Row(row))?;
        if row % TEST_EVERY == TEST_EVERY - 1 {
            test.push(digit);
        } else {
            train.push(digit);
        }
    }
    Ok((train, test))
}

fn parse(values: &[u8]) -> Option<Digit> {
    let (label, pixels) = values.split_last()?;
    let in_range = *label < 10 && pixels.iter().all(|pixel| *pixel <= WHITE);
    Some(Digit {
        pixels: pixels.try_into().ok().filter(|_| in_range)?,
        label: *label,
    })
}

/// Images in the form that the network needs.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Shape `[images, 1, 8, 8]`, values 0 to 1.
    pub images: Tensor<4>,
    /// Shape `[images]`, values 0 to 9.
    pub labels: Tensor<1, Int>,
}

/// Makes batches of images.
#[derive(Clone, Copy, Debug)]
pub struct DigitBatcher;

impl Batcher<Digit, Batch> for DigitBatcher {
    fn batch(&self, items: Vec<Digit>, device: &Device) -> Batch {
        let images: Vec<f32> = items
            .iter()
            .flat_map(|digit| digit.pixels)
            .map(|pixel| f32::from(pixel) / f32::from(WHITE))
            .collect();
        let labels: Vec<i64> = items.iter().map(|digit| digit.label.into()).collect();
        let count = items.len();
        Batch {
            images: Tensor::from_data(TensorData::new(images, [count, 1, SIDE, SIDE]), device),
            labels: Tensor::from_data(TensorData::new(labels, [count]), device),
        }
    }
}
