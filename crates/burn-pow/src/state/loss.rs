//! The loss of a step.

use crate::state::snapshot::SnapshotError;
use burn::tensor::Tensor;
use burn::train::{
    ClassificationOutput, MultiLabelClassificationOutput, RegressionOutput, SequenceOutput,
};
use std::any::Any;

/// The loss of a step, which may still be on a device.
#[derive(Clone, Default)]
pub(crate) enum Loss {
    #[default]
    Absent,
    Known(f64),
    /// The losses of the step's micro-batches, in order. The loss of the step is the mean
    /// of their means, in double precision.
    OfMicroBatches(Vec<Tensor<1>>),
}

impl Loss {
    /// Adds the loss of one more micro-batch.
    pub(crate) fn push(&mut self, loss: Tensor<1>) {
        let loss = loss.without_autodiff();
        match self {
            Loss::OfMicroBatches(losses) => losses.push(loss),
            Loss::Absent | Loss::Known(_) => *self = Loss::OfMicroBatches(vec![loss]),
        }
    }

    /// Reads it from its device.
    pub(crate) fn read(self) -> Result<Option<f64>, SnapshotError> {
        let losses = match self {
            Loss::Absent => return Ok(None),
            Loss::Known(loss) => return Ok(Some(loss)),
            Loss::OfMicroBatches(losses) => losses,
        };
        let mut means = Vec::with_capacity(losses.len());
        // Burn copies numbers when somebody looks at them, and until then the tensor must live.
        for loss in &losses {
            let data = loss.clone().try_into_data().map_err(SnapshotError::Read)?;
            means.push(mean(data.iter::<f64>().collect()));
        }
        Ok(Some(mean(means)))
    }
}

impl From<Option<f64>> for Loss {
    fn from(loss: Option<f64>) -> Self {
        loss.map_or(Loss::Absent, Loss::Known)
    }
}

/// The only number, or the mean of several.
fn mean(numbers: Vec<f64>) -> f64 {
    match numbers[..] {
        // A division by 1 may change the bits of a NaN.
        [only] => only,
        _ => numbers.iter().sum::<f64>() / numbers.len() as f64,
    }
}

/// The loss in the output of a training step, if it is one of Burn's outputs.
pub(crate) fn of_output(output: &dyn Any) -> Option<Tensor<1>> {
    let classes = output.downcast_ref::<ClassificationOutput>();
    let labels = output.downcast_ref::<MultiLabelClassificationOutput>();
    let number = output.downcast_ref::<RegressionOutput>();
    let sequence = output.downcast_ref::<SequenceOutput>();
    let loss = (classes.map(|output| &output.loss))
        .or(labels.map(|output| &output.loss))
        .or(number.map(|output| &output.loss))
        .or(sequence.map(|output| &output.loss));
    loss.cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn a_loss_is_the_mean_over_micro_batches_of_means_over_items() {
        let device = Device::flex();
        let mut loss = Loss::default();
        assert_eq!(loss.clone().read().unwrap(), None);
        loss.push(Tensor::from_data([2.0f32], &device));
        assert_eq!(loss.clone().read().unwrap(), Some(2.0));
        loss.push(Tensor::from_data([3.0f32, 5.0], &device));
        assert_eq!(loss.read().unwrap(), Some(3.0));
        assert_eq!(Loss::from(Some(0.5)).read().unwrap(), Some(0.5));
    }
}
