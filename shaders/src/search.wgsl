// SHA-256d nonce search. One invocation hashes several headers that differ in
// the nonce alone, and writes down each nonce whose hash may meet the target.
// The interface is documented in lib.rs.
//
// Plain WGSL: 32-bit integers, no subgroups, no extensions. The schedule and
// the state are vectors and scalars and never indexed arrays: some drivers
// keep those in memory instead of registers, which is very much slower.

struct Params {
    // SHA-256 state after the header's first 64 bytes.
    midstate: array<vec4<u32>, 2>,
    // Header words 16, 17 and 18 as SHA-256 reads them, and the most
    // significant 32 bits of the target.
    tail: vec3<u32>,
    target_top: u32,
    // The nonces to try: `count` of them from `start` on, past 2^32 from zero.
    start: u32,
    count: u32,
    // Nonces that one invocation tries.
    per_invocation: u32,
    padding: u32,
    // SHA-256's 64 round constants.
    round_constants: array<vec4<u32>, 16>,
}

struct Results {
    // How many nonces were found; more than fit means that some are missing.
    found: atomic<u32>,
    // The nonces, in no particular order.
    nonces: array<u32>,
}

// The working variables of a compression.
struct State {
    a: u32, b: u32, c: u32, d: u32,
    e: u32, f: u32, g: u32, h: u32,
}

// Sixteen consecutive words of a message schedule.
struct Words {
    w0: vec4<u32>,
    w4: vec4<u32>,
    w8: vec4<u32>,
    w12: vec4<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> results: Results;

override workgroup_size: u32 = 64u;

const INITIAL = State(
    0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
    0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u,
);

@compute @workgroup_size(workgroup_size)
fn search(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    let row = workgroups.x * workgroup_size;
    let stride = row * workgroups.y;
    var offset = invocation.y * row + invocation.x;
    for (var i = 0u; i < params.per_invocation; i++) {
        let nonce = params.start + offset;
        if offset < params.count && top_of_hash(nonce) <= params.target_top {
            let index = atomicAdd(&results.found, 1u);
            if index < arrayLength(&results.nonces) {
                results.nonces[index] = nonce;
            }
        }
        offset += stride;
    }
}

// The most significant 32 bits of the header's hash, which is a little-endian
// number.
fn top_of_hash(nonce: u32) -> u32 {
    let low = params.midstate[0];
    let high = params.midstate[1];
    // The 80-byte header's last words, a one bit, and 640 bits of length.
    let inner = compress(
        State(low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w),
        Words(
            vec4(params.tail, swap_bytes(nonce)),
            vec4(0x80000000u, 0u, 0u, 0u),
            vec4(0u),
            vec4(0u, 0u, 0u, 640u),
        ),
    );
    // The 32-byte inner hash, a one bit, and 256 bits of length.
    let outer = compress(
        INITIAL,
        Words(
            vec4(inner.a, inner.b, inner.c, inner.d),
            vec4(inner.e, inner.f, inner.g, inner.h),
            vec4(0x80000000u, 0u, 0u, 0u),
            vec4(0u, 0u, 0u, 256u),
        ),
    );
    return swap_bytes(outer.h);
}

// SHA-256's compression of one block.
fn compress(before: State, block: Words) -> State {
    var words = block;
    var s = sixteen_rounds(before, words, 0u);
    for (var quarter = 1u; quarter < 4u; quarter++) {
        words = next_words(words);
        s = sixteen_rounds(s, words, quarter * 4u);
    }
    return State(
        before.a + s.a, before.b + s.b, before.c + s.c, before.d + s.d,
        before.e + s.e, before.f + s.f, before.g + s.g, before.h + s.h,
    );
}

fn sixteen_rounds(before: State, words: Words, first: u32) -> State {
    var s = before;
    s = four_rounds(s, words.w0 + params.round_constants[first]);
    s = four_rounds(s, words.w4 + params.round_constants[first + 1u]);
    s = four_rounds(s, words.w8 + params.round_constants[first + 2u]);
    s = four_rounds(s, words.w12 + params.round_constants[first + 3u]);
    return s;
}

// Four rounds; `inputs` are schedule words plus round constants.
fn four_rounds(before: State, inputs: vec4<u32>) -> State {
    var s = before;
    s = one_round(s, inputs.x);
    s = one_round(s, inputs.y);
    s = one_round(s, inputs.z);
    s = one_round(s, inputs.w);
    return s;
}

fn one_round(s: State, input: u32) -> State {
    let choice = s.g ^ (s.e & (s.f ^ s.g));
    let majority = (s.a & s.b) ^ (s.c & (s.a ^ s.b));
    let sum_a = rotate(s.a, 2u) ^ rotate(s.a, 13u) ^ rotate(s.a, 22u);
    let sum_e = rotate(s.e, 6u) ^ rotate(s.e, 11u) ^ rotate(s.e, 25u);
    let t = s.h + sum_e + choice + input;
    return State(t + sum_a + majority, s.a, s.b, s.c, s.d + t, s.e, s.f, s.g);
}

// The sixteen schedule words that follow `w`.
fn next_words(w: Words) -> Words {
    let w16 = next_four(w.w0, w.w4, w.w8, w.w12);
    let w20 = next_four(w.w4, w.w8, w.w12, w16);
    let w24 = next_four(w.w8, w.w12, w16, w20);
    let w28 = next_four(w.w12, w16, w20, w24);
    return Words(w16, w20, w24, w28);
}

// Schedule words t to t+3 from words t-16 on. The last two need the first two.
fn next_four(t16: vec4<u32>, t12: vec4<u32>, t8: vec4<u32>, t4: vec4<u32>) -> vec4<u32> {
    let t15 = vec4(t16.yzw, t12.x);
    let t7 = vec4(t8.yzw, t4.x);
    let sigma = rotate4(t15, 7u) ^ rotate4(t15, 18u) ^ (t15 >> vec4(3u));
    let sums = t16 + sigma + t7;
    let x = sums.x + sigma_1(t4.z);
    let y = sums.y + sigma_1(t4.w);
    return vec4(x, y, sums.z + sigma_1(x), sums.w + sigma_1(y));
}

fn sigma_1(word: u32) -> u32 {
    return rotate(word, 17u) ^ rotate(word, 19u) ^ (word >> 10u);
}

fn rotate(word: u32, bits: u32) -> u32 {
    return (word >> bits) | (word << (32u - bits));
}

fn rotate4(words: vec4<u32>, bits: u32) -> vec4<u32> {
    return (words >> vec4(bits)) | (words << vec4(32u - bits));
}

fn swap_bytes(word: u32) -> u32 {
    let pairs = ((word << 8u) & 0xff00ff00u) | ((word >> 8u) & 0x00ff00ffu);
    return (pairs << 16u) | (pairs >> 16u);
}
