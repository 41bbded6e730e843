//! The state of SHA-256 after a tag, computed when this crate is compiled.

use super::sha256::{INITIAL, State, padding};

/// The state after the block `SHA256(tag) ‖ SHA256(tag)`, where the tag is
/// `prefix ‖ name`.
pub(super) const fn after_tag(prefix: &str, name: &str) -> State {
    let (prefix, name) = (prefix.as_bytes(), name.as_bytes());
    let mut text = padding(prefix.len() + name.len());
    copy(&mut text, 0, prefix);
    copy(&mut text, prefix.len(), name);
    let state = compress(INITIAL, &text);
    let mut twice = [0; 64];
    let mut i = 0;
    while i < 16 {
        copy(&mut twice, 4 * i, &state[i % 8].to_be_bytes());
        i += 1;
    }
    compress(INITIAL, &twice)
}

const fn copy(block: &mut [u8; 64], at: usize, bytes: &[u8]) {
    let mut i = 0;
    while i < bytes.len() {
        block[at + i] = bytes[i];
        i += 1;
    }
}

/// SHA-256's compression function (FIPS 180-4, 6.2.2). Only the compiler runs
/// it, because `sha2`'s is not `const`.
const fn compress(state: State, block: &[u8; 64]) -> State {
    let mut schedule = [0u32; 64];
    let mut t = 0;
    while t < 64 {
        schedule[t] = if t < 16 {
            let at = 4 * t;
            u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
        } else {
            let (x, y) = (schedule[t - 15], schedule[t - 2]);
            let small0 = x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3);
            let small1 = y.rotate_right(17) ^ y.rotate_right(19) ^ (y >> 10);
            small1
                .wrapping_add(schedule[t - 7])
                .wrapping_add(small0)
                .wrapping_add(schedule[t - 16])
        };
        t += 1;
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    let mut t = 0;
    while t < 64 {
        let big1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let first = h
            .wrapping_add(big1)
            .wrapping_add(choice)
            .wrapping_add(ROUND[t])
            .wrapping_add(schedule[t]);
        let big0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        let second = big0.wrapping_add(majority);
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(second));
        t += 1;
    }
    let next = [a, b, c, d, e, f, g, h];
    let mut sum = state;
    let mut i = 0;
    while i < 8 {
        sum[i] = sum[i].wrapping_add(next[i]);
        i += 1;
    }
    sum
}

/// The round constants (FIPS 180-4, 4.2.2).
const ROUND: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];
