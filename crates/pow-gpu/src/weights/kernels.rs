//! The kernels on a device, and the memory that they share.

use super::plan::Window;
use pow_kernels::WORKGROUP_SIZE_CONSTANT;
use pow_kernels::tree::{
    CHUNKS_ENTRY, GATHER_ENTRY, GATHER_WGSL, JOIN_ENTRY, JOIN_WGSL, LANES, MESSAGES_ENTRY,
    MESSAGES_WGSL, READ_BINDING, TREE_PARAMS_BINDING, WRITTEN_BINDING, chunks_wgsl,
};
use std::num::NonZeroU64;

/// The compiled kernels.
#[derive(Debug)]
pub struct Kernels {
    pub chunks: wgpu::ComputePipeline,
    pub messages: wgpu::ComputePipeline,
    pub join: wgpu::ComputePipeline,
    pub gather: wgpu::ComputePipeline,
}

impl Kernels {
    /// Compiles them. The device reports errors.
    pub fn compile(device: &wgpu::Device, sources: usize) -> Self {
        let sized = &[(WORKGROUP_SIZE_CONSTANT, f64::from(LANES))][..];
        let compile = |wgsl: &str, entry, constants| {
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(entry),
                source: wgpu::ShaderSource::Wgsl(wgsl.into()),
            });
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(entry),
                layout: None,
                module: &module,
                entry_point: Some(entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants,
                    ..Default::default()
                },
                cache: None,
            })
        };
        Kernels {
            chunks: compile(&chunks_wgsl(sources as u32), CHUNKS_ENTRY, sized),
            messages: compile(MESSAGES_WGSL, MESSAGES_ENTRY, sized),
            join: compile(JOIN_WGSL, JOIN_ENTRY, &[]),
            gather: compile(GATHER_WGSL, GATHER_ENTRY, sized),
        }
    }
}

/// A buffer that grows. What is in flight keeps the buffer that it uses.
#[derive(Debug)]
pub struct Scratch {
    usage: wgpu::BufferUsages,
    buffer: Option<wgpu::Buffer>,
}

impl Scratch {
    pub fn new(usage: wgpu::BufferUsages) -> Self {
        Scratch {
            usage: usage | wgpu::BufferUsages::COPY_DST,
            buffer: None,
        }
    }

    /// The buffer, with at least this many bytes. The device reports errors.
    pub fn at_least(&mut self, device: &wgpu::Device, len: u64) -> wgpu::Buffer {
        if let Some(buffer) = &self.buffer
            && buffer.size() >= len
        {
            return buffer.clone();
        }
        // First the old memory is given back.
        self.buffer = None;
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("weights"),
            size: len.max(16),
            usage: self.usage,
            mapped_at_creation: false,
        });
        self.buffer.insert(buffer).clone()
    }

    /// Forgets the buffer, which may be one that the device could not make.
    pub fn clear(&mut self) {
        self.buffer = None;
    }
}

/// A dispatch's parameters: a place in a buffer of them.
#[derive(Clone, Copy, Debug)]
pub struct ParamsAt<'a> {
    pub buffer: &'a wgpu::Buffer,
    pub offset: u64,
    pub len: u64,
}

/// What a kernel reads: a part of a buffer, or all of it.
#[derive(Clone, Copy, Debug)]
pub enum Read<'a> {
    All(&'a wgpu::Buffer),
    Part(&'a wgpu::Buffer, Window),
}

/// The bindings of a dispatch.
pub fn bind_group<'a>(
    device: &wgpu::Device,
    pipeline: &wgpu::ComputePipeline,
    params: ParamsAt<'_>,
    written: &wgpu::Buffer,
    read: impl IntoIterator<Item = Read<'a>>,
) -> wgpu::BindGroup {
    let part = |buffer, offset, len| {
        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer,
            offset,
            size: NonZeroU64::new(len),
        })
    };
    let mut entries = vec![
        wgpu::BindGroupEntry {
            binding: TREE_PARAMS_BINDING,
            resource: part(params.buffer, params.offset, params.len),
        },
        wgpu::BindGroupEntry {
            binding: WRITTEN_BINDING,
            resource: written.as_entire_binding(),
        },
    ];
    for (binding, read) in (READ_BINDING..).zip(read) {
        let resource = match read {
            Read::All(buffer) => buffer.as_entire_binding(),
            Read::Part(buffer, window) => part(buffer, window.offset, window.len),
        };
        entries.push(wgpu::BindGroupEntry { binding, resource });
    }
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("weights"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    })
}
