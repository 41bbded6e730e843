//! The rounds of several messages at a time.

use pow_kernels::sha256::ROUND_CONSTANTS;
use std::arch::x86_64::*;

/// Rounds 16 to 59. With a loop, or a function that is called twice, the
/// compiler would keep the vectors in memory.
macro_rules! middle_rounds {
    ($s:expr) => {
        four_rounds_more::<4, N>($s);
        four_rounds_more::<5, N>($s);
        four_rounds_more::<6, N>($s);
        four_rounds_more::<7, N>($s);
        four_rounds_more::<8, N>($s);
        four_rounds_more::<9, N>($s);
        four_rounds_more::<10, N>($s);
        four_rounds_more::<11, N>($s);
        four_rounds_more::<12, N>($s);
        four_rounds_more::<13, N>($s);
        four_rounds_more::<14, N>($s);
    };
}

/// The compressions of `N` messages. The unit needs the working variables as
/// two vectors, from the lowest lane on: F, E, B, A and H, G, D, C.
pub struct Streams<const N: usize> {
    pub abef: [__m128i; N],
    pub cdgh: [__m128i; N],
    /// The last sixteen schedule words, four in each vector.
    pub words: [[__m128i; N]; 4],
}

/// Computes the next four schedule words, then rounds `4 * GROUP` to `4 * GROUP
/// + 3`.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub fn four_rounds_more<const GROUP: usize, const N: usize>(s: &mut Streams<N>) {
    match GROUP % 4 {
        0 => next_words::<0, N>(s),
        1 => next_words::<1, N>(s),
        2 => next_words::<2, N>(s),
        _ => next_words::<3, N>(s),
    }
    four_rounds::<GROUP, N>(s);
}

/// Rounds `4 * GROUP` to `4 * GROUP + 3`.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub fn four_rounds<const GROUP: usize, const N: usize>(s: &mut Streams<N>) {
    for n in 0..N {
        let inputs = _mm_add_epi32(s.words[GROUP % 4][n], constants::<GROUP>());
        s.cdgh[n] = _mm_sha256rnds2_epu32(s.cdgh[n], s.abef[n], inputs);
        s.abef[n] = _mm_sha256rnds2_epu32(s.abef[n], s.cdgh[n], high_half(inputs));
    }
}

/// Replaces the oldest four schedule words, which are in `SLOT`.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub fn next_words<const SLOT: usize, const N: usize>(s: &mut Streams<N>) {
    for n in 0..N {
        let [t16, t12, t8, t4] = [0, 1, 2, 3].map(|i| s.words[(SLOT + i) % 4][n]);
        let sum = _mm_add_epi32(_mm_sha256msg1_epu32(t16, t12), _mm_alignr_epi8::<4>(t4, t8));
        s.words[SLOT][n] = _mm_sha256msg2_epu32(sum, t4);
    }
}

/// The round constants of rounds `4 * GROUP` to `4 * GROUP + 3`.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub fn constants<const GROUP: usize>() -> __m128i {
    let [a, b, c, d] = const {
        let k = &ROUND_CONSTANTS;
        [
            k[4 * GROUP],
            k[4 * GROUP + 1],
            k[4 * GROUP + 2],
            k[4 * GROUP + 3],
        ]
    };
    pack([a, b, c, d])
}

/// Moves the upper two lanes down, for the second pair of rounds.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub fn high_half(inputs: __m128i) -> __m128i {
    _mm_shuffle_epi32::<0x0e>(inputs)
}

/// A vector of four words, from the lowest lane on.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub fn pack(words: [u32; 4]) -> __m128i {
    let [a, b, c, d] = words.map(u32::cast_signed);
    _mm_setr_epi32(a, b, c, d)
}
