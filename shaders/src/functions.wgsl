// SHA-256's functions, for every kernel.

// Σ0, Σ1, σ0, σ1, Ch and Maj of FIPS 180-4, section 4.1.2.

fn big_sigma_0(x: u32) -> u32 {
    return rotate(x, 2u) ^ rotate(x, 13u) ^ rotate(x, 22u);
}

fn big_sigma_1(x: u32) -> u32 {
    return rotate(x, 6u) ^ rotate(x, 11u) ^ rotate(x, 25u);
}

fn small_sigma_0(x: u32) -> u32 {
    return rotate(x, 7u) ^ rotate(x, 18u) ^ (x >> 3u);
}

fn small_sigma_1(x: u32) -> u32 {
    return rotate(x, 17u) ^ rotate(x, 19u) ^ (x >> 10u);
}

fn choice(x: u32, y: u32, z: u32) -> u32 {
    return z ^ (x & (y ^ z));
}

fn majority(x: u32, y: u32, z: u32) -> u32 {
    return (x & y) ^ (z & (x ^ y));
}

fn rotate(word: u32, bits: u32) -> u32 {
    return (word >> bits) | (word << (32u - bits));
}

fn swap_bytes(word: u32) -> u32 {
    let pairs = ((word << 8u) & 0xff00ff00u) | ((word >> 8u) & 0x00ff00ffu);
    return (pairs << 16u) | (pairs >> 16u);
}

