//! Encodes the passes of a plan and submits them.

use super::kernels::{Kernels, ParamsAt, Read, Scratch, bind_group};
use super::limits::Cut;
use super::plan::{Pass, Placed, Plan, Window};
use super::staging::Fill;
use bytemuck::{Pod, bytes_of, cast_slice};
use pow_core::hash::Tag;
use pow_kernels::tree::{CHUNK_LEN, DIGEST_LEN, JoinParams, LANES, TreeParams};

/// The distance of two dispatches' parameters, which every device allows.
const PARAMS: u64 = 256;

/// The most workgroups in a dimension that every device allows.
const MOST_WORKGROUPS: u32 = 65_535;

/// Memory that is kept from call to call.
#[derive(Debug)]
pub struct Memory {
    digests: Scratch,
    staging: Scratch,
    jobs: Scratch,
    params: Scratch,
}

impl Memory {
    pub fn new() -> Self {
        let storage = wgpu::BufferUsages::STORAGE;
        Memory {
            digests: Scratch::new(storage | wgpu::BufferUsages::COPY_SRC),
            staging: Scratch::new(storage),
            jobs: Scratch::new(storage),
            params: Scratch::new(wgpu::BufferUsages::UNIFORM),
        }
    }

    /// Gives everything back.
    pub fn clear(&mut self) {
        self.digests.clear();
        self.staging.clear();
        self.jobs.clear();
        self.params.clear();
    }
}

/// Where a plan is executed.
#[derive(Debug)]
pub struct Target<'a> {
    pub device: &'a wgpu::Device,
    pub queue: &'a wgpu::Queue,
    pub kernels: &'a Kernels,
    pub cut: &'a Cut,
    /// The buffers of the tensors.
    pub buffers: &'a [&'a wgpu::Buffer],
}

/// Submits all passes of a plan, and the copy of the roots to `readback`. The device
/// reports errors.
pub fn submit(
    target: &Target<'_>,
    memory: &mut Memory,
    mut plan: Plan,
    tensors: &[Placed],
    readback: &wgpu::Buffer,
) -> wgpu::SubmissionIndex {
    let len = plan.digests * u64::from(DIGEST_LEN);
    let digests = memory.digests.at_least(target.device, len);
    while let Some(pass) = plan.next_pass(tensors, target.cut) {
        let encoder = target.encode(memory, &pass, &digests);
        target.queue.submit([encoder.finish()]);
    }
    let mut encoder = target.encoder();
    let roots = u64::from(plan.found) * u64::from(DIGEST_LEN);
    encoder.copy_buffer_to_buffer(&digests, 0, readback, 0, roots);
    target.queue.submit([encoder.finish()])
}

/// The parameters of the dispatches of a pass.
#[derive(Default)]
struct ParamsList(Vec<u8>);

impl ParamsList {
    fn push(&mut self, params: impl Pod) {
        let padded = self.0.len().next_multiple_of(PARAMS as usize);
        self.0.resize(padded, 0);
        self.0.extend_from_slice(bytes_of(&params));
    }
}

impl Target<'_> {
    fn encoder(&self) -> wgpu::CommandEncoder {
        let label = Some("weights");
        self.device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor { label })
    }

    fn encode(
        &self,
        memory: &mut Memory,
        pass: &Pass,
        digests: &wgpu::Buffer,
    ) -> wgpu::CommandEncoder {
        let list = params(pass).0;
        let params = memory.params.at_least(self.device, list.len() as u64);
        self.queue.write_buffer(&params, 0, &list);
        let len = size_of_val(pass.jobs.as_slice()) as u64;
        let jobs = memory.jobs.at_least(self.device, len);
        self.queue.write_buffer(&jobs, 0, cast_slice(&pass.jobs));
        let copied = pass.flushes.iter().map(|flush| flush.jobs).max();
        let len = u64::from(copied.unwrap_or(0)) * u64::from(CHUNK_LEN);
        let staging = memory.staging.at_least(self.device, len);

        let mut next = 0;
        let mut params_of = |len: usize| {
            let offset = next;
            next += PARAMS;
            ParamsAt {
                buffer: &params,
                offset,
                len: len as u64,
            }
        };
        let part = |window: &Window| Read::Part(self.buffers[window.buffer], *window);

        let mut encoder = self.encoder();
        let kernel = &self.kernels.chunks;
        for direct in &pass.direct {
            let params = params_of(size_of::<TreeParams>());
            // A source without a window is never read, but needs one.
            let unused = direct.windows.iter().cycle();
            let windows = unused.take(self.cut.sources).map(part);
            let read = [Read::All(&jobs)].into_iter().chain(windows);
            let group = bind_group(self.device, kernel, params, digests, read);
            dispatch(&mut encoder, kernel, &group, direct.jobs);
        }
        for flush in &pass.flushes {
            for fill in &flush.fills {
                match fill {
                    Fill::Copy {
                        buffer,
                        from,
                        to,
                        len,
                    } => {
                        let source = self.buffers[*buffer];
                        encoder.copy_buffer_to_buffer(source, *from, &staging, *to, *len);
                    }
                    Fill::Gather { window, params } => {
                        let kernel = &self.kernels.gather;
                        let at = params_of(size_of_val(params));
                        let read = [part(window)];
                        let group = bind_group(self.device, kernel, at, &staging, read);
                        let groups = params.words.div_ceil(LANES);
                        dispatch(&mut encoder, kernel, &group, groups);
                    }
                }
            }
            let kernel = &self.kernels.messages;
            let params = params_of(size_of::<TreeParams>());
            let read = [Read::All(&jobs), Read::All(&staging)];
            let group = bind_group(self.device, kernel, params, digests, read);
            dispatch(&mut encoder, kernel, &group, flush.jobs.div_ceil(LANES));
        }
        let kernel = &self.kernels.join;
        for join in &pass.joins {
            let params = params_of(size_of::<JoinParams>());
            let group = bind_group(self.device, kernel, params, digests, [Read::All(&jobs)]);
            dispatch(&mut encoder, kernel, &group, join.jobs);
        }
        encoder
    }
}

/// The parameters in the order in which the dispatches are encoded.
fn params(pass: &Pass) -> ParamsList {
    let mut list = ParamsList::default();
    let chunks = |first_job, jobs| TreeParams {
        midstate: *Tag::Chunk.midstate(),
        first_job,
        jobs,
        unused: [0; 2],
    };
    for direct in &pass.direct {
        list.push(chunks(direct.first_job, direct.jobs));
    }
    for flush in &pass.flushes {
        for fill in &flush.fills {
            if let Fill::Gather { params, .. } = fill {
                list.push(*params);
            }
        }
        list.push(chunks(flush.first_job, flush.jobs));
    }
    for join in &pass.joins {
        list.push(JoinParams {
            midstate: *Tag::Node.midstate(),
            first_job: join.first_job,
            jobs: join.jobs,
            levels: join.levels,
            shift: join.shift,
        });
    }
    list
}

fn dispatch(
    encoder: &mut wgpu::CommandEncoder,
    kernel: &wgpu::ComputePipeline,
    group: &wgpu::BindGroup,
    workgroups: u32,
) {
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
        label: Some("weights"),
        timestamp_writes: None,
    });
    pass.set_pipeline(kernel);
    pass.set_bind_group(0, group, &[]);
    let y = workgroups.div_ceil(MOST_WORKGROUPS).max(1);
    pass.dispatch_workgroups(workgroups.div_ceil(y), y, 1);
}
