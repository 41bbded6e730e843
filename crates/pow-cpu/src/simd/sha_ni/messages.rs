//! Several messages of one length, interleaved.

use super::rounds::*;
use crate::message::{BLOCK, MessageShape};
use pow_kernels::sha256::INITIAL;
use std::arch::x86_64::*;

/// Hashes three messages at a time, and the last ones two at a time or alone.
#[target_feature(enable = "sha,sse4.1,avx512f,avx512vl")]
pub fn hash_three<const LEN: usize>(
    shape: &MessageShape,
    messages: &[[u8; LEN]],
    digests: &mut [[u8; 32]],
) {
    let (threes, left) = messages.as_chunks::<3>();
    let (hashed, not_hashed) = digests.as_chunks_mut::<3>();
    for (messages, digests) in threes.iter().zip(hashed) {
        // The compiler may take wider vectors to write digests.
        _mm256_zeroupper();
        *digests = hash(shape, messages);
    }
    _mm256_zeroupper();
    hash_two(shape, left, not_hashed);
}

/// Hashes two messages at a time. If one is left, it is hashed alone.
#[target_feature(enable = "sha,sse4.1")]
pub fn hash_two<const LEN: usize>(
    shape: &MessageShape,
    messages: &[[u8; LEN]],
    digests: &mut [[u8; 32]],
) {
    let (twos, left) = messages.as_chunks::<2>();
    let (hashed, not_hashed) = digests.as_chunks_mut::<2>();
    for (messages, digests) in twos.iter().zip(hashed) {
        clean_upper_halves();
        *digests = hash(shape, messages);
    }
    let (ones, _) = left.as_chunks::<1>();
    let (hashed, _) = not_hashed.as_chunks_mut::<1>();
    for (message, digest) in ones.iter().zip(hashed) {
        clean_upper_halves();
        *digest = hash(shape, message);
    }
}

/// Like [`hash_three`], for padded messages whose hashes are hashed.
#[target_feature(enable = "sha,sse4.1,avx512f,avx512vl")]
pub fn hash_three_twice(messages: &[[u8; 2 * BLOCK]], digests: &mut [[u8; 32]]) {
    let (threes, left) = messages.as_chunks::<3>();
    let (hashed, not_hashed) = digests.as_chunks_mut::<3>();
    for (messages, digests) in threes.iter().zip(hashed) {
        _mm256_zeroupper();
        *digests = hash_twice(messages);
    }
    _mm256_zeroupper();
    hash_two_twice(left, not_hashed);
}

/// Like [`hash_two`], for padded messages whose hashes are hashed.
#[target_feature(enable = "sha,sse4.1")]
pub fn hash_two_twice(messages: &[[u8; 2 * BLOCK]], digests: &mut [[u8; 32]]) {
    let (twos, left) = messages.as_chunks::<2>();
    let (hashed, not_hashed) = digests.as_chunks_mut::<2>();
    for (messages, digests) in twos.iter().zip(hashed) {
        clean_upper_halves();
        *digests = hash_twice(messages);
    }
    let (ones, _) = left.as_chunks::<1>();
    let (hashed, _) = not_hashed.as_chunks_mut::<1>();
    for (message, digest) in ones.iter().zip(hashed) {
        clean_upper_halves();
        *digest = hash_twice(message);
    }
}

/// Does nothing unless the whole program is compiled for CPUs with AVX. Else
/// these functions have no wider vectors.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn clean_upper_halves() {
    #[cfg(target_feature = "avx")]
    // SAFETY: the program runs only on CPUs with AVX.
    unsafe {
        _mm256_zeroupper();
    }
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn hash<const N: usize, const LEN: usize>(
    shape: &MessageShape,
    messages: &[[u8; LEN]; N],
) -> [[u8; 32]; N] {
    let mut s = begin(&shape.midstate);
    for block in 0..LEN / BLOCK {
        load_block(&mut s, messages, block);
        compress(&mut s);
    }
    let (abef, cdgh) = (s.abef, s.cdgh);
    for inputs in shape.ending.as_chunks::<4>().0 {
        let inputs = pack(*inputs);
        for n in 0..N {
            s.cdgh[n] = _mm_sha256rnds2_epu32(s.cdgh[n], s.abef[n], inputs);
            s.abef[n] = _mm_sha256rnds2_epu32(s.abef[n], s.cdgh[n], high_half(inputs));
        }
    }
    add(&mut s, abef, cdgh);
    digests(&s)
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn hash_twice<const N: usize>(messages: &[[u8; 2 * BLOCK]; N]) -> [[u8; 32]; N] {
    let mut inner = begin(&INITIAL);
    for block in 0..2 {
        load_block(&mut inner, messages, block);
        compress(&mut inner);
    }
    let mut outer = begin(&INITIAL);
    for n in 0..N {
        [outer.words[0][n], outer.words[1][n]] = in_order(inner.abef[n], inner.cdgh[n]);
    }
    // After the inner hash's 32 bytes, a one bit, and 256 bits of length.
    outer.words[2] = [pack([0x8000_0000, 0, 0, 0]); N];
    outer.words[3] = [pack([0, 0, 0, 256]); N];
    compress(&mut outer);
    digests(&outer)
}

/// The same state in each stream.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn begin<const N: usize>(state: &[u32; 8]) -> Streams<N> {
    let [a, b, c, d, e, f, g, h] = *state;
    Streams {
        abef: [pack([f, e, b, a]); N],
        cdgh: [pack([h, g, d, c]); N],
        words: [[_mm_setzero_si128(); N]; 4],
    }
}

/// The words of one block of each message.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn load_block<const N: usize, const LEN: usize>(
    s: &mut Streams<N>,
    messages: &[[u8; LEN]; N],
    block: usize,
) {
    for (n, message) in messages.iter().enumerate() {
        let block: &[u8; BLOCK] = &message.as_chunks().0[block];
        for (words, quarter) in s.words.iter_mut().zip(block.as_chunks().0) {
            words[n] = load(quarter);
        }
    }
}

/// The states after the block whose words are loaded.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn compress<const N: usize>(s: &mut Streams<N>) {
    let (abef, cdgh) = (s.abef, s.cdgh);
    four_rounds::<0, N>(s);
    four_rounds::<1, N>(s);
    four_rounds::<2, N>(s);
    four_rounds::<3, N>(s);
    middle_rounds!(s);
    four_rounds_more::<15, N>(s);
    add(s, abef, cdgh);
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn digests<const N: usize>(s: &Streams<N>) -> [[u8; 32]; N] {
    let mut digests = [[0; 32]; N];
    for (n, digest) in digests.iter_mut().enumerate() {
        *digest = to_bytes(s.abef[n], s.cdgh[n]);
    }
    digests
}

/// Adds the states before a block to the states after it.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn add<const N: usize>(s: &mut Streams<N>, abef: [__m128i; N], cdgh: [__m128i; N]) {
    for n in 0..N {
        s.abef[n] = _mm_add_epi32(s.abef[n], abef[n]);
        s.cdgh[n] = _mm_add_epi32(s.cdgh[n], cdgh[n]);
    }
}

/// Four schedule words, from big-endian bytes.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn load(quarter: &[u8; 16]) -> __m128i {
    let bytes = u128::from_le_bytes(*quarter);
    swap_bytes(_mm_set_epi64x((bytes >> 64) as i64, bytes as i64))
}

/// The state as bytes, word `a` first.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn to_bytes(abef: __m128i, cdgh: __m128i) -> [u8; 32] {
    let mut bytes = [0; 32];
    let (quarters, _) = bytes.as_chunks_mut::<8>();
    for (half, words) in quarters.chunks_exact_mut(2).zip(in_order(abef, cdgh)) {
        let words = swap_bytes(words);
        half[0] = _mm_cvtsi128_si64(words).to_le_bytes();
        half[1] = _mm_extract_epi64::<1>(words).to_le_bytes();
    }
    bytes
}

/// The words A, B, C, D and E, F, G, H.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn in_order(abef: __m128i, cdgh: __m128i) -> [__m128i; 2] {
    [
        _mm_shuffle_epi32::<0xb1>(_mm_unpackhi_epi64(abef, cdgh)),
        _mm_shuffle_epi32::<0xb1>(_mm_unpacklo_epi64(abef, cdgh)),
    ]
}

/// Reverses the bytes of each word.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn swap_bytes(words: __m128i) -> __m128i {
    let order = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    _mm_shuffle_epi8(words, order)
}
