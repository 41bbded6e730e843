//! The buffers of one dispatch.

use crate::kernel::{Candidates, Fault};
use pow_kernels::{PARAMS_BINDING, RESULTS_BINDING, SearchParams};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Invocations per workgroup: a multiple of every GPU's wave, and small enough
/// for the registers that the kernel takes.
pub const WORKGROUP_SIZE: u32 = 64;

/// Workgroups per dimension that every device allows.
const MOST_WORKGROUPS: u32 = 65_535;

/// Words of the results: the count and 4095 candidates.
const RESULT_WORDS: u32 = 4096;

/// How many candidates a slot can list.
pub const CAPACITY: u32 = RESULT_WORDS - 1;

/// On a device that others poll as well, one of their threads may be about to
/// tell us what our own poll has found to be done.
const CALLBACK_PATIENCE: Duration = Duration::from_secs(5);

/// Buffers of one dispatch at a time: its parameters, its results, and a copy
/// of the results that the host can read.
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
    /// Buffers for a pipeline. What goes wrong, the device reports.
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

    /// Starts a dispatch. What goes wrong, the device reports.
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
                // Nobody listens any more if the device was given up.
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
    /// What to wait for.
    pub fn submission(&self) -> wgpu::SubmissionIndex {
        self.submission.clone()
    }

    /// Reads the results of a dispatch that is done, and gives the slot back.
    pub fn collect(self) -> Result<(Slot, Candidates), Fault> {
        self.mapped
            .recv_timeout(CALLBACK_PATIENCE)
            .map_err(|_| Fault::new("the device did not say whether results can be read"))?
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

/// Lays out workgroups for all the nonces, within the limit per dimension.
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
