//! Optimizer state as named tensors, and the way back.
//!
//! Burn keys the state of an optimizer by parameter ids, which are drawn at
//! random in every process. Here it is named by the parameter's path instead:
//! `conv1.weight#momentum.moment_1`, the field behind the `#` being named as
//! the optimizer's state struct names it. Burn stores an optimizer's counters
//! as typed scalars; they become tensors without dimensions: a signed integer
//! `I64`, an unsigned one `U64`, a float `F64`, a boolean `BOOL`. One of them,
//! `#__rank`, is Burn's own note of the parameter's rank. Two runs that made
//! the same steps have the same tensors, whatever the ids.

use crate::state::deferred::Stored;
use crate::state::tensors::{ConvertError, NamedTensor, sort_by_path};
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::store::RecordError;
use burn::tensor::{Bytes, Tensor, TensorData};
use burn_pack::{Reader, Scalar, Writer};
use pow_core::tensor::DType;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Field under which Burn notes the rank of a parameter.
const RANK_FIELD: &str = "__rank";

/// The state of an optimizer as it was at one moment.
///
/// Taking one only counts up references; a later step then copies what it
/// would have changed in place.
#[derive(Clone)]
pub struct OptimizerSnapshot(ModuleOptimizer);

/// Why the state of an optimizer cannot be read, or not be given back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptimizerError {
    /// Burn could not write or read the record of an optimizer.
    #[error("optimizer state: {0}")]
    Record(#[from] RecordError),
    /// The record that Burn wrote could not be read.
    #[error("optimizer state: {0}")]
    Pack(#[from] burn_pack::Error),
    /// A tensor has an element type without a name, or does not fill its shape.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// An entry belongs to no parameter whose path the record knows.
    #[error("optimizer state {0} belongs to no known parameter")]
    Unowned(String),
    /// Two entries have one name.
    #[error("two entries of the optimizer state are called {0}")]
    DuplicatePath(String),
    /// An entry is about a parameter that the model does not have.
    #[error("optimizer state {0} is about a parameter that the model does not have")]
    Foreign(String),
    /// The model has a parameter to train that the state says nothing about.
    #[error("there is no optimizer state for parameter {0}")]
    Missing(String),
    /// The state is about a parameter of another rank.
    #[error("parameter {path} has rank {model}, its optimizer state is for rank {state}")]
    Rank {
        /// Path of the parameter.
        path: String,
        /// Rank in the model.
        model: usize,
        /// Rank in the state.
        state: u64,
    },
}

impl OptimizerSnapshot {
    /// Takes the state of `optimizer`, copying and reading nothing.
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

fn scalar_tensor(path: String, scalar: Scalar) -> NamedTensor {
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

/// The record from which Burn restores the state in `tensors` for `model`,
/// whose parameters may have other ids than when the state was taken.
///
/// Nothing at all is a state too, that of an optimizer before its first step
/// or of one that keeps none. Otherwise every parameter that requires gradients
/// must have state (the model being on a device with autodiff). That is stricter than Burn, which would start such a
/// parameter afresh without a word; so a model with a parameter that no step
/// reached must freeze it (`no_grad`) to be resumed.
///
/// Burn also passes over state that its optimizer cannot use, as when Adam's is
/// given to SGD. Compare an [`OptimizerSnapshot`] with `tensors` once the
/// record is loaded.
///
/// # Errors
///
/// [`OptimizerError`] if a tensor belongs to no parameter of the model, a
/// parameter has no state or state of another rank, or names or lengths
/// contradict each other.
pub fn to_record<M: Module>(
    tensors: &[NamedTensor],
    model: &M,
) -> Result<OptimizerRecord, OptimizerError> {
    let tensors: Vec<Stored> = tensors.iter().map(Stored::from).collect();
    stored_record(&tensors, model)
}

/// As [`to_record`], of tensors that are read one at a time.
pub(crate) fn stored_record<M: Module>(
    tensors: &[Stored],
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
    if !tensors.is_empty() {
        parameters.check(&ranks)?;
    }
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

/// The scalar that [`scalar_tensor`] made the tensor of, if it did.
fn scalar(tensor: &Stored) -> Result<Option<Scalar>, burn_pack::Error> {
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

/// The float parameters of a model, by path; only they have optimizer state.
#[derive(Default)]
struct Parameters(BTreeMap<String, Parameter>);

struct Parameter {
    id: ParamId,
    rank: usize,
    trained: bool,
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

    /// Whether `ranks`, which the state notes, fit the model.
    fn check(&self, ranks: &BTreeMap<&str, u64>) -> Result<(), OptimizerError> {
        for (path, parameter) in &self.0 {
            match ranks.get(path.as_str()) {
                Some(rank) if *rank == parameter.rank as u64 => {}
                None if !parameter.trained => {}
                None => return Err(OptimizerError::Missing(path.clone())),
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
            trained: param.val().is_require_grad(),
        };
        if self.found.0.insert(path.clone(), parameter).is_some() {
            self.duplicate.get_or_insert(path);
        }
    }
}
