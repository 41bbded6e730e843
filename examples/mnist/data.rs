//! From images to tensors.

use crate::dataset::MnistItem;
use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Mean and standard deviation of MNIST's pixels, which are from 0 to 1.
const PIXELS: (f32, f32) = (0.1307, 0.3081);

/// Images and digits of one step.
#[derive(Clone, Debug)]
pub struct MnistBatch {
    /// Indexed by image, row and column.
    pub images: Tensor<3>,
    /// Indexed by image.
    pub targets: Tensor<1, Int>,
}

/// Makes batches.
#[derive(Clone)]
pub struct MnistBatcher;

impl Batcher<MnistItem, MnistBatch> for MnistBatcher {
    fn batch(&self, items: Vec<MnistItem>, device: &Device) -> MnistBatch {
        let count = items.len();
        let rows = items.iter().flat_map(|item| item.image.as_flattened());
        let pixels: Vec<f32> = rows.map(|p| (p / 255.0 - PIXELS.0) / PIXELS.1).collect();
        let digits: Vec<i64> = items.iter().map(|item| item.label.into()).collect();
        MnistBatch {
            images: Tensor::from_data(TensorData::new(pixels, [count, 28, 28]), device),
            targets: Tensor::from_data(TensorData::new(digits, [count]), device),
        }
    }
}
