//! How work is cut into pieces.

use super::error::HashError;
use super::tensor::ByteLen;
use pow_kernels::tree::{CHUNK_LEN, DIGEST_LEN, JOIN_INPUTS, LANES};

/// A number of chunks. A whole chunk has 4096 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkCount(pub u32);

/// How work is cut into pieces, and how much of the device's memory it takes. The roots
/// do not depend on it. A value that the device does not allow becomes the nearest one
/// that it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PieceLimits {
    /// The most bytes of a buffer that one kernel sees. The device's own limit is often
    /// lower.
    pub window: ByteLen,
    /// The most chunks that are copied together before they are hashed. Their memory is
    /// kept for the next call.
    pub staging: ChunkCount,
    /// The most chunks between two submissions. Each takes 32 bytes of memory, which is
    /// kept for the next call.
    pub pass: ChunkCount,
    /// Fewer chunks than this in a window are copied together with others, because a GPU
    /// hashes thousands of chunks in the time of one.
    pub direct: ChunkCount,
}

impl Default for PieceLimits {
    /// Windows of 2 GiB, 64 MiB for copies, 4 GiB between two submissions with 32 MiB for
    /// digests. Windows with less than 8 MiB of tensors are copied.
    fn default() -> Self {
        PieceLimits {
            window: ByteLen(MOST_WINDOW),
            staging: ChunkCount(1 << 14),
            pass: ChunkCount(1 << 20),
            direct: ChunkCount(1 << 11),
        }
    }
}

/// Kernels count in 32 bits, and a strided tensor may begin before its window.
const MOST_WINDOW: u64 = 1 << 31;

/// Chunks in a copy: 256 MiB. The sum of a coordinate and a unit's index fits 32 bits.
const MOST_STAGING: u64 = 1 << 16;

/// Sources of one dispatch. More of them let more tensors be hashed at the same time.
const MOST_SOURCES: u32 = 8;

/// The limits on a device.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// What the beginning of a window is a multiple of.
    pub align: u64,
    /// Length of a window, a multiple of `align`. It has room for a chunk at any offset.
    pub window: u64,
    /// Chunks in the copy.
    pub staging: u64,
    /// Chunks between two submissions.
    pub pass: u64,
    /// The fewest chunks of a window that are hashed where they lie.
    pub direct: u64,
    /// How many windows a dispatch sees.
    pub sources: usize,
    /// The most digests.
    pub digests: u64,
}

impl Cut {
    pub fn new(limits: PieceLimits, device: &wgpu::Limits) -> Result<Self, HashError> {
        // A window begins at a unit of 16 bytes.
        let align = u64::from(device.min_storage_buffer_offset_alignment).max(16);
        let least = (align + u64::from(CHUNK_LEN)).next_multiple_of(align);
        let binding = device
            .max_storage_buffer_binding_size
            .min(device.max_buffer_size);
        check("max_storage_buffer_binding_size", binding, 4 * least)?;
        let lanes = u64::from(device.max_compute_invocations_per_workgroup)
            .min(device.max_compute_workgroup_size_x.into());
        check("max_compute_invocations_per_workgroup", lanes, LANES.into())?;
        let shared = device.max_compute_workgroup_storage_size.into();
        let needed = u64::from(JOIN_INPUTS * DIGEST_LEN);
        check("max_compute_workgroup_storage_size", shared, needed)?;
        let buffers = device.max_storage_buffers_per_shader_stage;
        check("max_storage_buffers_per_shader_stage", buffers.into(), 3)?;

        let most = binding.min(MOST_WINDOW);
        let window = limits.window.0.clamp(least, most);
        let digests = binding / u64::from(DIGEST_LEN);
        Ok(Cut {
            align,
            window: window - window % align,
            staging: u64::from(limits.staging.0)
                .clamp(1, MOST_STAGING.min(most / u64::from(CHUNK_LEN))),
            // The other half is for roots.
            pass: u64::from(limits.pass.0).clamp(1, digests.min(1 << 30) / 2),
            direct: limits.direct.0.into(),
            sources: (buffers - 2).min(MOST_SOURCES) as usize,
            digests: digests.min(1 << 31),
        })
    }
}

fn check(limit: &'static str, found: u64, needed: u64) -> Result<(), HashError> {
    if found >= needed {
        return Ok(());
    }
    Err(HashError::Limits {
        limit,
        found,
        needed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_fits_the_device() {
        for device in [
            wgpu::Limits::downlevel_defaults(),
            wgpu::Limits::default(),
            wgpu::Limits {
                min_storage_buffer_offset_alignment: 32,
                max_storage_buffer_binding_size: u64::MAX,
                max_buffer_size: 1 << 40,
                ..wgpu::Limits::default()
            },
        ] {
            let least = PieceLimits {
                window: ByteLen(0),
                staging: ChunkCount(0),
                pass: ChunkCount(0),
                direct: ChunkCount(0),
            };
            let most = PieceLimits {
                window: ByteLen(u64::MAX),
                staging: ChunkCount(u32::MAX),
                pass: ChunkCount(u32::MAX),
                direct: ChunkCount(u32::MAX),
            };
            for limits in [least, PieceLimits::default(), most] {
                let cut = Cut::new(limits, &device).unwrap();
                assert!(cut.window.is_multiple_of(cut.align));
                assert!(cut.window >= cut.align + u64::from(CHUNK_LEN));
                assert!(cut.window <= device.max_storage_buffer_binding_size.min(1 << 31));
                assert!(cut.staging >= 1 && cut.pass >= 1 && cut.sources >= 2);
                assert!(
                    cut.staging * u64::from(CHUNK_LEN) <= device.max_storage_buffer_binding_size
                );
                assert!(cut.digests * 32 <= device.max_storage_buffer_binding_size);
                assert!(cut.pass < cut.digests);
            }
        }
    }

    #[test]
    fn a_device_that_allows_too_little_is_named() {
        let device = wgpu::Limits {
            max_storage_buffers_per_shader_stage: 2,
            ..wgpu::Limits::default()
        };
        let error = Cut::new(PieceLimits::default(), &device).unwrap_err();
        let words =
            "the device's max_storage_buffers_per_shader_stage is 2, and the kernels need 3";
        assert_eq!(error.to_string(), words);
    }
}
