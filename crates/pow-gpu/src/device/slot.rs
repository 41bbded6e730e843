//! The buffers of a dispatch.

use crate::kernel::{Candidates, Fault};
use pow_kernels::{PARAMS_BINDING, RESULTS_BINDING, SearchParams};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Invocations in a workgroup. This is a multiple of every GPU's wave size, and
/// small enough for the kernel's registers.
pub const WORKGROUP_SIZE: u32 = 64;

/// The most workgroups in a dimension that every device allows.
const MOST_WORKGROUPS: u32 = 65_535;

/// Words of the results buffer: the count and 4095 candidates.
const RESULT_WORDS: u32 = 4096;

/// How many candidates a slot can list.
pub const CAPACITY: u32 = RESULT_WORDS - 1;

/// How long to wait for the callback of a finished dispatch. If others poll the
/// device too, one of their threads may be about to call it.
const CALLBACK_PATIENCE: Duration = Duration::from_secs(5);

/// Buffers for one dispatch at a time: parameters, results, and a copy of the
/// results that the host can read.
#[derive(Debug)]
pub struct Slot {
    params: wgpu::Buffer,
    results: wgpu::Buffer,
    readback: wgpu::Buffer,
    bind_group: wgpu::BindGroup,
}

/// A dispatch in flight, with its slot.
#[derive(Debug)]
pub struct Submitted {
    slot: Slot,
    submission: wgpu::SubmissionIndex,
    mapped: Receiver<Result<(), wgpu::BufferAsyncError>>,
}

impl Slot {
    /// Buffers for a pipeline. The device reports errors.
    pub fn new(device: &wgpu::Device, pipeline: &wgpu::ComputePipeline) -> Self {
        let usage = wgpu::BufferUsages::COPY_DST;
        let params = buffer(
            device,
            size_of::<SearchParams>() as u64,
            usage | wgpu::BufferUsages::UNIFORM,
        );
        let results = buffer(
            device,
            u64::from(RESULT_WORDS) * 4,
            usage | wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        );
        let readback = buffer(device, results.size(), usage | wgpu::BufferUsages::MAP_READ);
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("nonce search"),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry {
                    binding: PARAMS_BINDING,
                    resource: params.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: RESULTS_BINDING,
                    resource: results.as_entire_binding(),
                },
            ],
        });
        Slot {
            params,
            results,
            readback,
            bind_group,
        }
    }

    /// Starts a dispatch. The device reports errors.
    pub fn submit(
        self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        pipeline: &wgpu::ComputePipeline,
        params: &SearchParams,
    ) -> Submitted {
        let (x, y) = workgroups(params);
        queue.write_buffer(&self.params, 0, bytemuck::bytes_of(params));
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor {
            label: Some("nonce search"),
        });
        encoder.clear_buffer(&self.results, 0, Some(4));
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("nonce search"),
                timestamp_writes: None,
            });
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, &self.bind_group, &[]);
            pass.dispatch_workgroups(x, y, 1);
        }
        encoder.copy_buffer_to_buffer(&self.results, 0, &self.readback, 0, self.results.size());
        let submission = queue.submit([encoder.finish()]);
        let (sender, mapped) = channel();
        self.readback
            .map_async(wgpu::MapMode::Read, .., move |result| {
                // Nobody listens any more if the device has failed.
                let _ = sender.send(result);
            });
        Submitted {
            slot: self,
            submission,
            mapped,
        }
    }
}

impl Submitted {
    /// The submission to wait for.
    pub fn submission(&self) -> wgpu::SubmissionIndex {
        self.submission.clone()
    }

    /// Reads the results of a finished dispatch, and returns its slot.
    pub fn collect(self) -> Result<(Slot, Candidates), Fault> {
        self.mapped
            .recv_timeout(CALLBACK_PATIENCE)
            .map_err(|_| Fault::new("the device did not report that the results can be read"))?
            .map_err(Fault::new)?;
        let candidates = {
            let view = self
                .slot
                .readback
                .get_mapped_range(..)
                .map_err(Fault::new)?;
            let words: Vec<u32> = bytemuck::pod_collect_to_vec(&view[..]);
            let found = words.first().copied().unwrap_or(0);
            let listed = found.min(CAPACITY) as usize;
            Candidates {
                found,
                nonces: words.into_iter().skip(1).take(listed).collect(),
            }
        };
        self.slot.readback.unmap();
        Ok((self.slot, candidates))
    }
}

fn buffer(device: &wgpu::Device, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("nonce search"),
        size,
        usage,
        mapped_at_creation: false,
    })
}

/// Arranges workgroups for all nonces, within the limit of each dimension.
fn workgroups(params: &SearchParams) -> (u32, u32) {
    let groups = params
        .count
        .div_ceil(params.per_invocation * WORKGROUP_SIZE);
    let y = groups.div_ceil(MOST_WORKGROUPS).max(1);
    (groups.div_ceil(y), y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workgroups_cover_every_nonce_and_offsets_fit() {
        for per_invocation in [1, 2, 15, 16] {
            for count in [1, 64, 65, 1 << 20, (1 << 22) + 1, 65_535 * 64 + 1, 1 << 30] {
                let params = SearchParams {
                    count,
                    per_invocation,
                    ..SearchParams::new([0; 8], [0; 3], 0)
                };
                let (x, y) = workgroups(&params);
                let invocations = u64::from(x) * u64::from(y) * u64::from(WORKGROUP_SIZE);
                let reach = invocations * u64::from(per_invocation);
                assert!(reach >= u64::from(count) && reach < 1 << 32);
                assert!(x <= MOST_WORKGROUPS && y <= MOST_WORKGROUPS);
            }
        }
    }
}
