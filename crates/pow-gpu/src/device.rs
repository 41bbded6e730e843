//! The search kernel on a wgpu device.

use crate::search::{Candidates, Kernel};
use pow_kernels::{
    LOOP_WGSL, PARAMS_BINDING, RESULTS_BINDING, SEARCH_ENTRY, SearchParams, WORKGROUP_SIZE_CONSTANT,
};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Invocations per workgroup: a multiple of every GPU's wave, and small enough
/// for the registers that the kernel takes.
const WORKGROUP_SIZE: u32 = 64;

/// Workgroups per dimension that every device allows.
const MOST_WORKGROUPS: u32 = 65_535;

/// Words of the results: the count and 4095 candidates.
const RESULT_WORDS: u32 = 4096;

/// After this the device counts as hung; drivers reset one after a few
/// seconds, but a software adapter on a busy machine may be slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// A device with the kernel's pipeline and one set of buffers.
#[derive(Debug)]
pub struct Device {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::ComputePipeline,
    params: wgpu::Buffer,
    results: wgpu::Buffer,
    readback: wgpu::Buffer,
    bind_group: wgpu::BindGroup,
    faults: Faults,
}

impl Device {
    /// Opens the adapter and compiles the kernel; fails with the driver's words.
    pub fn open(adapter: &wgpu::Adapter) -> Result<Self, String> {
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("nonce search"),
            required_limits: wgpu::Limits::downlevel_defaults(),
            ..Default::default()
        };
        let (device, queue) =
            pollster::block_on(adapter.request_device(&descriptor)).map_err(text)?;
        let faults = Faults::default();
        faults.watch(&device);

        let pipeline = pipeline(&device);
        let usage = wgpu::BufferUsages::COPY_DST;
        let params = buffer(
            &device,
            size_of::<SearchParams>() as u64,
            usage | wgpu::BufferUsages::UNIFORM,
        );
        let results = buffer(
            &device,
            u64::from(RESULT_WORDS) * 4,
            usage | wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        );
        let readback = buffer(
            &device,
            results.size(),
            usage | wgpu::BufferUsages::MAP_READ,
        );
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
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
        faults.check()?;
        Ok(Device {
            device,
            queue,
            pipeline,
            params,
            results,
            readback,
            bind_group,
            faults,
        })
    }

    fn submit(&self, params: &SearchParams) -> wgpu::SubmissionIndex {
        let per_invocation = per_invocation(params.count);
        let params = SearchParams {
            per_invocation,
            ..*params
        };
        let (x, y) = workgroups(params.count.div_ceil(per_invocation * WORKGROUP_SIZE));
        self.queue
            .write_buffer(&self.params, 0, bytemuck::bytes_of(&params));
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.clear_buffer(&self.results, 0, Some(4));
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &self.bind_group, &[]);
            pass.dispatch_workgroups(x, y, 1);
        }
        encoder.copy_buffer_to_buffer(&self.results, 0, &self.readback, 0, self.results.size());
        self.queue.submit([encoder.finish()])
    }
}

impl Kernel for Device {
    fn capacity(&self) -> u32 {
        RESULT_WORDS - 1
    }

    fn run(&mut self, params: &SearchParams) -> Result<Candidates, String> {
        self.faults.check()?;
        let submission = self.submit(params);
        let (sender, mapped) = channel();
        self.readback
            .map_async(wgpu::MapMode::Read, .., move |result| {
                // Nobody listens any more if the wait below timed out.
                let _ = sender.send(result);
            });
        let wait = wgpu::PollType::Wait {
            submission_index: Some(submission),
            timeout: Some(PATIENCE),
        };
        let waited = self.device.poll(wait);
        // A fault explains more than the failed wait that follows from it.
        self.faults.check()?;
        waited.map_err(text)?;
        mapped.try_recv().map_err(text)?.map_err(text)?;
        let candidates = {
            let view = self.readback.get_mapped_range(..).map_err(text)?;
            let words: Vec<u32> = bytemuck::pod_collect_to_vec(&view[..]);
            let found = words.first().copied().unwrap_or(0);
            let listed = found.min(self.capacity()) as usize;
            Candidates {
                found,
                nonces: words.into_iter().skip(1).take(listed).collect(),
            }
        };
        self.readback.unmap();
        Ok(candidates)
    }
}

fn pipeline(device: &wgpu::Device) -> wgpu::ComputePipeline {
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("nonce search"),
        source: wgpu::ShaderSource::Wgsl(LOOP_WGSL.into()),
    });
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("nonce search"),
        layout: None,
        module: &module,
        entry_point: Some(SEARCH_ENTRY),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: &[(WORKGROUP_SIZE_CONSTANT, f64::from(WORKGROUP_SIZE))],
            ..Default::default()
        },
        cache: None,
    })
}

fn buffer(device: &wgpu::Device, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size,
        usage,
        mapped_at_creation: false,
    })
}

/// Small dispatches spread over as many invocations as they can; large ones
/// have invocations to spare and save the cost of starting them.
fn per_invocation(count: u32) -> u32 {
    (count >> 20).clamp(1, 16)
}

/// Lays out at least `groups` workgroups within the limit per dimension.
fn workgroups(groups: u32) -> (u32, u32) {
    let y = groups.div_ceil(MOST_WORKGROUPS).max(1);
    (groups.div_ceil(y), y)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What wgpu reports outside of return values; without this it would panic.
#[derive(Clone, Debug, Default)]
struct Faults(Arc<Mutex<Option<String>>>);

impl Faults {
    fn watch(&self, device: &wgpu::Device) {
        let faults = self.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            faults.set(error.to_string());
        }));
        let faults = self.clone();
        device.set_device_lost_callback(move |reason, message| {
            faults.set(format!("device lost ({reason:?}): {message}"));
        });
    }

    /// Keeps the first fault, of which the later ones are consequences.
    fn set(&self, message: String) {
        let mut fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fault.get_or_insert(message);
    }

    fn check(&self) -> Result<(), String> {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fault.clone().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workgroups_cover_every_nonce_and_offsets_fit() {
        for count in [1, 64, 65, 1 << 20, (1 << 22) + 1, 65_535 * 64 + 1, 1 << 28] {
            let per_invocation = per_invocation(count);
            let (x, y) = workgroups(count.div_ceil(per_invocation * WORKGROUP_SIZE));
            let reach = u64::from(x) * u64::from(y) * u64::from(WORKGROUP_SIZE * per_invocation);
            assert!(reach >= u64::from(count) && reach < 1 << 32);
            assert!(x <= MOST_WORKGROUPS && y <= MOST_WORKGROUPS);
        }
    }
}
