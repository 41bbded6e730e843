//! Why tensors cannot be hashed on a device.

/// Why the layout of a tensor cannot be hashed in place. Its caller can make it
/// contiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// Elements have no length.
    #[error("an element has 0 bytes")]
    NoElement,
    /// The number of bytes overflows 64 bits.
    #[error("its length overflows 64 bits")]
    Overflow,
    /// There are too many dimensions that cannot be joined with a neighbour.
    #[error("{found} of its dimensions lie apart, and the most is {most}")]
    TooManyDims {
        /// Dimensions.
        found: usize,
        /// The most there may be.
        most: usize,
    },
    /// The first and the last element lie too far apart.
    #[error("its elements are spread over {found} units of {unit} bytes, and the most is {most}")]
    TooWide {
        /// Units from the first to the last.
        found: u64,
        /// Bytes in a unit.
        unit: u64,
        /// The most units there may be.
        most: u64,
    },
}

/// Why tensors could not be hashed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// A tensor does not lie inside its buffer.
    #[error("tensor {tensor} ends at byte {end}, and whole words of its buffer at byte {buffer}")]
    OutOfBuffer {
        /// The tensor's index.
        tensor: usize,
        /// Where it would end, in bytes.
        end: u64,
        /// The buffer's length in bytes, without an incomplete last word.
        buffer: u64,
    },
    /// A tensor's buffer cannot be read by kernels.
    #[error(
        "the buffer of tensor {tensor} needs the usages STORAGE and COPY_SRC, and has {found:?}"
    )]
    Usage {
        /// The tensor's index.
        tensor: usize,
        /// The usages that the buffer has.
        found: wgpu::BufferUsages,
    },
    /// A tensor's elements lie in a way that the kernels cannot follow.
    #[error("tensor {tensor}: {reason}")]
    Layout {
        /// The tensor's index.
        tensor: usize,
        /// Why not.
        reason: LayoutError,
    },
    /// There are too many tensors, or they are too large, for one call.
    #[error(
        "{found} roots are needed at once, and the device has room for {most}; hash fewer tensors"
    )]
    TooMany {
        /// Roots of tensors, and of parts of large ones.
        found: u64,
        /// The most there may be.
        most: u64,
    },
    /// The device allows less than the kernels need.
    #[error("the device's {limit} is {found}, and the kernels need {needed}")]
    Limits {
        /// The limit, as [`wgpu::Limits`] calls it.
        limit: &'static str,
        /// What the device allows.
        found: u64,
        /// What is needed.
        needed: u64,
    },
    /// The device has no memory left. Nothing was hashed.
    #[error("the device is out of memory: {0}")]
    OutOfMemory(String),
    /// The device is lost, hung, or refused the work.
    #[error("the device failed: {0}")]
    Device(String),
    /// The device hashed a known tensor to another root than the CPU.
    #[error("the device computes wrong hashes")]
    SelfTest,
}

impl From<wgpu::Error> for HashError {
    fn from(error: wgpu::Error) -> Self {
        match error {
            wgpu::Error::OutOfMemory { .. } => HashError::OutOfMemory(error.to_string()),
            _ => HashError::Device(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_memory_is_told_from_other_errors() {
        let memory = wgpu::Error::OutOfMemory {
            source: "none left".into(),
        };
        assert!(matches!(memory.into(), HashError::OutOfMemory(_)));
        let refused = wgpu::Error::Validation {
            source: "too long".into(),
            description: "too long".into(),
        };
        assert!(matches!(refused.into(), HashError::Device(_)));
    }
}
