//! Several nonces, or messages, interleaved on the SHA extensions (SHA-NI).
//!
//! One nonce's rounds wait for one another, so the unit would idle most of the
//! time; two or three independent nonces fill it.

/// Rounds 16 to 59. A loop would keep the vectors in memory, and so would a
/// function that is called twice.
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

mod messages;

use crate::job::Prepared;
use crate::message::Form;
use pow_kernels::sha256::{INITIAL, ROUND_CONSTANTS};
use std::arch::x86_64::*;

/// Proof that the CPU has the SHA extensions and SSE4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShaNi(());

impl ShaNi {
    pub fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1");
        there.then_some(ShaNi(()))
    }

    /// As [`crate::portable::search`].
    pub fn search(self, job: &Prepared, start: u32, count: u32, candidates: &mut Vec<u32>) {
        // SAFETY: `self` exists, so `detect` found both features.
        unsafe { search_two(job, start, count, candidates) }
    }

    /// Writes each message's hash to the place of the same index.
    pub fn hash<const LEN: usize>(
        self,
        form: &Form,
        messages: &[[u8; LEN]],
        digests: &mut [[u8; 32]],
    ) {
        // SAFETY: `self` exists, so `detect` found both features.
        unsafe { messages::hash_two(form, messages, digests) }
    }
}

/// Proof that the CPU has AVX-512 VL besides: twice the registers, so that a
/// third nonce fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShaNiWide(());

impl ShaNiWide {
    pub fn detect() -> Option<Self> {
        let there = ShaNi::detect().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl");
        there.then_some(ShaNiWide(()))
    }

    /// As [`crate::portable::search`].
    pub fn search(self, job: &Prepared, start: u32, count: u32, candidates: &mut Vec<u32>) {
        // SAFETY: `self` exists, so `detect` found all four features.
        unsafe { search_three(job, start, count, candidates) }
    }

    /// As [`ShaNi::hash`].
    pub fn hash<const LEN: usize>(
        self,
        form: &Form,
        messages: &[[u8; LEN]],
        digests: &mut [[u8; 32]],
    ) {
        // SAFETY: `self` exists, so `detect` found all four features.
        unsafe { messages::hash_three(form, messages, digests) }
    }
}

#[target_feature(enable = "sha,sse4.1")]
fn search_two(job: &Prepared, start: u32, count: u32, candidates: &mut Vec<u32>) {
    search::<2>(job, start, count, candidates);
}

#[target_feature(enable = "sha,sse4.1,avx512f,avx512vl")]
fn search_three(job: &Prepared, start: u32, count: u32, candidates: &mut Vec<u32>) {
    search::<3>(job, start, count, candidates);
}

/// The compressions of `N` nonces. The unit wants the working variables as two
/// vectors, from the lowest lane: F, E, B, A and H, G, D, C.
struct Streams<const N: usize> {
    abef: [__m128i; N],
    cdgh: [__m128i; N],
    /// The last sixteen schedule words, four in a vector.
    words: [[__m128i; N]; 4],
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn search<const N: usize>(job: &Prepared, start: u32, count: u32, candidates: &mut Vec<u32>) {
    let [a, b, c, d, e, f, g, h] = job.midstate;
    let midstate = [pack([f, e, b, a]), pack([h, g, d, c])];
    let [a, b, c, d, e, f, g, h] = INITIAL;
    let initial = [pack([f, e, b, a]), pack([h, g, d, c])];
    let [w16, w17, w18] = job.tail;
    let tail = pack([w16, w17, w18, 0]);
    // The first two rounds do not see the nonce.
    let inputs = _mm_add_epi32(tail, constants::<0>());
    let after_two = _mm_sha256rnds2_epu32(midstate[1], midstate[0], inputs);
    let one_bit = pack([0x8000_0000, 0, 0, 0]);
    let zero = _mm_setzero_si128();

    for offset in (0..count).step_by(N) {
        let mut s = Streams {
            abef: [zero; N],
            cdgh: [after_two; N],
            words: [
                [zero; N],
                [one_bit; N],
                [zero; N],
                [pack([0, 0, 0, 640]); N],
            ],
        };
        for n in 0..N {
            let nonce = start.wrapping_add(offset).wrapping_add(n as u32);
            let nonce = nonce.swap_bytes().cast_signed();
            s.words[0][n] = _mm_insert_epi32::<3>(tail, nonce);
            let inputs = _mm_add_epi32(s.words[0][n], constants::<0>());
            s.abef[n] = _mm_sha256rnds2_epu32(midstate[0], after_two, high_half(inputs));
        }
        four_rounds::<1, N>(&mut s);
        four_rounds::<2, N>(&mut s);
        four_rounds::<3, N>(&mut s);
        middle_rounds!(&mut s);
        four_rounds_more::<15, N>(&mut s);

        for n in 0..N {
            // Words a, b, c, d and e, f, g, h of the inner hash.
            let abef = _mm_add_epi32(s.abef[n], midstate[0]);
            let cdgh = _mm_add_epi32(s.cdgh[n], midstate[1]);
            s.words[0][n] = _mm_shuffle_epi32::<0xb1>(_mm_unpackhi_epi64(abef, cdgh));
            s.words[1][n] = _mm_shuffle_epi32::<0xb1>(_mm_unpacklo_epi64(abef, cdgh));
        }
        s.words[2] = [one_bit; N];
        s.words[3] = [pack([0, 0, 0, 256]); N];
        s.abef = [initial[0]; N];
        s.cdgh = [initial[1]; N];
        four_rounds::<0, N>(&mut s);
        four_rounds::<1, N>(&mut s);
        four_rounds::<2, N>(&mut s);
        four_rounds::<3, N>(&mut s);
        middle_rounds!(&mut s);
        next_words::<3, N>(&mut s);

        for n in 0..N {
            // After two rounds more, F is what H would be at the end.
            let inputs = _mm_add_epi32(s.words[3][n], constants::<15>());
            let last = _mm_sha256rnds2_epu32(s.cdgh[n], s.abef[n], inputs);
            let hash = _mm_cvtsi128_si32(last)
                .cast_unsigned()
                .wrapping_add(INITIAL[7]);
            let position = offset + n as u32;
            if hash.swap_bytes() <= job.top && position < count {
                candidates.push(position);
            }
        }
    }
}

/// The next four schedule words, and rounds `4 * GROUP` to `4 * GROUP + 3`.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn four_rounds_more<const GROUP: usize, const N: usize>(s: &mut Streams<N>) {
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
fn four_rounds<const GROUP: usize, const N: usize>(s: &mut Streams<N>) {
    for n in 0..N {
        let inputs = _mm_add_epi32(s.words[GROUP % 4][n], constants::<GROUP>());
        s.cdgh[n] = _mm_sha256rnds2_epu32(s.cdgh[n], s.abef[n], inputs);
        s.abef[n] = _mm_sha256rnds2_epu32(s.abef[n], s.cdgh[n], high_half(inputs));
    }
}

/// Replaces the oldest four schedule words, which are those in `SLOT`.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn next_words<const SLOT: usize, const N: usize>(s: &mut Streams<N>) {
    for n in 0..N {
        let [t16, t12, t8, t4] = [0, 1, 2, 3].map(|i| s.words[(SLOT + i) % 4][n]);
        let sum = _mm_add_epi32(_mm_sha256msg1_epu32(t16, t12), _mm_alignr_epi8::<4>(t4, t8));
        s.words[SLOT][n] = _mm_sha256msg2_epu32(sum, t4);
    }
}

/// The round constants of rounds `4 * GROUP` to `4 * GROUP + 3`.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn constants<const GROUP: usize>() -> __m128i {
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

/// The upper two lanes, which the second pair of rounds takes.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn high_half(inputs: __m128i) -> __m128i {
    _mm_shuffle_epi32::<0x0e>(inputs)
}

/// Four words, from the lowest lane.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn pack(words: [u32; 4]) -> __m128i {
    let [a, b, c, d] = words.map(u32::cast_signed);
    _mm_setr_epi32(a, b, c, d)
}
