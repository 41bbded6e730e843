//! Sixteen messages of one length at a time.

use super::vector::*;
use crate::message::{BLOCK, MessageShape};
use crate::portable;
use crate::simd::wide::CONSTANTS;
use pow_kernels::sha256::INITIAL;
use std::arch::x86_64::*;

define_hash!(__m512i, "avx512f,avx512bw");

/// The words of one block of each message. The first vector has the first word
/// of each.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load<const LEN: usize>(messages: &[&[u8; LEN]; LANES], block: usize) -> [__m512i; 16] {
    let mut rows = [constant(0); LANES];
    for (row, message) in rows.iter_mut().zip(messages) {
        let block: &[u8; BLOCK] = &message.as_chunks().0[block];
        // SAFETY: a block is as long as the vector, whose load needs no
        // alignment.
        *row = swap_bytes(unsafe { _mm512_loadu_si512(block.as_ptr().cast()) });
    }
    transpose(rows)
}

/// The words of a vector.
#[inline]
#[target_feature(enable = "avx512f")]
fn store(words: __m512i) -> [u32; LANES] {
    let mut out = [0; LANES];
    // SAFETY: the array is as long as the vector, whose store needs no
    // alignment.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), words) };
    out
}

#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(rows: [__m512i; 16]) -> [__m512i; 16] {
    let mut out = rows;
    // First transpose groups of four rows within each quarter of the vectors.
    for rows in out.as_chunks_mut::<4>().0 {
        let [a, b, c, d] = *rows;
        let (ab01, ab23) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (cd01, cd23) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        *rows = [
            _mm512_unpacklo_epi64(ab01, cd01),
            _mm512_unpackhi_epi64(ab01, cd01),
            _mm512_unpacklo_epi64(ab23, cd23),
            _mm512_unpackhi_epi64(ab23, cd23),
        ];
    }
    // Then exchange the quarters.
    for i in 0..4 {
        let [a, b, c, d] = [out[i], out[4 + i], out[8 + i], out[12 + i]];
        let ab02 = _mm512_shuffle_i32x4::<0x88>(a, b);
        let ab13 = _mm512_shuffle_i32x4::<0xdd>(a, b);
        let cd02 = _mm512_shuffle_i32x4::<0x88>(c, d);
        let cd13 = _mm512_shuffle_i32x4::<0xdd>(c, d);
        out[i] = _mm512_shuffle_i32x4::<0x88>(ab02, cd02);
        out[4 + i] = _mm512_shuffle_i32x4::<0x88>(ab13, cd13);
        out[8 + i] = _mm512_shuffle_i32x4::<0xdd>(ab02, cd02);
        out[12 + i] = _mm512_shuffle_i32x4::<0xdd>(ab13, cd13);
    }
    out
}
