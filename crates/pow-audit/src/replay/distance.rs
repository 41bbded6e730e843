//! How far two tensors are apart.

use pow_core::tensor::DType;

/// The squared Euclidean distance between two tensors of float elements: the sum
/// over all elements of the squared difference. Add it up over the tensors of two
/// models; the square root is the models' distance.
///
/// `a` and `b` are the raw little-endian bytes of the elements, as checkpoints and
/// tensor files hold them. The result is not a number if an element is none, or if
/// both are the same infinity. It is `None` if `dtype` is no float type, or if the
/// tensors are not equally long.
///
/// ```
/// use pow_audit::replay::squared_distance;
/// use pow_core::tensor::DType;
///
/// let bytes = |elements: [f32; 2]| elements.map(f32::to_le_bytes).concat();
/// let (a, b) = (bytes([1.0, 2.0]), bytes([4.0, 6.0]));
/// assert_eq!(squared_distance(DType::F32, &a, &b), Some(25.0));
/// assert_eq!(squared_distance(DType::I32, &a, &b), None);
/// ```
pub fn squared_distance(dtype: DType, a: &[u8], b: &[u8]) -> Option<f64> {
    let width = float_width(dtype)?;
    if a.len() != b.len() {
        return None;
    }
    let pairs = a.chunks_exact(width).zip(b.chunks_exact(width));
    pairs
        .map(|(a, b)| {
            let apart = float_value(dtype, a)? - float_value(dtype, b)?;
            Some(apart * apart)
        })
        .sum()
}

/// Bytes of an element. `None` if the type is no float.
pub(crate) fn float_width(dtype: DType) -> Option<usize> {
    match dtype {
        DType::F16 | DType::Bf16 => Some(2),
        DType::F32 => Some(4),
        DType::F64 => Some(8),
        _ => None,
    }
}

/// The value of an element. `None` if the type is no float.
pub(crate) fn float_value(dtype: DType, bytes: &[u8]) -> Option<f64> {
    Some(match dtype {
        DType::F64 => f64::from_le_bytes(bytes.try_into().ok()?),
        DType::F32 => f32::from_le_bytes(bytes.try_into().ok()?).into(),
        DType::F16 => half(u16::from_le_bytes(bytes.try_into().ok()?)),
        // The upper half of an f32.
        DType::Bf16 => {
            let bits = u16::from_le_bytes(bytes.try_into().ok()?);
            f32::from_bits(u32::from(bits) << 16).into()
        }
        _ => return None,
    })
}

/// The value of IEEE 754's binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    match exponent {
        0 => sign * fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_read_as_ieee_754_has_them() {
        let cases = [
            (0x0000, 0.0),
            (0x0001, 2f64.powi(-24)),
            (0x03ff, 1023.0 * 2f64.powi(-24)),
            (0x0400, 2f64.powi(-14)),
            (0x3c00, 1.0),
            (0x3c01, 1.0 + 2f64.powi(-10)),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (bits, expected) in cases {
            assert_eq!(half(bits), expected, "{bits:04x}");
        }
        assert!(half(0x7c01).is_nan());
        assert_eq!(float_value(DType::Bf16, &[0x80, 0x3f]), Some(1.0));
    }

    #[test]
    fn a_distance_is_between_tensors_of_equal_length() {
        let bytes = |elements: &[f64]| -> Vec<u8> {
            let bytes = elements.iter().map(|element| element.to_le_bytes());
            bytes.flatten().collect()
        };
        let apart = |a: &[f64], b: &[f64]| squared_distance(DType::F64, &bytes(a), &bytes(b));
        assert_eq!(apart(&[1.0, 2.0], &[4.0, 6.0]), Some(25.0));
        assert_eq!(apart(&[1.0], &[1.0, 2.0]), None);
    }
}
