//! What the example programs are made of.

pub mod digits;
pub mod paper;
pub mod program;
pub mod text;

/// The pages that tell how to record a training of one's own: their code is
/// compiled with the tests. A block for a GPU is ignored, as Burn is mostly built
/// without one; with the feature `wgpu`, `-- --ignored` compiles it.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../docs/guide.md")]
    struct Guide;
    #[doc = include_str!("../../README.md")]
    struct Readme;
}
