// SHA-256d nonce search. One invocation hashes several headers that differ only
// in the nonce, and lists each nonce whose hash may meet the target. lib.rs
// documents the interface. The function `top_of_hash` is in two other files:
// loop_form.wgsl is readable, and traced.wgsl is generated and faster.
//
// Plain WGSL: 32-bit integers, no subgroups, no extensions.

struct Params {
    // SHA-256 state after the header's first 64 bytes.
    midstate: array<vec4<u32>, 2>,
    // Header words 16, 17 and 18 as SHA-256 reads them, and then the most
    // significant 32 bits of the target.
    tail: vec3<u32>,
    target_top: u32,
    // The nonces to try: `count` of them, from `start` on. After 2^32 - 1 comes
    // 0.
    start: u32,
    count: u32,
    // Nonces that one invocation tries.
    per_invocation: u32,
    padding: u32,
    // SHA-256's 64 round constants. For the loop form.
    round_constants: array<vec4<u32>, 16>,
    // Other values that do not depend on the nonce. For the traced form.
    hoisted: array<vec4<u32>, 7>,
}

struct Results {
    // How many nonces were found. If they do not all fit, some are not listed.
    found: atomic<u32>,
    // The nonces, in no particular order.
    nonces: array<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> results: Results;

override workgroup_size: u32 = 64u;

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

