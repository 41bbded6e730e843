//! The search kernel, on a wgpu device.

mod slot;

use crate::faults::{Faults, poll, scoped};
use crate::kernel::{Candidates, DEPTH, Fault, Kernel};
use pow_kernels::{LOOP_WGSL, SEARCH_ENTRY, SearchParams, TRACED_WGSL, WORKGROUP_SIZE_CONSTANT};
use slot::{CAPACITY, Slot, Submitted, WORKGROUP_SIZE};
use std::collections::VecDeque;
use std::time::Duration;

/// The two shaders. They give the same results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShaderForm {
    /// Short. It compiles at once.
    Loop,
    /// Straight-line code. It is faster, and may take long to compile.
    Traced,
}

impl ShaderForm {
    fn wgsl(self) -> &'static str {
        match self {
            ShaderForm::Loop => LOOP_WGSL,
            ShaderForm::Traced => TRACED_WGSL,
        }
    }
}

/// A device with one form of the kernel, and the dispatches in flight on it.
#[derive(Debug)]
pub struct Device {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::ComputePipeline,
    free: Vec<Slot>,
    in_flight: VecDeque<Submitted>,
    faults: Faults,
}

impl Device {
    /// Opens the adapter and compiles the kernel.
    pub fn open(adapter: &wgpu::Adapter, form: ShaderForm) -> Result<Self, Fault> {
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("nonce search"),
            required_limits: wgpu::Limits::downlevel_defaults(),
            ..Default::default()
        };
        let request = adapter.request_device(&descriptor);
        let (device, queue) = pollster::block_on(request).map_err(Fault::new)?;
        let faults = Faults::watch(&device);
        Self::compile(device, queue, faults, form)
    }

    /// Compiles the kernel for a device that others use too. This does not
    /// change its error handlers.
    pub fn shared(
        device: wgpu::Device,
        queue: wgpu::Queue,
        form: ShaderForm,
    ) -> Result<Self, Fault> {
        Self::compile(device, queue, Faults::default(), form)
    }

    fn compile(
        device: wgpu::Device,
        queue: wgpu::Queue,
        faults: Faults,
        form: ShaderForm,
    ) -> Result<Self, Fault> {
        let (pipeline, free) = scoped(&device, || {
            let pipeline = pipeline(&device, form);
            let slots = (0..DEPTH).map(|_| Slot::new(&device, &pipeline)).collect();
            (pipeline, slots)
        })?;
        faults.check()?;
        Ok(Device {
            device,
            queue,
            pipeline,
            free,
            in_flight: VecDeque::new(),
            faults,
        })
    }

    /// The wgpu device.
    pub fn wgpu(&self) -> &wgpu::Device {
        &self.device
    }

    /// Returns the first error that the device reported, if there is one. It
    /// explains more than errors that follow from it.
    fn explained<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        self.faults.check()?;
        result
    }
}

impl Kernel for Device {
    fn capacity(&self) -> u32 {
        CAPACITY
    }

    fn submit(&mut self, params: &SearchParams) -> Result<(), Fault> {
        self.faults.check()?;
        let slot = (self.free.pop()).ok_or_else(|| Fault::new("all slots are in flight"))?;
        let submitted = scoped(&self.device, || {
            slot.submit(&self.device, &self.queue, &self.pipeline, params)
        });
        self.in_flight.push_back(self.explained(submitted)?);
        Ok(())
    }

    fn wait(&mut self, timeout: Duration) -> Result<Option<Candidates>, Fault> {
        let Some(oldest) = self.in_flight.front() else {
            return Ok(None);
        };
        let done = poll(
            &self.device,
            wgpu::PollType::Wait {
                submission_index: Some(oldest.submission()),
                timeout: Some(timeout),
            },
        );
        if !self.explained(done)? {
            return Ok(None);
        }
        let Some(oldest) = self.in_flight.pop_front() else {
            return Ok(None);
        };
        let collected = scoped(&self.device, || oldest.collect()).flatten();
        let (slot, candidates) = self.explained(collected)?;
        self.free.push(slot);
        Ok(Some(candidates))
    }
}

fn pipeline(device: &wgpu::Device, form: ShaderForm) -> wgpu::ComputePipeline {
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("nonce search"),
        source: wgpu::ShaderSource::Wgsl(form.wgsl().into()),
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
