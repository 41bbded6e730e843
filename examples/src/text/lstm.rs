//! A small LSTM over characters.

use super::{Batch, CHARACTERS, sequence_output};
use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig, Lstm, LstmConfig};
use burn::tensor::activation::{gelu, softplus};
use burn::tensor::{Device, Int, Tensor};
use burn::train::{InferenceStep, SequenceOutput};

/// The number of values that represent a character.
const WIDTH: usize = 16;

/// The number of values that the network remembers.
const MEMORY: usize = 48;

/// Embeddings of characters, an LSTM, a layer with GELU, and a linear layer, whose scores
/// are multiplied by a softplus of their own. It has about 24,000 parameters.
///
/// Besides sums and products, it computes `exp`, `tanh`, `erf` and `log`.
#[derive(Module, Debug)]
pub struct CharLstm {
    characters: Embedding,
    memory: Lstm,
    hidden: Linear,
    head: Linear,
    certainty: Linear,
}

impl CharLstm {
    /// A network with random weights. Seed the device first.
    pub fn new(device: &Device) -> Self {
        CharLstm {
            characters: EmbeddingConfig::new(CHARACTERS, WIDTH).init(device),
            memory: LstmConfig::new(WIDTH, MEMORY, true).init(device),
            hidden: LinearConfig::new(MEMORY, MEMORY).init(device),
            head: LinearConfig::new(MEMORY, CHARACTERS).init(device),
            certainty: LinearConfig::new(MEMORY, 1).init(device),
        }
    }

    /// The scores of the character after each input. `inputs` has shape
    /// `[passages, length]`, and the scores have shape `[passages, length, CHARACTERS]`.
    pub fn forward(&self, inputs: Tensor<2, Int>) -> Tensor<3> {
        let (memory, _) = self.memory.forward(self.characters.forward(inputs), None);
        let hidden = gelu(self.hidden.forward(memory));
        let certainty = softplus(self.certainty.forward(hidden.clone()), 1.0);
        self.head.forward(hidden) * certainty
    }
}

impl InferenceStep for CharLstm {
    type Input = Batch;
    type Output = SequenceOutput;

    fn step(&self, batch: Batch) -> SequenceOutput {
        sequence_output(self.forward(batch.inputs), batch.targets)
    }
}
