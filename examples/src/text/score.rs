//! How well a network predicts the text.

use super::{Batch, Passage, PassageBatcher};
use burn::data::dataloader::batcher::Batcher;
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Int, Tensor};
use burn::train::{InferenceStep, SequenceOutput};

/// The number of passages that are evaluated together.
const EVALUATED: usize = 64;

/// The loss of scores of shape `[passages, length, characters]`, in nats a character.
pub(super) fn sequence_output(logits: Tensor<3>, targets: Tensor<2, Int>) -> SequenceOutput {
    let loss = CrossEntropyLossConfig::new()
        .init(&logits.device())
        .forward(
            logits.clone().flatten::<2>(0, 1),
            targets.clone().flatten::<1>(0, 1),
        );
    SequenceOutput::new(loss, logits, None, targets)
}

/// The average number of bits that the network needs for a character: 7 if all
/// characters are equally likely, 0 if it knows the text. The network must be in
/// inference form ([`Module::valid`]).
pub fn bits_per_character<M>(model: &M, passages: &[Passage]) -> f64
where
    M: Module + InferenceStep<Input = Batch, Output = SequenceOutput>,
{
    let device = model.devices().first().cloned().unwrap_or_default();
    let nats: f64 = passages
        .chunks(EVALUATED)
        .map(|chunk| {
            let output = model.step(PassageBatcher.batch(chunk.to_vec(), &device));
            output.loss.into_scalar::<f64>() * chunk.len() as f64
        })
        .sum();
    nats / passages.len() as f64 / std::f64::consts::LN_2
}
