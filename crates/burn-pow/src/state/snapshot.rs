//! A snapshot of a model's parameters: taken on the training thread, read on another
//! thread.

use crate::state::in_place::{GpuTensor, InPlace};
use crate::state::quantised;
use crate::state::tensors::{ConvertError, NamedTensor, insert_leaves, sort_by_path, verbatim};
use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::module::{Module, ModuleVisitor, Param, ParamId, Parameter};
use burn::tensor::kind::{Basic, Transaction as Readable};
use burn::tensor::{Bool, DType, ExecutionError, Float, Int, Tensor, TensorData, Transaction};
use pow_core::tensor::{TensorError, TensorSet, leaf_of_root};

/// All parameters of a model at one moment.
///
/// Taking a snapshot only counts up references, so training can continue at once.
/// The next step that changes a tensor in place then copies it.
///
/// A snapshot contains what `burn-store` would write to a safetensors file, under
/// the same paths: float, integer and boolean parameters in the form they are saved
/// in, and running statistics such as BatchNorm's. Plain `Tensor` fields are not
/// parameters and are left out. Safetensors has no type for a quantised parameter
/// `w`, so it becomes three tensors: `w#bytes` (U8, as Burn holds them), `w#dims`
/// (U64) and `w#scheme` (U8, Burn's `QuantScheme` as JSON).
///
/// BatchNorm keeps the statistics of the newest forward pass aside until its model
/// is switched to inference or runs forward again. A snapshot has the statistics
/// before that pass.
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::Device;
/// use burn_pow::snapshot::Snapshot;
/// let model = LinearConfig::new(3, 2).init(&Device::flex());
/// let snapshot = Snapshot::take(&model);
/// let tensors = std::thread::spawn(|| snapshot.read()).join();
/// # let tensors = tensors.map_err(|_| "panicked")??;
/// assert_eq!(tensors[0].path, "bias");
/// assert_eq!(tensors[1].dims, [3, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Snapshot {
    /// Tensors whose bytes are already on the host, in the form that is hashed.
    host: Vec<NamedTensor>,
    /// All other tensors.
    device: Vec<OnDevice>,
    /// Quantised tensors, which a transaction does not accept.
    quantised: Vec<(String, Reading)>,
}

/// A tensor that must be read, or hashed where it lies.
struct OnDevice {
    path: String,
    /// Adds it to the tensors that are read in one transaction.
    register: Box<dyn Fn(Transaction) -> Transaction + Send>,
    /// Present until it is hashed, if the GPU can do that.
    gpu: Option<GpuTensor>,
}

/// Reads one tensor.
type Reading = Box<dyn FnOnce() -> Result<TensorData, ExecutionError> + Send>;

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The backend could not read the tensors.
    #[error("cannot read the parameters from the device: {0}")]
    Read(ExecutionError),
    /// The format has no name for a tensor's element type.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// Two parameters have the same path. This is possible only in a hand-written
    /// `Module`.
    #[error("two parameters are called {0}")]
    DuplicatePath(String),
}

impl Snapshot {
    /// Takes the parameters of `model`. This copies and reads nothing.
    pub fn take<M: Module>(model: &M) -> Self {
        let mut taken = Snapshot::default();
        taken.add("", model);
        taken
    }

    /// Takes only the parameters that an optimizer changes: no frozen parameters and
    /// no running statistics.
    pub(crate) fn of_trained<M: Module>(model: &M) -> Self {
        let mut taken = Snapshot::default();
        taken.add_trained("", model);
        taken
    }

    /// Adds the parameters of `module`. Their paths begin with `prefix`.
    pub(crate) fn add<M: Module>(&mut self, prefix: &str, module: &M) {
        Walk::over(module, self, prefix, false);
    }

    /// The same as [`add`](Self::add), for the parameters that an optimizer changes.
    pub(crate) fn add_trained<M: Module>(&mut self, prefix: &str, module: &M) {
        Walk::over(module, self, prefix, true);
    }

    /// Adds a tensor. It is always read, never hashed on a GPU.
    pub(crate) fn add_tensor<const D: usize, K: Basic + Readable + 'static>(
        &mut self,
        path: String,
        tensor: Tensor<D, K>,
    ) {
        self.add_on_device(path, tensor, None);
    }

    /// The tensors, sorted by path bytes.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`] if the backend fails, an element type has no name, or two
    /// parameters have the same path.
    pub fn read(self) -> Result<Vec<NamedTensor>, SnapshotError> {
        Ok(self.read_counted()?.0)
    }

    /// The same as [`read`](Self::read), and how many bytes were copied to the host.
    pub(crate) fn read_counted(mut self) -> Result<(Vec<NamedTensor>, u64), SnapshotError> {
        let copied = self.copy_to_host(|_| true)?;
        sort_by_path(&mut self.host).map_err(SnapshotError::DuplicatePath)?;
        Ok((self.host, copied))
    }

    /// Whether the GPU can hash any of its tensors.
    pub(crate) fn is_on_gpu(&self) -> bool {
        self.device.iter().any(|tensor| tensor.gpu.is_some())
    }

    /// The leaves of its tensors, and how many bytes were copied to the host. What the GPU
    /// can hash is hashed there. The rest is read.
    pub(crate) fn leaves(
        &mut self,
        in_place: &mut InPlace,
    ) -> Result<(TensorSet, u64), SnapshotError> {
        let mut tensors = Vec::new();
        let mut places = Vec::new();
        for (at, tensor) in self.device.iter_mut().enumerate() {
            if let Some(gpu) = tensor.gpu.take() {
                tensors.push(gpu);
                places.push(at);
            }
        }
        let roots = match tensors.is_empty() {
            true => Vec::new(),
            false => in_place.roots(&tensors),
        };
        let mut leaves = TensorSet::new();
        let mut is_hashed = vec![false; self.device.len()];
        let mut copied = 0;
        for ((tensor, at), root) in tensors.iter().zip(places).zip(roots) {
            let Some(root) = root else { continue };
            let path = &self.device[at].path;
            let leaf = leaf_of_root(&tensor.info(path), root).map_err(tensor_error)?;
            leaves.insert_leaf(path, leaf).map_err(tensor_error)?;
            is_hashed[at] = true;
            copied += size_of_val(&root) as u64;
        }
        copied += self.copy_to_host(|at| !is_hashed[at])?;
        insert_leaves(&mut leaves, &self.host).map_err(tensor_error)?;
        Ok((leaves, copied))
    }

    /// Reads quantised tensors, and those on a device whose index is `wanted`. Returns how
    /// many bytes were copied.
    fn copy_to_host(&mut self, wanted: impl Fn(usize) -> bool) -> Result<u64, SnapshotError> {
        let known = self.host.len();
        for (path, read) in self.quantised.drain(..) {
            let data = read().map_err(SnapshotError::Read)?;
            self.host.extend(quantised::split(&path, data)?);
        }
        // The tensors must live until they were read. Burn first makes strided ones
        // contiguous, and without another reference the training may change them in place
        // before that is done.
        let mut read = Vec::new();
        let mut transaction = Transaction::default();
        for (at, tensor) in std::mem::take(&mut self.device).into_iter().enumerate() {
            if wanted(at) {
                transaction = (tensor.register)(transaction);
                read.push(tensor);
            } else {
                self.device.push(tensor);
            }
        }
        let data = transaction.try_execute().map_err(SnapshotError::Read)?;
        for (tensor, data) in read.into_iter().zip(data) {
            self.host.push(NamedTensor::new(tensor.path, data)?);
        }
        let copied = self.host[known..].iter();
        Ok(copied.map(|tensor| tensor.bytes.len() as u64).sum())
    }

    fn keep<const D: usize, K: Basic + Readable + 'static>(
        &mut self,
        path: String,
        tensor: Tensor<D, K>,
        flex: Option<FlexTensor>,
        gpu: Option<GpuTensor>,
    ) {
        if let Some(shared) = flex.and_then(|flex| share(&path, &flex)) {
            self.host.push(shared);
        } else {
            self.add_on_device(path, tensor, gpu);
        }
    }

    fn add_on_device<const D: usize, K: Basic + Readable + 'static>(
        &mut self,
        path: String,
        tensor: Tensor<D, K>,
        gpu: Option<GpuTensor>,
    ) {
        self.device.push(OnDevice {
            path,
            register: Box::new(move |transaction| transaction.register(tensor.clone())),
            gpu,
        });
    }
}

fn tensor_error(error: TensorError) -> SnapshotError {
    match error {
        TensorError::DuplicatePath(path) => SnapshotError::DuplicatePath(path),
        other => ConvertError::Length(other).into(),
    }
}

/// A CPU tensor without a copy, if its buffer holds exactly its elements in order.
fn share(path: &str, tensor: &FlexTensor) -> Option<NamedTensor> {
    let layout = tensor.layout();
    let dtype = verbatim(tensor.dtype())?;
    let dims: Vec<u64> = layout.shape().iter().map(|dim| *dim as u64).collect();
    let bytes = tensor.data_arc();
    let whole = layout.is_contiguous()
        && layout.start_offset() == 0
        && layout.num_elements() as u64 * dtype.size() == bytes.len() as u64;
    whole.then(|| NamedTensor {
        path: path.into(),
        dtype,
        dims,
        bytes,
    })
}

struct Walk<'a> {
    taken: &'a mut Snapshot,
    prefix: &'a str,
    path: Vec<String>,
    /// Only parameters that require gradients.
    only_trained: bool,
}

impl<'a> Walk<'a> {
    fn over<M: Module>(module: &M, taken: &'a mut Snapshot, prefix: &'a str, only_trained: bool) {
        module.visit(&mut Walk {
            taken,
            prefix,
            path: Vec::new(),
            only_trained,
        });
    }

    /// The name of the tensor at this path in the module.
    fn name(&self, path: &[String]) -> String {
        format!("{}{}", self.prefix, path.join("."))
    }
}

/// Takes a tensor. Only a float tensor can be quantised.
macro_rules! keep {
    (Float, $walk:expr, $path:expr, $tensor:expr) => {{
        let (path, tensor) = ($path, $tensor);
        if matches!(tensor.dtype(), DType::QFloat(_)) {
            let read = Box::new(move || {
                let data = tensor.clone().try_into_data()?;
                // Burn copies them when somebody looks, and until then the tensor must live.
                let _ = data.as_bytes();
                Ok(data)
            });
            $walk.taken.quantised.push((path, read));
        } else {
            let flex = tensor.clone().try_into_primitive::<Flex>().ok();
            let gpu = GpuTensor::float(&tensor);
            $walk.taken.keep(path, tensor, flex, gpu);
        }
    }};
    (Int, $walk:expr, $path:expr, $tensor:expr) => {{
        let tensor = $tensor;
        let flex = tensor.clone().try_into_primitive::<Flex>().ok();
        let gpu = GpuTensor::int(&tensor);
        $walk.taken.keep($path, tensor, flex, gpu);
    }};
    // Booleans have another form on a GPU than in the format.
    (Bool, $walk:expr, $path:expr, $tensor:expr) => {{
        let tensor = $tensor;
        let flex = tensor.clone().try_into_primitive::<Flex>().ok();
        $walk.taken.keep($path, tensor, flex, None);
    }};
}

macro_rules! visit_kind {
    ($kind:ident, $visit:ident, $visit_with_path:ident) => {
        fn $visit<const D: usize>(&mut self, param: &Param<Tensor<D, $kind>>) {
            if self.only_trained && !param.val().is_require_grad() {
                return;
            }
            // Some parameters are saved in another shape than the model uses.
            let tensor = param.transform_for_save().val().without_autodiff();
            keep!($kind, self, self.name(&self.path), tensor);
        }

        fn $visit_with_path<const D: usize>(
            &mut self,
            path: &[String],
            _id: ParamId,
            tensor: &Tensor<D, $kind>,
        ) {
            let tensor = tensor.clone().without_autodiff();
            keep!($kind, self, self.name(path), tensor);
        }
    };
}

impl ModuleVisitor for Walk<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    visit_kind!(Float, visit_float, visit_float_with_path);
    visit_kind!(Int, visit_int, visit_int_with_path);
    visit_kind!(Bool, visit_bool, visit_bool_with_path);
}
