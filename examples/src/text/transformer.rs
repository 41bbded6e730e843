//! A small transformer over characters.

use super::{Batch, CHARACTERS, CONTEXT, sequence_output};
use burn::module::Module;
use burn::nn::attention::generate_autoregressive_mask;
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use burn::train::{InferenceStep, SequenceOutput, TrainOutput, TrainStep};

/// The number of values that represent a character.
const WIDTH: usize = 64;

/// Embeddings of characters and positions, two transformer layers with four heads that
/// see only earlier characters, and a linear layer. It has about 120,000 parameters.
#[derive(Module, Debug)]
pub struct CharTransformer {
    characters: Embedding,
    positions: Embedding,
    encoder: TransformerEncoder,
    head: Linear,
}

impl CharTransformer {
    /// A network with random weights. Seed the device first.
    pub fn new(device: &Device) -> Self {
        CharTransformer {
            characters: EmbeddingConfig::new(CHARACTERS, WIDTH).init(device),
            positions: EmbeddingConfig::new(CONTEXT, WIDTH).init(device),
            encoder: TransformerEncoderConfig::new(WIDTH, 4 * WIDTH, 4, 2)
                .with_norm_first(true)
                .with_dropout(0.1)
                .init(device),
            head: LinearConfig::new(WIDTH, CHARACTERS).init(device),
        }
    }

    /// The scores of the character after each input. `inputs` has shape
    /// `[passages, length]` with a length of at most [`CONTEXT`], and the scores have
    /// shape `[passages, length, CHARACTERS]`.
    pub fn forward(&self, inputs: Tensor<2, Int>) -> Tensor<3> {
        let [count, length] = inputs.dims();
        let device = inputs.device();
        let positions = Tensor::arange(0..length as i64, &device).unsqueeze::<2>();
        let x = self.characters.forward(inputs) + self.positions.forward(positions);
        let mask = generate_autoregressive_mask(count, length, &device);
        let x = TransformerEncoderInput::new(x).mask_attn(mask);
        self.head.forward(self.encoder.forward(x))
    }

    fn predict(&self, batch: Batch) -> SequenceOutput {
        sequence_output(self.forward(batch.inputs), batch.targets)
    }
}

impl TrainStep for CharTransformer {
    type Input = Batch;
    type Output = SequenceOutput;

    fn step(&self, batch: Batch) -> TrainOutput<SequenceOutput> {
        let output = self.predict(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for CharTransformer {
    type Input = Batch;
    type Output = SequenceOutput;

    fn step(&self, batch: Batch) -> SequenceOutput {
        self.predict(batch)
    }
}

/// `length` characters that the network writes after `prompt`, drawn from its
/// probabilities. The model must be in inference form.
pub fn continuation(model: &CharTransformer, prompt: &str, length: usize, seed: u64) -> String {
    let device = model.devices().first().cloned().unwrap_or_default();
    device.seed(seed);
    let mut text: Vec<i64> = prompt.bytes().map(i64::from).collect();
    for _ in 0..length {
        let seen = &text[text.len().saturating_sub(CONTEXT)..];
        let data = TensorData::new(seen.to_vec(), [1, seen.len()]);
        let logits = model.forward(Tensor::from_data(data, &device));
        let last = logits.slice([0..1, seen.len() - 1..seen.len(), 0..CHARACTERS]);
        // The largest score after Gumbel noise is a draw from the softmax.
        let uniform = Distribution::Uniform(0.0, 1.0);
        let noise = Tensor::<3>::random([1, 1, CHARACTERS], uniform, &device);
        let drawn = (last - noise.log().neg().log()).argmax(2);
        text.push(drawn.into_scalar::<i64>());
    }
    let written = &text[prompt.len()..];
    let shown = written
        .iter()
        .map(|&character| match u8::try_from(character) {
            Ok(byte) if byte == b'\n' || !byte.is_ascii_control() => char::from(byte),
            _ => char::REPLACEMENT_CHARACTER,
        });
    shown.collect()
}
