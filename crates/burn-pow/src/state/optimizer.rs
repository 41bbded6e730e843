//! Optimizer state as named tensors, and the way back into Burn.
//!
//! Burn keys the state of an optimizer by parameter ids, which every process draws
//! at random. Here the parameter's path names the state:
//! `conv1.weight#momentum.moment_1`. The part after the `#` is the field's name in
//! the optimizer's state struct. Burn stores an optimizer's counters as typed
//! scalars. They become tensors without dimensions: a signed integer `I64`, an
//! unsigned integer `U64`, a float `F64`, a boolean `BOOL`. One of them, `#__rank`,
//! is the parameter's rank, which Burn stores with the state. Two runs that took
//! the same steps have the same tensors, even if the ids differ.

use crate::state::deferred::DeferredTensor;
use crate::state::snapshot::SnapshotError;
use crate::state::tensors::{ConvertError, NamedTensor, sort_by_path};
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::store::RecordError;
use burn::tensor::{Bytes, Tensor, TensorData};
use burn_pack::{Reader, Scalar, Writer};
use pow_core::tensor::DType;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The field in which Burn stores the rank of a parameter.
const RANK_FIELD: &str = "__rank";

/// The state of an optimizer at one moment.
///
/// Taking a snapshot only counts up references. A later step copies each tensor
/// that it would otherwise change in place.
#[derive(Clone)]
pub struct OptimizerSnapshot(ModuleOptimizer);

/// Why the state of an optimizer cannot be read or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptimizerError {
    /// Burn could not write or read the record of an optimizer.
    #[error("optimizer state: {0}")]
    Record(#[from] RecordError),
    /// The record that Burn wrote could not be read.
    #[error("optimizer state: {0}")]
    Pack(#[from] burn_pack::Error),
    /// The format has no name for a tensor's element type, or the bytes do not fill
    /// the shape.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// An entry belongs to no parameter that the record has a path for.
    #[error("optimizer state {0} belongs to no known parameter")]
    Unowned(String),
    /// Two entries have the same name.
    #[error("two entries of the optimizer state are called {0}")]
    DuplicatePath(String),
    /// A tensor of the program's own could not be read.
    #[error(transparent)]
    Own(#[from] SnapshotError),
    /// An entry belongs to a parameter that the model does not have.
    #[error("optimizer state {0} belongs to a parameter that the model does not have")]
    Foreign(String),
    /// The state is for a parameter of another rank.
    #[error("parameter {path} has rank {model}, its optimizer state is for rank {state}")]
    Rank {
        /// The path of the parameter.
        path: String,
        /// The rank in the model.
        model: usize,
        /// The rank in the state.
        state: u64,
    },
}

impl OptimizerSnapshot {
    /// Takes the state of `optimizer`. This copies and reads nothing.
    pub fn take(optimizer: &ModuleOptimizer) -> Self {
        OptimizerSnapshot(optimizer.clone())
    }

    /// The state as tensors, sorted by path bytes.
    ///
    /// # Errors
    ///
    /// [`OptimizerError`] if Burn cannot write the record, a tensor is
    /// quantised or an entry cannot be named.
    pub fn read(self) -> Result<Vec<NamedTensor>, OptimizerError> {
        let reader = Reader::from_bytes(self.0.into_bytes()?)?;
        let paths = reader.metadata().clone();
        let rename = |name: &str| -> Result<String, OptimizerError> {
            let unowned = || OptimizerError::Unowned(name.into());
            let (id, field) = name.split_once('.').ok_or_else(unowned)?;
            let path = paths.get(id).ok_or_else(unowned)?;
            Ok(format!("{path}#{field}"))
        };
        let mut tensors = Vec::new();
        for (name, scalar) in reader.scalars() {
            tensors.push(scalar_tensor(rename(name)?, *scalar));
        }
        for tensor in reader.into_tensors()? {
            let (name, dtype, shape, _id, bytes) = tensor.into_parts()?;
            let data = TensorData::from_bytes(bytes, shape, dtype);
            tensors.push(NamedTensor::new(rename(&name)?, data)?);
        }
        sort_by_path(&mut tensors).map_err(OptimizerError::DuplicatePath)?;
        Ok(tensors)
    }
}

pub(crate) fn scalar_tensor(path: String, scalar: Scalar) -> NamedTensor {
    let (dtype, bytes) = match scalar {
        Scalar::Int(value) => (DType::I64, value.to_le_bytes().to_vec()),
        Scalar::UInt(value) => (DType::U64, value.to_le_bytes().to_vec()),
        Scalar::Float(value) => (DType::F64, value.to_le_bytes().to_vec()),
        Scalar::Bool(value) => (DType::Bool, vec![u8::from(value)]),
    };
    NamedTensor {
        path,
        dtype,
        dims: Vec::new(),
        bytes: Arc::new(Bytes::from_bytes_vec(bytes)),
    }
}

/// The record from which Burn restores the state in `tensors` for `model`. The
/// model's parameters may have other ids than when the state was taken.
///
/// A parameter without state is one that no step has reached: the optimizer starts it
/// afresh. No tensors at all are the state before the first step, or of an optimizer
/// that keeps none.
///
/// Burn ignores state that its optimizer cannot use, for instance Adam's state given
/// to SGD. To detect this, compare an [`OptimizerSnapshot`] with `tensors` after the
/// record is loaded.
///
/// # Errors
///
/// [`OptimizerError`] if a tensor belongs to no parameter of the model, a parameter
/// has state of another rank, or names or lengths contradict each other.
pub fn to_record<M: Module>(
    tensors: &[NamedTensor],
    model: &M,
) -> Result<OptimizerRecord, OptimizerError> {
    let tensors: Vec<DeferredTensor> = tensors.iter().map(DeferredTensor::from).collect();
    deferred_record(&tensors, model)
}

/// The same as [`to_record`], for tensors that are read one at a time.
pub(crate) fn deferred_record<M: Module>(
    tensors: &[DeferredTensor],
    model: &M,
) -> Result<OptimizerRecord, OptimizerError> {
    let parameters = Parameters::of(model)?;
    let mut ranks = BTreeMap::new();
    let mut names = BTreeSet::new();
    let mut packed = Vec::new();
    let mut scalars = Vec::new();
    for tensor in tensors {
        let foreign = || OptimizerError::Foreign(tensor.path.clone());
        let (path, field) = tensor.path.rsplit_once('#').ok_or_else(foreign)?;
        let id = parameters.0.get(path).ok_or_else(foreign)?.id;
        if !names.insert(tensor.path.as_str()) {
            return Err(OptimizerError::DuplicatePath(tensor.path.clone()));
        }
        let name = format!("{}.{field}", id.val());
        match scalar(tensor)? {
            Some(scalar) => {
                if let (RANK_FIELD, Scalar::UInt(rank)) = (field, scalar) {
                    ranks.insert(path, rank);
                }
                scalars.push((name, scalar));
            }
            None => {
                packed.push(tensor.packed(name, Some(id.val()))?);
            }
        }
    }
    parameters.check(&ranks)?;
    let mut writer = Writer::new(packed);
    for (name, scalar) in scalars {
        writer = writer.with_scalar(&name, scalar);
    }
    for (path, parameter) in &parameters.0 {
        if ranks.contains_key(path.as_str()) {
            writer = writer.with_metadata(&parameter.id.val().to_string(), path);
        }
    }
    Ok(OptimizerRecord::from_bytes(writer.into_bytes()?)?)
}

/// The scalar that [`scalar_tensor`] made this tensor from. `None` if the tensor is
/// not a scalar.
pub(crate) fn scalar(tensor: &DeferredTensor) -> Result<Option<Scalar>, burn_pack::Error> {
    if !tensor.dims.is_empty() {
        return Ok(None);
    }
    let bytes = tensor.bytes()?;
    let bits = <[u8; 8]>::try_from(&bytes[..]).ok();
    Ok(match tensor.dtype {
        DType::I64 => bits.map(|bits| Scalar::Int(i64::from_le_bytes(bits))),
        DType::U64 => bits.map(|bits| Scalar::UInt(u64::from_le_bytes(bits))),
        DType::F64 => bits.map(|bits| Scalar::Float(f64::from_le_bytes(bits))),
        DType::Bool => Some(Scalar::Bool(bytes[..] != [0u8])),
        _ => None,
    })
}

/// The float parameters of a model, by path. Only these have optimizer state.
#[derive(Default)]
struct Parameters(BTreeMap<String, Parameter>);

struct Parameter {
    id: ParamId,
    rank: usize,
}

impl Parameters {
    fn of<M: Module>(model: &M) -> Result<Self, OptimizerError> {
        let mut walk = Walk::default();
        model.visit(&mut walk);
        match walk.duplicate {
            Some(path) => Err(OptimizerError::DuplicatePath(path)),
            None => Ok(walk.found),
        }
    }

    /// Checks the ranks in the state against the model.
    fn check(&self, ranks: &BTreeMap<&str, u64>) -> Result<(), OptimizerError> {
        for (path, parameter) in &self.0 {
            match ranks.get(path.as_str()) {
                // No step has reached it.
                None => {}
                Some(rank) if *rank == parameter.rank as u64 => {}
                Some(rank) => {
                    return Err(OptimizerError::Rank {
                        path: path.clone(),
                        model: parameter.rank,
                        state: *rank,
                    });
                }
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Walk {
    path: Vec<String>,
    found: Parameters,
    duplicate: Option<String>,
}

impl ModuleVisitor for Walk {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let parameter = Parameter {
            id: param.id,
            rank: D,
        };
        if self.found.0.insert(path.clone(), parameter).is_some() {
            self.duplicate.get_or_insert(path);
        }
    }
}
