// What the kernels of a tree share: SHA-256's state and block.

// A state between two blocks. After the last one it is the digest, as SHA-256's
// words.
struct State {
    low: vec4<u32>,
    high: vec4<u32>,
}

// The sixteen words of a block.
struct Words {
    w0: vec4<u32>,
    w4: vec4<u32>,
    w8: vec4<u32>,
    w12: vec4<u32>,
}

// The words of bytes in memory. SHA-256 reads them as big-endian.
fn swap_bytes4(words: vec4<u32>) -> vec4<u32> {
    let pairs = ((words << vec4(8u)) & vec4(0xff00ff00u)) | ((words >> vec4(8u)) & vec4(0x00ff00ffu));
    return (pairs << vec4(16u)) | (pairs >> vec4(16u));
}

fn swapped(w0: vec4<u32>, w4: vec4<u32>, w8: vec4<u32>, w12: vec4<u32>) -> Words {
    return Words(swap_bytes4(w0), swap_bytes4(w4), swap_bytes4(w8), swap_bytes4(w12));
}
