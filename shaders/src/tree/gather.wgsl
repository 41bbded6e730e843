// Copies elements that lie apart to where they follow each other. An invocation
// writes one word. It sees a window of the source, and leaves what others have.

struct Params {
    // Words to write, and the place of the first.
    words: u32,
    first_word: u32,
    // Units to copy. A unit is 1, 2 or 4 bytes: two to the power of `unit`.
    units: u32,
    unit: u32,
    // What to add to the distance of a unit from the tensor's first to get its
    // place in the window. Wraps around.
    base: u32,
    // Units in the window.
    window: u32,
    // 1 if the words have units of other windows, else 0.
    keep: u32,
    rank: u32,
    // Of each dimension: the first unit's coordinate, the length, the distance of
    // neighbours in units.
    dims: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> gathered: array<u32>;
@group(0) @binding(2) var<storage, read> source: array<u32>;

override workgroup_size: u32 = 64u;

@compute @workgroup_size(workgroup_size)
fn gather(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let index = invocation.y * groups.x * workgroup_size + invocation.x;
    if index >= params.words {
        return;
    }
    let place = params.first_word + index;
    var word = 0u;
    if params.keep == 1u {
        word = gathered[place];
    }
    let in_word = 4u >> params.unit;
    for (var i = 0u; i < in_word; i++) {
        let at = index * in_word + i;
        if at < params.units {
            word |= unit_at(at) << (i * (8u << params.unit));
        }
    }
    gathered[place] = word;
}

// A unit in the low bits. Zero if it is not in the window.
fn unit_at(at: u32) -> u32 {
    var rest = at;
    var place = params.base;
    for (var i = params.rank; i > 0u; i--) {
        let dim = params.dims[i - 1u];
        let x = dim.x + rest;
        // A remainder would be a second division.
        rest = x / dim.y;
        place += (x - rest * dim.y) * dim.z;
    }
    if place >= params.window {
        return 0u;
    }
    let shift = 2u - params.unit;
    let bits = 8u << params.unit;
    let lane = place & ((1u << shift) - 1u);
    let word = source[place >> shift] >> (lane * bits);
    return word & (0xffffffffu >> (32u - bits));
}

