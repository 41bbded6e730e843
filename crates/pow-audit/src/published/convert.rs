//! Floats of one type as floats of another, as training programs save them: rounded to
//! the nearest, ties to even. Whatever goes to or comes from 64 bits goes through 32 bits, as
//! in PyTorch.

use half::{bf16, f16};
use pow_core::tensor::DType;

/// A conversion between two float types.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conversion {
    from: DType,
    to: DType,
}

impl Conversion {
    /// `None` if one of the types is no float, or if they are the same.
    pub(super) fn new(from: DType, to: DType) -> Option<Self> {
        let is_float = |dtype| matches!(dtype, DType::F16 | DType::Bf16 | DType::F32 | DType::F64);
        (from != to && is_float(from) && is_float(to)).then_some(Conversion { from, to })
    }

    /// Converts the elements of `bytes`, and appends them to `out`.
    pub(super) fn convert(self, bytes: &[u8], out: &mut Vec<u8>) {
        match self.from {
            DType::F16 => self.write(bytes, out, |b| f16::from_le_bytes(b).to_f32()),
            DType::Bf16 => self.write(bytes, out, |b| bf16::from_le_bytes(b).to_f32()),
            DType::F64 => self.write(bytes, out, |b| f64::from_le_bytes(b) as f32),
            _ => self.write(bytes, out, f32::from_le_bytes),
        }
    }

    fn write<const N: usize>(self, bytes: &[u8], out: &mut Vec<u8>, read: impl Fn([u8; N]) -> f32) {
        let (elements, _) = bytes.as_chunks::<N>();
        let values = elements.iter().map(|element| read(*element));
        match self.to {
            DType::F16 => out.extend(values.flat_map(|v| f16::from_f32(v).to_le_bytes())),
            DType::Bf16 => out.extend(values.flat_map(|v| bf16::from_f32(v).to_le_bytes())),
            DType::F64 => out.extend(values.flat_map(|v| f64::from(v).to_le_bytes())),
            _ => out.extend(values.flat_map(f32::to_le_bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(from: DType, to: DType, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Conversion::new(from, to).unwrap().convert(bytes, &mut out);
        out
    }

    /// Values of IEEE 754 and of bfloat16, worked out by hand.
    #[test]
    fn halves_are_rounded_to_the_nearest_even() {
        let f32_to = |to, value: f32| {
            let out = converted(DType::F32, to, &value.to_le_bytes());
            u16::from_le_bytes(out.try_into().unwrap())
        };
        let bf16 = |value| f32_to(DType::Bf16, value);
        assert_eq!(bf16(1.0), 0x3f80);
        // Half of the last place of 1 is 2^-8: ties go to the even one.
        assert_eq!(bf16(1.0 + 2f32.powi(-8)), 0x3f80);
        assert_eq!(bf16(1.0 + 3.0 * 2f32.powi(-8)), 0x3f82);
        assert_eq!(bf16(1.0 + 2f32.powi(-8) + 2f32.powi(-20)), 0x3f81);
        assert_eq!(bf16(f32::MAX), 0x7f80);
        let f16 = |value| f32_to(DType::F16, value);
        assert_eq!(f16(-2.0), 0xc000);
        assert_eq!(f16(1.0 + 2f32.powi(-11)), 0x3c00);
        assert_eq!(f16(1.0 + 3.0 * 2f32.powi(-11)), 0x3c02);
        assert_eq!(f16(65520.0), 0x7c00);
        assert_eq!(f16(2f32.powi(-24)), 0x0001);
        assert_eq!(f16(2f32.powi(-25)), 0x0000);
    }

    #[test]
    fn wider_types_hold_the_same_values() {
        let narrow = [0x00, 0xc0, 0x01, 0x00];
        let wide = converted(DType::F16, DType::F64, &narrow);
        let expected = [-2f64, 2f64.powi(-24)].map(f64::to_le_bytes);
        assert_eq!(wide, expected.as_flattened());
        assert_eq!(converted(DType::F64, DType::F16, &wide), narrow);
        let single = converted(DType::F16, DType::F32, &narrow);
        assert_eq!(converted(DType::F32, DType::F16, &single), narrow);
        assert!(Conversion::new(DType::F32, DType::F32).is_none());
        assert!(Conversion::new(DType::I32, DType::F32).is_none());
        assert!(Conversion::new(DType::F32, DType::Bool).is_none());
    }
}
