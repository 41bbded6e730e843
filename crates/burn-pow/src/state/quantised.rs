//! Quantised parameters, as the plain tensors that safetensors and the format
//! know.
//!
//! A quantised parameter `w` stands as three: `w#bytes`, the bytes as Burn holds
//! them, packed values and scales; `w#dims`, the dimensions; `w#scheme`, Burn's
//! `QuantScheme` as JSON text, without which the bytes mean nothing.

use crate::state::deferred::Stored;
use crate::state::tensors::{ConvertError, NamedTensor, unnamed};
use burn::tensor::quantization::QuantScheme;
use burn::tensor::{Bytes, DType as BurnDType, TensorData};
use pow_core::tensor::DType;
use std::sync::Arc;

const BYTES: &str = "bytes";
const DIMS: &str = "dims";
const SCHEME: &str = "scheme";

/// The three tensors of a quantised parameter.
pub(crate) fn split(path: &str, data: TensorData) -> Result<[NamedTensor; 3], ConvertError> {
    let (bytes, shape, dtype) = data.into_parts();
    let BurnDType::QFloat(scheme) = dtype else {
        return Err(unnamed(path, dtype));
    };
    let scheme = serde_json::to_vec(&scheme).map_err(|_| unnamed(path, dtype))?;
    let sizes: Vec<u64> = shape.iter().map(|size| *size as u64).collect();
    let rank = sizes.len() as u64;
    let sizes = sizes.into_iter().flat_map(u64::to_le_bytes).collect();
    let tensor = |field: &str, dtype, dims, bytes| NamedTensor {
        path: format!("{path}#{field}"),
        dtype,
        dims: vec![dims],
        bytes: Arc::new(bytes),
    };
    let [bytes_len, scheme_len] = [bytes.len() as u64, scheme.len() as u64];
    Ok([
        tensor(BYTES, DType::U8, bytes_len, bytes),
        tensor(DIMS, DType::U64, rank, Bytes::from_bytes_vec(sizes)),
        tensor(SCHEME, DType::U8, scheme_len, Bytes::from_bytes_vec(scheme)),
    ])
}

/// Whether a tensor is what [`split`] made of a parameter's bytes.
pub(crate) fn is_bytes(path: &str) -> bool {
    path.rsplit_once('#')
        .is_some_and(|(_, field)| field == BYTES)
}

/// Why tensors are no parameters.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    #[error(transparent)]
    Convert(#[from] ConvertError),
    #[error(transparent)]
    Read(#[from] burn_pack::Error),
}

/// The parameters that a model's tensors stand for, as Burn packs them. Only what a
/// quantised one's form takes is read.
pub(crate) fn join(
    tensors: &[Stored],
    id: impl Fn(&str) -> Option<u64>,
) -> Result<Vec<burn_pack::Tensor>, JoinError> {
    let mut parameters = Vec::new();
    for tensor in tensors {
        let field = tensor.path.rsplit_once('#');
        match field {
            Some((path, BYTES)) => {
                let (dims, dtype) = form(path, tensors)?;
                parameters.push(tensor.packed_as(path.into(), id(path), dims, dtype)?);
            }
            // They belong to one with bytes.
            Some((_, DIMS | SCHEME)) => {}
            _ => parameters.push(tensor.packed(tensor.path.clone(), id(&tensor.path))?),
        }
    }
    Ok(parameters)
}

/// Dims and element type of a quantised parameter.
fn form(path: &str, tensors: &[Stored]) -> Result<(Vec<usize>, BurnDType), JoinError> {
    let field = |name: &str| {
        let wanted = format!("{path}#{name}");
        match tensors.iter().find(|tensor| tensor.path == wanted) {
            Some(found) => Ok(found.bytes()?),
            None => {
                let words = format_args!("quantised, without {wanted}");
                Err(JoinError::Convert(unnamed(path, words)))
            }
        }
    };
    let dims = field(DIMS)?;
    let (sizes, _) = dims.as_chunks::<8>();
    let dims: Result<Vec<usize>, _> = sizes
        .iter()
        .map(|size| usize::try_from(u64::from_le_bytes(*size)))
        .collect();
    let dims = dims.map_err(|_| unnamed(path, "quantised, too large"))?;
    let scheme: QuantScheme = serde_json::from_slice(&field(SCHEME)?)
        .map_err(|error| unnamed(path, format_args!("quantised, with a scheme: {error}")))?;
    Ok((dims, BurnDType::QFloat(scheme)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resume::point::Start;
    use crate::state::snapshot::Snapshot;
    use crate::state::tensors::parameter_root;
    use burn::module::{Module, Quantizer};
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;
    use burn::tensor::quantization::Calibration;
    use pow_ledger::StateFile;

    fn model() -> Linear {
        let device = Device::flex();
        let mut quantizer = Quantizer::new(Calibration::MinMax, QuantScheme::default());
        let linear = LinearConfig::new(4, 8).init(&device);
        linear.quantize_weights(&mut quantizer)
    }

    /// Gives a model tensors whose root is right, as a checkpoint's are that a
    /// forger has committed to.
    fn restored(tensors: Vec<NamedTensor>) -> Result<Linear, crate::error::PowError> {
        let start = Start {
            entry: None,
            state: StateFile {
                schema: String::new(),
                step: 0,
                scheduler_steps: 0,
                seed_position: 0,
                cursor: 0,
            },
            file: std::path::PathBuf::new(),
            parameters: parameter_root(&tensors).unwrap(),
            model: tensors.iter().map(Stored::from).collect(),
            optimizer: Vec::new(),
            optimizer_root: parameter_root(&[]).unwrap(),
            regenerate: false,
        };
        start.model(model())
    }

    #[test]
    fn a_form_that_is_not_the_models_own_is_an_error() {
        let honest = Snapshot::take(&model()).read().unwrap();
        assert!(restored(honest.clone()).is_ok());
        let changed = |path: &str, bytes: &[u8]| {
            let mut tensors = honest.clone();
            let tensor = tensors.iter_mut().find(|tensor| tensor.path == path);
            let tensor = tensor.unwrap();
            tensor.dims = vec![bytes.len() as u64 / tensor.dtype.size()];
            tensor.bytes = Arc::new(Bytes::from_bytes_vec(bytes.to_vec()));
            restored(tensors).err().unwrap().to_string()
        };
        let huge = [u64::MAX.to_le_bytes(), 8u64.to_le_bytes()].concat();
        let turned = [8u64.to_le_bytes(), 4u64.to_le_bytes()].concat();
        let cases: [(&str, &[u8]); 5] = [
            ("weight#bytes", &[]),
            ("weight#bytes", &[1; 7]),
            ("weight#dims", &huge),
            ("weight#dims", &turned),
            ("weight#scheme", b"{}"),
        ];
        for (path, bytes) in cases {
            let error = changed(path, bytes);
            assert!(
                error.contains("the form of a quantised parameter"),
                "{error}"
            );
        }
        let mut lacking = honest.clone();
        lacking.retain(|tensor| tensor.path != "weight#scheme");
        let error = restored(lacking).err().unwrap().to_string();
        assert!(error.contains("without weight#scheme"), "{error}");
    }
}
