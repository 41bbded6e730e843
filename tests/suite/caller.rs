//! A device as a caller of `pow-gpu` has it, and the errors that reach its handler.

use crate::engines::gpu_adapter;
use pow_gpu::wgpu;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Caller {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    errors: Arc<AtomicUsize>,
}

impl Caller {
    pub fn new() -> Self {
        Self::with(wgpu::Limits::default())
    }

    /// A device that allows no more than these limits.
    pub fn with(limits: wgpu::Limits) -> Self {
        let allowed = gpu_adapter().devices().unwrap();
        let descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        let instance = wgpu::Instance::new(descriptor);
        let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
        let adapter = adapters
            .into_iter()
            .find(|adapter| adapter.get_info().name == allowed[0].name)
            .unwrap();
        let descriptor = wgpu::DeviceDescriptor {
            required_limits: limits,
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
        let errors = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&errors);
        device.on_uncaptured_error(Arc::new(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        }));
        Caller {
            device,
            queue,
            errors,
        }
    }

    /// How many errors reached the caller's handler.
    pub fn errors(&self) -> usize {
        self.errors.load(Ordering::Relaxed)
    }

    /// An error of the caller reaches its handler.
    pub fn fail(&self) {
        let _ = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 16,
            // These two exclude one another.
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::MAP_WRITE,
            mapped_at_creation: false,
        });
    }
}
