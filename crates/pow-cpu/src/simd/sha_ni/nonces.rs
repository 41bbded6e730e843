//! Several nonces, interleaved.

use super::rounds::*;
use crate::job::PreparedJob;
use pow_kernels::sha256::INITIAL;
use std::arch::x86_64::*;

#[target_feature(enable = "sha,sse4.1")]
pub fn search_two(job: &PreparedJob, start: u32, count: u32, candidates: &mut Vec<u32>) {
    search::<2>(job, start, count, candidates);
}

#[target_feature(enable = "sha,sse4.1,avx512f,avx512vl")]
pub fn search_three(job: &PreparedJob, start: u32, count: u32, candidates: &mut Vec<u32>) {
    search::<3>(job, start, count, candidates);
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn search<const N: usize>(job: &PreparedJob, start: u32, count: u32, candidates: &mut Vec<u32>) {
    let [a, b, c, d, e, f, g, h] = job.midstate;
    let midstate = [pack([f, e, b, a]), pack([h, g, d, c])];
    let [a, b, c, d, e, f, g, h] = INITIAL;
    let initial = [pack([f, e, b, a]), pack([h, g, d, c])];
    let [w16, w17, w18] = job.tail;
    let tail = pack([w16, w17, w18, 0]);
    // The first two rounds do not depend on the nonce.
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
            // After two more rounds, F is the final H.
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
