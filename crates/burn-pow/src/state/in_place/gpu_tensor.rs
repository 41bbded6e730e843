//! A tensor that Burn's wgpu backend holds.

use crate::state::tensors::verbatim;
#[cfg(feature = "fusion")]
use burn::backend::BackendTypes;
use burn::backend::Wgpu;
#[cfg(feature = "fusion")]
use burn::backend::wgpu::CubeBackend;
use burn::backend::wgpu::{AutoCompiler, CubeTensor, WgpuResource};
use burn::cubecl::server::ServerError;
use burn::cubecl::wgpu::WgpuServer;
use burn::tensor::{Int, Tensor};
use pow_core::tensor::{DType, TensorInfo};
use pow_gpu::weights::{ByteLen, ByteOffset, DeviceTensor, Dim};

/// A tensor in the memory of a GPU. It only counts up a reference.
pub(crate) struct GpuTensor {
    dtype: DType,
    dims: Vec<u64>,
    held: Held,
}

#[cfg(not(feature = "fusion"))]
type Held = CubeTensor;

/// A tensor that Burn's fusion may have yet to compute.
#[cfg(feature = "fusion")]
enum Held {
    Float(<Wgpu as BackendTypes>::FloatTensorPrimitive),
    Int(<Wgpu as BackendTypes>::IntTensorPrimitive),
}

impl GpuTensor {
    /// A tensor of the wgpu backend. `None` if it is another's, or has a form that the
    /// kernels do not follow.
    pub(crate) fn float<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        let dtype = verbatim(tensor.dtype())?;
        let held = tensor.clone().try_into_primitive::<Wgpu>().ok()?;
        #[cfg(feature = "fusion")]
        let held = Held::Float(held);
        #[cfg(not(feature = "fusion"))]
        let held = plain(&held)?;
        Some(GpuTensor::new(dtype, &tensor.dims(), held))
    }

    /// The same as [`float`](Self::float), for integers.
    pub(crate) fn int<const D: usize>(tensor: &Tensor<D, Int>) -> Option<Self> {
        let dtype = verbatim(tensor.dtype())?;
        let held = tensor.clone().try_into_primitive::<Wgpu>().ok()?;
        #[cfg(feature = "fusion")]
        let held = Held::Int(held);
        #[cfg(not(feature = "fusion"))]
        let held = plain(&held)?;
        Some(GpuTensor::new(dtype, &tensor.dims(), held))
    }

    fn new(dtype: DType, dims: &[usize], held: Held) -> Self {
        GpuTensor {
            dtype,
            dims: dims.iter().map(|dim| *dim as u64).collect(),
            held,
        }
    }

    /// Its form, under this path.
    pub(crate) fn info<'a>(&'a self, path: &'a str) -> TensorInfo<'a> {
        TensorInfo {
            path,
            dtype: self.dtype,
            dims: &self.dims,
        }
    }

    /// Where its bytes are. Everything that writes them is submitted to the device's queue.
    pub(super) fn locate(&self) -> Result<Option<Located>, ServerError> {
        let tensor = self.resolved();
        if tensor.meta.is_tiled() || tensor.qparams.is_some() {
            return Ok(None);
        }
        let dims = tensor.meta.shape().iter().zip(tensor.meta.strides().iter());
        let dims = dims.map(|(len, stride)| Dim {
            len: *len as u64,
            stride: *stride as u64,
        });
        let (dims, element) = (dims.collect(), ByteLen(self.dtype.size()));
        let pinned = tensor
            .client
            .get_resource::<WgpuServer<AutoCompiler>>(tensor.handle)?;
        Ok(Some(Located {
            resource: pinned.resource().clone(),
            element,
            dims,
            _pinned: Box::new(pinned),
        }))
    }

    #[cfg(not(feature = "fusion"))]
    fn resolved(&self) -> CubeTensor {
        self.held.clone()
    }

    /// The tensor, after what fusion has queued for it.
    #[cfg(feature = "fusion")]
    fn resolved(&self) -> CubeTensor {
        match &self.held {
            Held::Float(tensor) => {
                let client = tensor.client.clone();
                client.resolve_tensor_float::<CubeBackend>(tensor.clone())
            }
            Held::Int(tensor) => {
                let client = tensor.client.clone();
                client.resolve_tensor_int::<CubeBackend>(tensor.clone())
            }
        }
    }
}

/// The tensor, if Burn was built without fusion. With it, the backend's tensors have
/// another type, which only the feature `fusion` can name.
#[cfg(not(feature = "fusion"))]
fn plain(tensor: &dyn std::any::Any) -> Option<CubeTensor> {
    tensor.downcast_ref::<CubeTensor>().cloned()
}

/// Where the bytes of a tensor are. They stay there as long as this lives.
pub(super) struct Located {
    resource: WgpuResource,
    element: ByteLen,
    dims: Vec<Dim>,
    /// Keeps the memory where it is. Burn does not export the type's name.
    _pinned: Box<dyn std::any::Any>,
}

impl Located {
    pub(super) fn tensor(&self) -> DeviceTensor<'_> {
        let WgpuResource { buffer, offset, .. } = &self.resource;
        DeviceTensor::strided(buffer, ByteOffset(*offset), self.element, &self.dims)
    }
}
