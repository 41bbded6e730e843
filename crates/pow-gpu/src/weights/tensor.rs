//! Tensors in the device's memory, as the caller describes them.

/// A place in a buffer, in bytes from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteOffset(pub u64);

/// A length in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteLen(pub u64);

/// One dimension of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dim {
    /// Its length, in elements.
    pub len: u64,
    /// The distance of two neighbours, in elements. Zero if they are the same element,
    /// as in a tensor that was broadcast.
    pub stride: u64,
}

/// A tensor whose bytes lie in a buffer of the device.
///
/// The bytes are hashed as they are: little-endian elements, row-major. So no element
/// type is needed, and those without a name in the format can be hashed too.
///
/// The buffer needs the usages `STORAGE` and `COPY_SRC`, which Burn's buffers have. A
/// buffer is often longer than its tensor, so the tensor's own length counts.
#[derive(Clone, Debug)]
pub struct DeviceTensor<'a> {
    pub(super) buffer: &'a wgpu::Buffer,
    pub(super) offset: ByteOffset,
    pub(super) shape: Shape,
}

/// How the bytes of a tensor lie.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Contiguous(ByteLen),
    Strided { element: ByteLen, dims: Vec<Dim> },
}

impl<'a> DeviceTensor<'a> {
    /// A tensor whose bytes follow each other from `offset` on. Any offset and length is
    /// possible. An offset that is a multiple of 16 is hashed fastest, and one that is no
    /// multiple of 4 slowest.
    pub fn contiguous(buffer: &'a wgpu::Buffer, offset: ByteOffset, len: ByteLen) -> Self {
        DeviceTensor {
            buffer,
            offset,
            shape: Shape::Contiguous(len),
        }
    }

    /// A tensor whose elements lie apart, such as one that was transposed or sliced. Its
    /// first element is at `offset`. The dimensions are those of the tensor, outermost
    /// first; none for a scalar.
    ///
    /// If the elements follow each other all the same, it is hashed like a contiguous one.
    pub fn strided(
        buffer: &'a wgpu::Buffer,
        offset: ByteOffset,
        element: ByteLen,
        dims: &[Dim],
    ) -> Self {
        DeviceTensor {
            buffer,
            offset,
            shape: Shape::Strided {
                element,
                dims: dims.to_vec(),
            },
        }
    }
}
