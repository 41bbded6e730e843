//! What is done with which bytes: a plan of tensors, pass by pass.

use super::error::HashError;
use super::layout::Layout;
use super::levels::{Join, Leaves, joins};
use super::limits::Cut;
use super::pieces::{Piece, Staged, windows};
use super::staging::{Flush, flushes};
use bytemuck::cast;
use pow_kernels::tree::{CHUNK_LEN, ChunksJob, LANES};
use std::collections::VecDeque;

/// The most runs in a pass, so that the memory of a pass has a limit too if tensors are
/// tiny.
const MOST_RUNS: usize = 1 << 14;

/// A tensor: the index of its buffer, and where it lies there.
#[derive(Clone, Debug)]
pub struct Placed {
    pub buffer: usize,
    pub layout: Layout,
}

/// A part of a buffer that a kernel sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub buffer: usize,
    pub offset: u64,
    pub len: u64,
}

/// Chunks of a tensor whose number is a power of two, or the last ones. The root over
/// them is a node of the tensor's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    tensor: usize,
    /// The first byte in the tensor.
    first: u64,
    /// How many bytes.
    len: u64,
    /// Where its root goes.
    root: u32,
}

impl Run {
    fn chunks(&self) -> u64 {
        self.len.div_ceil(CHUNK_LEN.into())
    }
}

/// All that is done for some tensors. First come the passes, then the trees over the
/// runs of large tensors.
///
/// The digests are in one buffer: the tensors' roots, the roots of runs of large
/// tensors, and the leaves of a pass.
#[derive(Debug)]
pub struct Plan {
    /// Where each tensor's root is. `None` if it has no bytes.
    pub roots: Vec<Option<u32>>,
    /// How many roots there are. They come first in the buffer.
    pub found: u32,
    /// How many digests the buffer has.
    pub digests: u64,
    runs: VecDeque<Run>,
    /// Large tensors, whose runs are joined last.
    large: Vec<Leaves>,
    /// The first leaf of a pass.
    area: u32,
}

/// What is done between two submissions. The jobs of all dispatches are in one list.
#[derive(Debug)]
pub struct Pass {
    pub jobs: Vec<[u32; 4]>,
    pub direct: Vec<Direct>,
    pub flushes: Vec<Flush>,
    pub joins: Vec<Join>,
}

/// A dispatch that hashes chunks where they lie.
#[derive(Debug)]
pub struct Direct {
    pub windows: Vec<Window>,
    pub first_job: u32,
    pub jobs: u32,
}

impl Plan {
    pub fn new(tensors: &[Placed], cut: &Cut) -> Result<Self, HashError> {
        // The largest power of two, so that a run is a whole subtree.
        let run = u64::from(CHUNK_LEN) << cut.pass.ilog2();
        let found = tensors
            .iter()
            .filter(|tensor| tensor.layout.len() > 0)
            .count() as u64;
        let parts = |len: u64| match len.div_ceil(run) {
            0 | 1 => 0,
            parts => parts,
        };
        let parts_of_all = tensors.iter().fold(0u64, |sum, tensor| {
            sum.saturating_add(parts(tensor.layout.len()))
        });
        let area = found.saturating_add(parts_of_all);
        let most = cut.digests - cut.pass;
        if area > most {
            return Err(HashError::TooMany { found: area, most });
        }
        let mut plan = Plan {
            roots: Vec::with_capacity(tensors.len()),
            found: found as u32,
            digests: 0,
            runs: VecDeque::new(),
            large: Vec::new(),
            area: area as u32,
        };
        let mut next_root = 0;
        let mut next_part = plan.found;
        for (tensor, placed) in tensors.iter().enumerate() {
            let len = placed.layout.len();
            if len == 0 {
                plan.roots.push(None);
                continue;
            }
            plan.roots.push(Some(next_root));
            let parts = parts(len);
            if parts > 0 {
                plan.large.push(Leaves {
                    first: next_part,
                    count: parts,
                    root: next_root,
                });
            }
            for part in 0..parts.max(1) {
                let first = part * run;
                plan.runs.push_back(Run {
                    tensor,
                    first,
                    len: (len - first).min(run),
                    root: if parts > 0 { next_part } else { next_root },
                });
                next_part += u32::from(parts > 0);
            }
            next_root += 1;
        }
        let chunks: u64 = plan.runs.iter().map(Run::chunks).sum();
        plan.digests = area + chunks.min(cut.pass);
        Ok(plan)
    }

    /// The next pass. `None` after the last.
    pub fn next_pass(&mut self, tensors: &[Placed], cut: &Cut) -> Option<Pass> {
        let mut taken: Vec<Run> = Vec::new();
        let mut chunks = 0;
        while let Some(run) = self.runs.front()
            && taken.len() < MOST_RUNS
            && chunks + run.chunks() <= cut.pass
        {
            chunks += run.chunks();
            taken.extend(self.runs.pop_front());
        }
        if taken.is_empty() {
            return None;
        }
        let mut pieces = Vec::new();
        let mut staged = Vec::new();
        let mut trees = Vec::new();
        let mut leaf = self.area;
        for run in taken {
            let chunks = run.chunks();
            // A single leaf is the root.
            let out = if chunks == 1 { run.root } else { leaf };
            trees.push(Leaves {
                first: out,
                count: chunks,
                root: run.root,
            });
            leaf += chunks as u32;
            divide(&run, out, &tensors[run.tensor], &mut pieces, &mut staged);
        }
        let mut jobs = Vec::new();
        let direct = direct(pieces, cut, &mut jobs, &mut staged);
        let flushes = flushes(&staged, tensors, cut, &mut jobs);
        let mut joins = joins(&trees, &mut jobs);
        if self.runs.is_empty() {
            joins.extend(self::joins(&self.large, &mut jobs));
        }
        Some(Pass {
            jobs,
            direct,
            flushes,
            joins,
        })
    }
}

/// Divides a run into what can be hashed where it lies, and what must be copied.
fn divide(run: &Run, out: u32, tensor: &Placed, pieces: &mut Vec<Piece>, staged: &mut Vec<Staged>) {
    let mut rest = Staged {
        tensor: run.tensor,
        first: run.first,
        len: run.len,
        out,
    };
    if let Layout::Contiguous { offset, .. } = tensor.layout
        && offset.is_multiple_of(16)
    {
        let chunks = run.len / u64::from(CHUNK_LEN);
        let len = chunks * u64::from(CHUNK_LEN);
        if chunks > 0 {
            pieces.push(Piece {
                tensor: run.tensor,
                buffer: tensor.buffer,
                offset: offset + run.first,
                first: run.first,
                chunks,
                out,
            });
        }
        rest.first += len;
        rest.len -= len;
        rest.out += chunks as u32;
    }
    if rest.len > 0 {
        staged.push(rest);
    }
}

/// The dispatches that hash chunks where they lie. Pieces of windows with few chunks go
/// to `staged`.
fn direct(
    pieces: Vec<Piece>,
    cut: &Cut,
    jobs: &mut Vec<[u32; 4]>,
    staged: &mut Vec<Staged>,
) -> Vec<Direct> {
    let (full, sparse): (Vec<_>, Vec<_>) = windows(pieces, cut)
        .into_iter()
        .partition(|seen| seen.chunks() >= cut.direct);
    staged.extend(
        sparse
            .iter()
            .flat_map(|seen| seen.pieces.iter().map(Piece::staged)),
    );
    let mut dispatches = Vec::new();
    for group in full.chunks(cut.sources) {
        let first_job = jobs.len();
        for (source, seen) in group.iter().enumerate() {
            for piece in &seen.pieces {
                let first = ((piece.offset - seen.window.offset) / 16) as u32;
                for before in (0..piece.chunks as u32).step_by(LANES as usize) {
                    jobs.push(cast(ChunksJob {
                        source: source as u32,
                        first: first + before * (CHUNK_LEN / 16),
                        count: (piece.chunks as u32 - before).min(LANES),
                        out: piece.out + before,
                    }));
                }
            }
        }
        dispatches.push(Direct {
            windows: group.iter().map(|seen| seen.window).collect(),
            first_job: first_job as u32,
            jobs: (jobs.len() - first_job) as u32,
        });
    }
    dispatches
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUT: Cut = Cut {
        align: 256,
        window: 1 << 20,
        staging: 4,
        pass: 8,
        direct: 2,
        sources: 2,
        digests: 20,
    };

    fn tensors(lens: &[u64]) -> Vec<Placed> {
        lens.iter()
            .map(|len| Placed {
                buffer: 0,
                layout: Layout::Contiguous {
                    offset: 0,
                    len: *len,
                },
            })
            .collect()
    }

    #[test]
    fn roots_of_tensors_come_first_and_those_of_their_parts_follow() {
        // The second has 20 chunks, in parts of 8.
        let plan = Plan::new(&tensors(&[5, 20 * 4096, 0, 8 * 4096]), &CUT).unwrap();
        assert_eq!(plan.roots, [Some(0), Some(1), None, Some(2)]);
        assert_eq!(plan.found, 3);
        let parts: Vec<u32> = plan.runs.iter().map(|run| run.root).collect();
        assert_eq!(parts, [0, 3, 4, 5, 2]);
        assert_eq!((plan.area, plan.digests), (6, 14));
    }

    #[test]
    fn what_has_no_room_is_refused() {
        // Twelve places are left beside a pass.
        assert!(Plan::new(&tensors(&[1; 12]), &CUT).is_ok());
        let refused = |lens: &[u64]| Plan::new(&tensors(lens), &CUT).unwrap_err();
        let error = |found| HashError::TooMany { found, most: 12 };
        assert_eq!(refused(&[1; 13]), error(13));
        assert_eq!(refused(&[12 * 8 * 4096]), error(13));
        assert!(matches!(refused(&[u64::MAX; 9]), HashError::TooMany { .. }));
    }

    #[test]
    fn a_pass_takes_no_more_chunks_than_it_may() {
        let tensors = tensors(&[3 * 4096, 5 * 4096 - 1, 4096 + 1, 9 * 4096]);
        let mut plan = Plan::new(&tensors, &CUT).unwrap();
        let mut chunks = Vec::new();
        while let Some(pass) = plan.next_pass(&tensors, &CUT) {
            let direct = pass.direct.iter().map(|direct| {
                let jobs = &pass.jobs[direct.first_job as usize..][..direct.jobs as usize];
                jobs.iter()
                    .map(|job| cast::<_, ChunksJob>(*job).count)
                    .sum::<u32>()
            });
            let staged = pass.flushes.iter().map(|flush| flush.jobs);
            chunks.push(direct.chain(staged).sum::<u32>());
        }
        assert_eq!(chunks, [8, 2, 8, 1]);
    }
}
