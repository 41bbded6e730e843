//! Quantised parameters as plain tensors. Neither safetensors nor the format has an
//! element type for them.
//!
//! A quantised parameter `w` becomes three tensors. `w#bytes` holds the bytes as
//! Burn has them, packed values and scales. `w#dims` holds the dimensions.
//! `w#scheme` holds Burn's `QuantScheme` as JSON text, without which the bytes have
//! no meaning.

use crate::state::deferred::DeferredTensor;
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

/// Whether a path is the one that [`split`] gives to a parameter's bytes.
pub(crate) fn is_bytes(path: &str) -> bool {
    path.rsplit_once('#')
        .is_some_and(|(_, field)| field == BYTES)
}

/// Why tensors cannot be joined to parameters.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    #[error(transparent)]
    Convert(#[from] ConvertError),
    #[error(transparent)]
    Read(#[from] burn_pack::Error),
}

/// The parameters that a model's tensors stand for, as Burn packs them. This reads
/// only the dimensions and schemes of quantised parameters.
pub(crate) fn join(
    tensors: &[DeferredTensor],
    id: impl Fn(&str) -> Option<u64>,
) -> Result<Vec<burn_pack::Tensor>, JoinError> {
    let mut parameters = Vec::new();
    for tensor in tensors {
        // A field of the model may be called `r#type`.
        let is_parameter = id(&tensor.path).is_some();
        let field = tensor.path.rsplit_once('#').filter(|_| !is_parameter);
        match field {
            Some((path, BYTES)) => {
                let (dims, dtype) = form(path, tensors)?;
                parameters.push(tensor.packed_as(path.into(), id(path), dims, dtype)?);
            }
            // They were read with the bytes.
            Some((_, DIMS | SCHEME)) => {}
            _ => parameters.push(tensor.packed(tensor.path.clone(), id(&tensor.path))?),
        }
    }
    Ok(parameters)
}

/// The dimensions and the element type of a quantised parameter.
fn form(path: &str, tensors: &[DeferredTensor]) -> Result<(Vec<usize>, BurnDType), JoinError> {
    let field = |name: &str| {
        let wanted = format!("{path}#{name}");
        match tensors.iter().find(|tensor| tensor.path == wanted) {
            Some(found) => Ok(found.bytes()?),
            None => {
                let dtype = format_args!("quantised, without {wanted}");
                Err(JoinError::Convert(unnamed(path, dtype)))
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
