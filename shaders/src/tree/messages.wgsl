// Hashes chunks of any length that were copied together, one in an invocation.

struct Params {
    // SHA-256's state after the tag of a chunk.
    midstate: State,
    // The messages of this dispatch. The first one lies at the beginning of
    // `staged`, the others at every 4096 bytes.
    first_job: u32,
    jobs: u32,
    unused: vec2<u32>,
}

struct Message {
    // In bytes.
    len: u32,
    // The place of the digest.
    out: u32,
    unused: vec2<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> digests: array<State>;
@group(0) @binding(2) var<storage, read> messages: array<Message>;
@group(0) @binding(3) var<storage, read> staged: array<vec4<u32>>;

override workgroup_size: u32 = 64u;

@compute @workgroup_size(workgroup_size)
fn hash_messages(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let index = invocation.y * groups.x * workgroup_size + invocation.x;
    if index >= params.jobs {
        return;
    }
    let message = messages[params.first_job + index];
    let first = index * 256u;
    // The padding has at least nine bytes.
    let blocks = (message.len + 9u + 63u) / 64u;
    var state = params.midstate;
    for (var block = 0u; block < blocks; block++) {
        // Of a whole chunk, the last block lies in the next message or behind
        // the last one. Nothing of it counts.
        let at = min(first + 4u * block, arrayLength(&staged) - 4u);
        var words = swapped(staged[at], staged[at + 1u], staged[at + 2u], staged[at + 3u]);
        let start = block * 64u;
        if start + 64u > message.len {
            words = padded(words, start, message.len);
        }
        if block + 1u == blocks {
            // The tag also fills a block.
            words.w12.w = (64u + message.len) * 8u;
        }
        state = compress(state, words);
    }
    digests[message.out] = state;
}

// The words of a block that begins `start` bytes into a message, with a one bit
// after the message's `len` bytes and zeros after that.
fn padded(words: Words, start: u32, len: u32) -> Words {
    return Words(
        padded4(words.w0, start, len),
        padded4(words.w4, start + 16u, len),
        padded4(words.w8, start + 32u, len),
        padded4(words.w12, start + 48u, len),
    );
}

fn padded4(words: vec4<u32>, start: u32, len: u32) -> vec4<u32> {
    return vec4(
        padded_word(words.x, start, len),
        padded_word(words.y, start + 4u, len),
        padded_word(words.z, start + 8u, len),
        padded_word(words.w, start + 12u, len),
    );
}

fn padded_word(word: u32, start: u32, len: u32) -> u32 {
    if start + 4u <= len {
        return word;
    }
    if start > len {
        return 0u;
    }
    // 0 to 3 bytes count.
    let bits = (len - start) * 8u;
    return (word & ~(0xffffffffu >> bits)) | (0x80000000u >> bits);
}

