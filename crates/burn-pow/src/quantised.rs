//! Quantised parameters, as the plain tensors that safetensors and the format
//! know.
//!
//! A quantised parameter `w` stands as three: `w#bytes`, the bytes as Burn holds
//! them, packed values and scales; `w#dims`, the dimensions; `w#scheme`, Burn's
//! `QuantScheme` as JSON text, without which the bytes mean nothing.

use crate::tensors::{ConvertError, NamedTensor, unnamed};
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

/// The parameters that a model's tensors stand for, with their paths.
pub(crate) fn join(tensors: &[NamedTensor]) -> Result<Vec<(String, TensorData)>, ConvertError> {
    let mut parameters = Vec::new();
    for tensor in tensors {
        let field = tensor.path.rsplit_once('#');
        match field {
            Some((path, BYTES)) => parameters.push((path.into(), whole(path, tensor, tensors)?)),
            // They belong to one with bytes.
            Some((_, DIMS | SCHEME)) => {}
            _ => parameters.push((tensor.path.clone(), tensor.to_data()?)),
        }
    }
    Ok(parameters)
}

fn whole(
    path: &str,
    bytes: &NamedTensor,
    tensors: &[NamedTensor],
) -> Result<TensorData, ConvertError> {
    let field = |name: &str| {
        let wanted = format!("{path}#{name}");
        let found = tensors.iter().find(|tensor| tensor.path == wanted);
        found.ok_or_else(|| unnamed(path, format_args!("quantised, without {wanted}")))
    };
    let (sizes, _) = field(DIMS)?.bytes.as_chunks::<8>();
    let dims: Result<Vec<usize>, _> = sizes
        .iter()
        .map(|size| usize::try_from(u64::from_le_bytes(*size)))
        .collect();
    let dims = dims.map_err(|_| unnamed(path, "quantised, too large"))?;
    let scheme: QuantScheme = serde_json::from_slice(&field(SCHEME)?.bytes)
        .map_err(|error| unnamed(path, format_args!("quantised, with a scheme: {error}")))?;
    let bytes = Bytes::clone(&bytes.bytes);
    Ok(TensorData::from_bytes(
        bytes,
        dims,
        BurnDType::QFloat(scheme),
    ))
}
