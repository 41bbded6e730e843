//! Hashing one header after another with only the nonce changed.

use pow_core::header::{HEADER_LEN, Nonce};
use pow_core::search::{Hit, Job};
use sha2::block_api::compress256;

/// SHA-256's initial state (FIPS 180-4, 5.3.3).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// What of a job's hashes does not depend on the nonce.
pub struct Scanner {
    /// State after the header's first 64 bytes.
    midstate: [u32; 8],
    /// The header's last 16 bytes, padded to a block; the nonce is zero.
    tail: [u8; 64],
    /// The target's most significant 32 bits.
    top: u32,
}

/// What became of one nonce.
pub enum Verdict {
    Miss,
    Hit(Hit),
    /// The hash computed here met the target and its rehash did not.
    FalseHit,
}

impl Scanner {
    pub fn new(job: &Job) -> Self {
        let header = job.header_bytes(Nonce(0));
        let mut first = [0; 64];
        first.copy_from_slice(&header[..64]);
        let mut midstate = INITIAL;
        compress256(&mut midstate, &[first]);
        let mut tail = padding(HEADER_LEN, 16);
        tail[..16].copy_from_slice(&header[64..]);
        Scanner {
            midstate,
            tail,
            top: job.target().top_u32(),
        }
    }

    /// Hashes the header with `nonce`, and again by [`Job::check`] if the
    /// hash's most significant 32 bits may meet the target.
    #[inline]
    pub fn scan(&self, job: &Job, nonce: Nonce) -> Verdict {
        let top = self.top_of_hash(nonce);
        if top > self.top {
            return Verdict::Miss;
        }
        match job.check(nonce) {
            Some(hit) => Verdict::Hit(hit),
            // Equal top words leave the decision to the words below.
            None if top == self.top => Verdict::Miss,
            None => Verdict::FalseHit,
        }
    }

    /// The most significant 32 bits of the header's hash, read as the target
    /// is.
    #[inline]
    fn top_of_hash(&self, nonce: Nonce) -> u32 {
        let mut block = self.tail;
        block[12..16].copy_from_slice(&nonce.0.to_le_bytes());
        let mut inner = self.midstate;
        compress256(&mut inner, &[block]);

        let mut block = const { padding(32, 32) };
        for (bytes, word) in block.chunks_exact_mut(4).zip(inner) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        let mut outer = INITIAL;
        compress256(&mut outer, &[block]);
        outer[7].swap_bytes()
    }
}

/// A last block with room for `rest` bytes, of a message of `len` bytes.
const fn padding(len: usize, rest: usize) -> [u8; 64] {
    let mut block = [0; 64];
    block[rest] = 0x80;
    let bits = (len * 8) as u16;
    block[62] = (bits >> 8) as u8;
    block[63] = bits as u8;
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use pow_core::header::Header;
    use pow_core::search::NonceRange;
    use pow_core::target::Target;

    #[test]
    fn top_of_hash_is_the_hash_s_top_word() {
        let bytes = core::array::from_fn(|i| i as u8 * 3);
        let header = Header::from_bytes(&bytes);
        let job = Job::new(header, Target::LIMIT, NonceRange::FULL);
        let scanner = Scanner::new(&job);
        for nonce in [0, 1, 0x0102_0304, u32::MAX] {
            let nonce = Nonce(nonce);
            let hash = Header::from_bytes(&job.header_bytes(nonce)).hash();
            let top = u32::from_le_bytes([hash.0[28], hash.0[29], hash.0[30], hash.0[31]]);
            assert_eq!(scanner.top_of_hash(nonce), top);
        }
    }

    #[test]
    fn an_equal_top_word_is_decided_by_the_words_below() {
        let header = Header::from_bytes(&[5; 80]);
        let hash = header.hash().0;
        let mut below = hash;
        below[0] -= 1;
        for (target, is_hit) in [(hash, true), (below, false)] {
            let target = Target::from_le_bytes(target);
            let job = Job::new(header, target, NonceRange::FULL);
            let verdict = Scanner::new(&job).scan(&job, header.nonce);
            assert_eq!(matches!(verdict, Verdict::Hit(_)), is_hit);
            assert_eq!(matches!(verdict, Verdict::Miss), !is_hit);
        }
    }
}
