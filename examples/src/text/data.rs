//! *Romeo and Juliet*. See `examples/data/README.md`.

use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_pow::loader::CanonicalBytes;

/// The largest number of characters that the network sees.
pub const CONTEXT: usize = 64;

/// The number of different characters, which are those of ASCII.
pub const CHARACTERS: usize = 128;

static PLAY: &str = include_str!("../../data/romeo-and-juliet.txt");

const _: () = assert!(include_bytes!("../../data/romeo-and-juliet.txt").is_ascii());

/// Consecutive characters, one more than the network sees. Each except the last is an
/// input, and each except the first is a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage(pub [u8; CONTEXT + 1]);

impl CanonicalBytes for Passage {
    /// The characters.
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        out.extend(self.0);
    }
}

/// Passages for training and, from the last tenth of the play, for testing.
///
/// Each passage starts with the last character of the passage before, so every character
/// is a target once. Characters at the end that do not fill a passage are left out.
///
/// ```
/// let (train, test) = pow_examples::text::load();
/// assert_eq!((train.len(), test.len()), (1876, 208));
/// assert!(train[0].0.starts_with(b"SAMPSON:\nGregory, o' my word"));
/// ```
pub fn load() -> (Vec<Passage>, Vec<Passage>) {
    let play = PLAY.as_bytes();
    let (train, test) = play.split_at(play.len() / 10 * 9);
    (passages(train), passages(test))
}

fn passages(text: &[u8]) -> Vec<Passage> {
    let windows = text.windows(CONTEXT + 1).step_by(CONTEXT);
    windows
        .filter_map(|window| Some(Passage(window.try_into().ok()?)))
        .collect()
}

/// Passages in the form that the network needs.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Shape `[passages, 64]`, values 0 to 127.
    pub inputs: Tensor<2, Int>,
    /// The character after each input, with the same shape and values.
    pub targets: Tensor<2, Int>,
}

/// Makes batches of passages.
#[derive(Clone, Copy, Debug)]
pub struct PassageBatcher;

impl Batcher<Passage, Batch> for PassageBatcher {
    fn batch(&self, passages: Vec<Passage>, device: &Device) -> Batch {
        let count = passages.len();
        let characters: Vec<i64> = passages
            .iter()
            .flat_map(|passage| passage.0)
            .map(i64::from)
            .collect();
        let data = TensorData::new(characters, [count, CONTEXT + 1]);
        let characters = Tensor::<2, Int>::from_data(data, device);
        Batch {
            inputs: characters.clone().slice([0..count, 0..CONTEXT]),
            targets: characters.slice([0..count, 1..CONTEXT + 1]),
        }
    }
}
