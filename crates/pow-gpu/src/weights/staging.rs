//! Chunks that are copied together before they are hashed.

use super::layout::{Layout, Strided, common_unit};
use super::limits::Cut;
use super::pieces::Staged;
use super::plan::{Placed, Window};
use bytemuck::{Zeroable, cast};
use pow_kernels::tree::{CHUNK_LEN, GATHER_DIMS, GatherDim, GatherParams, Message};

/// Copies, and the dispatch that hashes what was copied.
#[derive(Debug, Default)]
pub struct Flush {
    pub fills: Vec<Fill>,
    pub first_job: u32,
    /// How many chunks.
    pub jobs: u32,
}

/// Copies bytes of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// From whole words that follow each other. All are in bytes.
    Copy {
        buffer: usize,
        from: u64,
        to: u64,
        len: u64,
    },
    /// By a kernel.
    Gather {
        window: Window,
        params: GatherParams,
    },
}

/// The flushes that hash all of these. The chunks' jobs are appended to `jobs`.
pub fn flushes(
    staged: &[Staged],
    tensors: &[Placed],
    cut: &Cut,
    jobs: &mut Vec<[u32; 4]>,
) -> Vec<Flush> {
    let chunk_len = u64::from(CHUNK_LEN);
    let mut flushes: Vec<Flush> = Vec::new();
    for item in staged {
        let mut rest = *item;
        while rest.len > 0 {
            let room = flushes
                .last()
                .map_or(0, |flush| cut.staging - u64::from(flush.jobs));
            if room == 0 {
                flushes.push(Flush {
                    first_job: jobs.len() as u32,
                    ..Flush::default()
                });
                continue;
            }
            let part = Staged {
                len: rest.len.min(room * chunk_len),
                ..rest
            };
            if let Some(flush) = flushes.last_mut() {
                flush.add(&part, &tensors[part.tensor], cut, jobs);
            }
            rest.first += part.len;
            rest.len -= part.len;
            rest.out += (part.len / chunk_len) as u32;
        }
    }
    flushes
}

impl Flush {
    fn add(&mut self, part: &Staged, tensor: &Placed, cut: &Cut, jobs: &mut Vec<[u32; 4]>) {
        let chunk_len = u64::from(CHUNK_LEN);
        let to = u64::from(self.jobs) * chunk_len;
        match &tensor.layout {
            Layout::Contiguous { offset, .. } => {
                let from = offset + part.first;
                if from.is_multiple_of(4) {
                    self.fills.push(Fill::Copy {
                        buffer: tensor.buffer,
                        from,
                        to,
                        len: part.len.next_multiple_of(4),
                    });
                } else {
                    let unit = common_unit([from, part.len]);
                    let units = (part.len >> unit) as u32;
                    let run = Strided {
                        offset: from,
                        unit,
                        dims: vec![(units, 1)],
                        span: units.into(),
                        len: part.len,
                    };
                    let part = Staged { first: 0, ..*part };
                    self.gather(&part, tensor.buffer, &run, to, cut);
                }
            }
            Layout::Strided(strided) => self.gather(part, tensor.buffer, strided, to, cut),
        }
        for (chunk, before) in (0..part.len).step_by(chunk_len as usize).enumerate() {
            jobs.push(cast(Message {
                len: (part.len - before).min(chunk_len) as u32,
                out: part.out + chunk as u32,
                unused: [0; 2],
            }));
            self.jobs += 1;
        }
    }

    /// Gathers through one window after another.
    fn gather(&mut self, part: &Staged, buffer: usize, source: &Strided, to: u64, cut: &Cut) {
        let unit = source.unit;
        let end = (source.offset + (source.span << unit)).next_multiple_of(4);
        let first = source.offset - source.offset % cut.align;
        for offset in (first..end).step_by(cut.window as usize) {
            let len = (end - offset).min(cut.window);
            let mut params = GatherParams {
                words: part.len.div_ceil(4) as u32,
                first_word: (to / 4) as u32,
                units: (part.len >> unit) as u32,
                unit,
                // Negative if the tensor begins before the window.
                base: (source.offset.wrapping_sub(offset) as i64 >> unit) as u32,
                window: (len >> unit) as u32,
                keep: u32::from(offset > first),
                rank: source.dims.len() as u32,
                dims: [GatherDim::zeroed(); GATHER_DIMS],
            };
            let coordinates = source.coordinates(part.first);
            let known = coordinates.into_iter().zip(&source.dims);
            for (dim, (start, (len, stride))) in params.dims.iter_mut().zip(known) {
                *dim = GatherDim {
                    start,
                    len: *len,
                    stride: *stride,
                    unused: 0,
                };
            }
            self.fills.push(Fill::Gather {
                window: Window {
                    buffer,
                    offset,
                    len,
                },
                params,
            });
        }
    }
}
