//! SHA-256's functions on vectors of words.

use std::arch::x86_64::*;

/// The number of nonces, or of messages, that are hashed at the same time.
pub const LANES: usize = 8;

#[inline]
#[target_feature(enable = "avx2")]
pub fn constant(value: u32) -> __m256i {
    _mm256_set1_epi32(value.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
pub fn add(x: __m256i, y: __m256i) -> __m256i {
    _mm256_add_epi32(x, y)
}

#[inline]
#[target_feature(enable = "avx2")]
pub fn big_sigma_0(x: __m256i) -> __m256i {
    xor(rotate::<2, 30>(x), rotate::<13, 19>(x), rotate::<22, 10>(x))
}

#[inline]
#[target_feature(enable = "avx2")]
pub fn big_sigma_1(x: __m256i) -> __m256i {
    xor(rotate::<6, 26>(x), rotate::<11, 21>(x), rotate::<25, 7>(x))
}

#[inline]
#[target_feature(enable = "avx2")]
pub fn small_sigma_0(x: __m256i) -> __m256i {
    xor(
        rotate::<7, 25>(x),
        rotate::<18, 14>(x),
        _mm256_srli_epi32::<3>(x),
    )
}

#[inline]
#[target_feature(enable = "avx2")]
pub fn small_sigma_1(x: __m256i) -> __m256i {
    xor(
        rotate::<17, 15>(x),
        rotate::<19, 13>(x),
        _mm256_srli_epi32::<10>(x),
    )
}

#[inline]
#[target_feature(enable = "avx2")]
pub fn choice(x: __m256i, y: __m256i, z: __m256i) -> __m256i {
    _mm256_xor_si256(z, _mm256_and_si256(x, _mm256_xor_si256(y, z)))
}

/// Written so that `y ^ z` of the next round equals `x ^ y` of this round.
#[inline]
#[target_feature(enable = "avx2")]
pub fn majority(x: __m256i, y: __m256i, z: __m256i) -> __m256i {
    let both = _mm256_and_si256(_mm256_xor_si256(x, y), _mm256_xor_si256(y, z));
    _mm256_xor_si256(y, both)
}

#[inline]
#[target_feature(enable = "avx2")]
pub fn xor(x: __m256i, y: __m256i, z: __m256i) -> __m256i {
    _mm256_xor_si256(_mm256_xor_si256(x, y), z)
}

/// Rotates words to the right by `RIGHT` bits. `LEFT` must be 32 - `RIGHT`.
#[inline]
#[target_feature(enable = "avx2")]
pub fn rotate<const RIGHT: i32, const LEFT: i32>(x: __m256i) -> __m256i {
    const { assert!(RIGHT + LEFT == 32) };
    _mm256_or_si256(_mm256_srli_epi32::<RIGHT>(x), _mm256_slli_epi32::<LEFT>(x))
}

/// Reverses the bytes of each word.
#[inline]
#[target_feature(enable = "avx2")]
pub fn swap_bytes(words: __m256i) -> __m256i {
    let order = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    _mm256_shuffle_epi8(words, _mm256_broadcastsi128_si256(order))
}
