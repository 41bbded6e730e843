// The search's hash, in a readable form. Schedule and state are vectors and
// scalars, never indexed arrays: some drivers keep arrays in memory instead of
// registers, which is much slower.

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

const INITIAL = State(
    0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
    0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u,
);

// The most significant 32 bits of the header's hash. The hash is a
// little-endian number.
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
    let t = s.h + big_sigma_1(s.e) + choice(s.e, s.f, s.g) + input;
    return State(t + big_sigma_0(s.a) + majority(s.a, s.b, s.c), s.a, s.b, s.c, s.d + t, s.e, s.f, s.g);
}

// The sixteen schedule words that follow `w`.
fn next_words(w: Words) -> Words {
    let w16 = next_four(w.w0, w.w4, w.w8, w.w12);
    let w20 = next_four(w.w4, w.w8, w.w12, w16);
    let w24 = next_four(w.w8, w.w12, w16, w20);
    let w28 = next_four(w.w12, w16, w20, w24);
    return Words(w16, w20, w24, w28);
}

// Schedule words t to t+3, from words t-16 to t-1. The last two need the first
// two.
fn next_four(t16: vec4<u32>, t12: vec4<u32>, t8: vec4<u32>, t4: vec4<u32>) -> vec4<u32> {
    let t15 = vec4(t16.yzw, t12.x);
    let t7 = vec4(t8.yzw, t4.x);
    let sigma = rotate4(t15, 7u) ^ rotate4(t15, 18u) ^ (t15 >> vec4(3u));
    let sums = t16 + sigma + t7;
    let x = sums.x + small_sigma_1(t4.z);
    let y = sums.y + small_sigma_1(t4.w);
    return vec4(x, y, sums.z + small_sigma_1(x), sums.w + small_sigma_1(y));
}

fn rotate4(words: vec4<u32>, bits: u32) -> vec4<u32> {
    return (words >> vec4(bits)) | (words << vec4(32u - bits));
}
