//! Numbers that find mistakes: plain random ones hardly ever come near an edge.

use pow_tests::model::mix;

/// A stream of numbers, the same for the same seed.
pub struct Shapes(u64);

impl Shapes {
    pub fn new(seed: u64) -> Self {
        Shapes(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = mix(self.0);
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A compact target: exponents mostly near the ends of what fits, mantissas
    /// mostly near a byte's or the sign's edge.
    pub fn bits(&mut self) -> u32 {
        let any = self.next() as u32;
        let exponent = match self.below(4) {
            0 => self.below(6) as u32,
            1 => 30 + self.below(6) as u32,
            2 => self.below(36) as u32,
            _ => any >> 24,
        };
        let edges = [
            0, 1, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7f_ffff, 0x80_0000,
        ];
        let mantissa = match self.below(4) {
            0 => edges[self.below(10) as usize],
            1 => edges[self.below(10) as usize] ^ 1 << self.below(24),
            2 => any & 0xff_ffff & !0 << self.below(24),
            _ => any & 0xff_ffff,
        };
        exponent << 24 | mantissa
    }

    /// A number of 256 bits, as little-endian bytes: of any length, and often
    /// one less or one more than a power of two, or with a few bits only.
    pub fn number(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let len = self.below(257) as usize;
        let shape = self.below(4);
        for bit in 0..len {
            let set = match shape {
                0 => true,
                1 => bit + 1 == len,
                2 => self.below(64) == 0,
                _ => break,
            };
            bytes[bit / 8] |= u8::from(set) << (bit % 8);
        }
        if shape == 3 {
            for byte in bytes.iter_mut().take(len.div_ceil(8)) {
                *byte = self.next() as u8;
            }
        }
        if self.below(4) == 0 {
            bytes[0] ^= 1;
        }
        bytes
    }
}
