//! The levels of trees over digests, dispatch by dispatch.

use bytemuck::cast;
use pow_kernels::tree::{JOIN_INPUTS, JOIN_LEVELS, JoinJob};

/// Digests that follow each other: the leaves of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaves {
    /// The place of the first.
    pub first: u32,
    /// How many there are.
    pub count: u64,
    /// Where the root goes.
    pub root: u32,
}

/// A dispatch that joins levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join {
    /// Its first job.
    pub first_job: u32,
    /// How many jobs there are.
    pub jobs: u32,
    /// How many levels it joins.
    pub levels: u32,
    /// Two's logarithm of the distance between two inputs.
    pub shift: u32,
}

/// With more inputs than this, a dispatch joins one level, because half of a workgroup
/// rests at each level after the first. With fewer, two dispatches join all levels.
const WIDE: u64 = JOIN_INPUTS as u64 * JOIN_INPUTS as u64;

/// The dispatches that compute the roots of these trees, one after another. Their jobs
/// are appended to `jobs`. A single leaf is its root and must be there already.
pub fn joins(trees: &[Leaves], jobs: &mut Vec<[u32; 4]>) -> Vec<Join> {
    let mut open: Vec<Leaves> = trees.to_vec();
    let mut dispatches = Vec::new();
    let mut shift = 0;
    loop {
        open.retain(|tree| tree.count > 1);
        if open.is_empty() {
            return dispatches;
        }
        let inputs: u64 = open.iter().map(|tree| tree.count).sum();
        let levels = if inputs > WIDE { 1 } else { JOIN_LEVELS };
        let first_job = jobs.len();
        for tree in &mut open {
            let nodes = tree.count.div_ceil(1 << levels);
            for before in (0..tree.count).step_by(JOIN_INPUTS as usize) {
                let first = tree.first + ((before as u32) << shift);
                jobs.push(cast(JoinJob {
                    first,
                    count: (tree.count - before).min(JOIN_INPUTS.into()) as u32,
                    out: if nodes == 1 { tree.root } else { first },
                    unused: 0,
                }));
            }
            tree.count = nodes;
        }
        dispatches.push(Join {
            first_job: first_job as u32,
            jobs: (jobs.len() - first_job) as u32,
            levels,
            shift,
        });
        shift += levels;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pow_core::merkle;

    /// What the kernel does, on the CPU.
    fn run(join: &Join, jobs: &[[u32; 4]], digests: &mut [[u8; 32]]) {
        let before = digests.to_vec();
        for job in &jobs[join.first_job as usize..][..join.jobs as usize] {
            let job: JoinJob = cast(*job);
            let input = |i: u32| before[(job.first + (i << join.shift)) as usize];
            let mut nodes: Vec<_> = (0..job.count).map(input).collect();
            for _ in 0..join.levels {
                nodes = nodes
                    .chunks(2)
                    .map(|pair| match pair {
                        [left, right] => merkle::node(left, right),
                        [alone] => *alone,
                        _ => unreachable!(),
                    })
                    .collect();
            }
            for (i, node) in nodes.into_iter().enumerate() {
                digests[job.out as usize + (i << (join.shift + join.levels))] = node;
            }
        }
    }

    #[test]
    fn every_tree_gets_its_root() {
        for counts in [
            &[2u64, 3, 127, 128, 129, 255, 1][..],
            &[1, 5, 16_384, 16_385, 40_000],
            &[16_385],
            &[1],
        ] {
            let mut digests = vec![[0; 32]; counts.len()];
            let mut trees = Vec::new();
            let mut expected = Vec::new();
            for (root, count) in counts.iter().enumerate() {
                let first = digests.len() as u32;
                let leaves: Vec<[u8; 32]> = (0..*count)
                    .map(|leaf| {
                        let mut digest = [root as u8; 32];
                        digest[..8].copy_from_slice(&leaf.to_le_bytes());
                        digest
                    })
                    .collect();
                expected.push(merkle::root(leaves.iter().copied()).0);
                if *count == 1 {
                    digests[root] = leaves[0];
                    continue;
                }
                digests.extend(leaves);
                trees.push(Leaves {
                    first,
                    count: *count,
                    root: root as u32,
                });
            }
            let mut jobs = vec![[9; 4]];
            for join in joins(&trees, &mut jobs) {
                run(&join, &jobs, &mut digests);
            }
            assert!(digests[..counts.len()] == expected, "{counts:?}");
        }
    }
}
