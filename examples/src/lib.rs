//! What the example programs share.

pub mod digits;
pub mod paper;
pub mod perceptron;
pub mod program;
pub mod text;

/// The pages on how to record your own training. Their code is compiled with the tests.
/// A block for a GPU is ignored, because Burn is usually built without GPU support. With
/// the feature `wgpu`, `-- --ignored` compiles it.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../docs/guide.md")]
    struct Guide;
    #[doc = include_str!("../../README.md")]
    struct Readme;
}
