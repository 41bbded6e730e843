// Hashes whole chunks where they lie, one in an invocation. The host adds the
// bindings `source0`, `source1`, … and the function `load`, which reads a block.

struct Params {
    // SHA-256's state after the tag of a chunk.
    midstate: State,
    // The jobs of this dispatch, one for each workgroup.
    first_job: u32,
    jobs: u32,
    unused: vec2<u32>,
}

// Chunks that follow each other in a source, at most one for each invocation.
struct Job {
    source: u32,
    // Where the first chunk begins, in units of 16 bytes.
    first: u32,
    count: u32,
    // The place of the first chunk's digest.
    out: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> digests: array<State>;
@group(0) @binding(2) var<storage, read> jobs: array<Job>;

override workgroup_size: u32 = 64u;

@compute @workgroup_size(workgroup_size)
fn hash_chunks(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group.y * groups.x + group.x;
    if index >= params.jobs {
        return;
    }
    let job = jobs[params.first_job + index];
    if lane >= job.count {
        return;
    }
    // 64 blocks of four units.
    let first = job.first + lane * 256u;
    var state = params.midstate;
    for (var unit = 0u; unit < 256u; unit += 4u) {
        state = compress(state, load(job.source, first + unit));
    }
    digests[job.out + lane] = finish_chunk(state);
}

