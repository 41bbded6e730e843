// Joins digests to the nodes above them, several levels at once. The level `l` of
// a tree lies at every 2^l-th place of its leaves, so a workgroup writes only
// where it has read.

struct Params {
    // SHA-256's state after the tag of a node.
    midstate: State,
    // The jobs of this dispatch, one for each workgroup.
    first_job: u32,
    jobs: u32,
    // How many levels are joined, at most 7.
    levels: u32,
    // Two's logarithm of the distance between two inputs.
    shift: u32,
}

struct Job {
    // The place of the first input.
    first: u32,
    // How many inputs there are, at most 128.
    count: u32,
    // The place of the first output.
    out: u32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> digests: array<State>;
@group(0) @binding(2) var<storage, read> jobs: array<Job>;

const LANES: u32 = 64u;

var<workgroup> nodes: array<State, 128>;

@compute @workgroup_size(LANES)
fn join(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group.y * groups.x + group.x;
    // All invocations reach the barriers, also without a job.
    var job = Job(0u, 0u, 0u, 0u);
    if index < params.jobs {
        job = jobs[params.first_job + index];
    }
    for (var input = lane; input < job.count; input += LANES) {
        nodes[input] = digests[job.first + (input << params.shift)];
    }
    var count = job.count;
    for (var level = 0u; level < params.levels; level++) {
        let parents = (count + 1u) / 2u;
        var parent = State(vec4(0u), vec4(0u));
        workgroupBarrier();
        if lane < parents {
            parent = nodes[2u * lane];
            // A last node without a sibling goes up as it is.
            if 2u * lane + 1u < count {
                parent = node(parent, nodes[2u * lane + 1u]);
            }
        }
        workgroupBarrier();
        if lane < parents {
            nodes[lane] = parent;
        }
        count = parents;
    }
    if lane < count {
        digests[job.out + (lane << (params.shift + params.levels))] = nodes[lane];
    }
}

fn node(left: State, right: State) -> State {
    return finish_node(compress(params.midstate, Words(left.low, left.high, right.low, right.high)));
}

