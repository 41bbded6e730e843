//! Element types that safetensors names.

use crate::tensor::DType;

/// An element type that safetensors names and version 1 does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are safetensors' own")]
#[non_exhaustive]
pub enum DraftDType {
    F4,
    F6E2m3,
    F6E3m2,
    F8E5m2,
    F8E4m3,
    F8E8m0,
    F8E4m3Fnuz,
    F8E5m2Fnuz,
    C64,
}

impl DraftDType {
    /// Every type.
    pub const ALL: [DraftDType; 9] = [
        DraftDType::F4,
        DraftDType::F6E2m3,
        DraftDType::F6E3m2,
        DraftDType::F8E5m2,
        DraftDType::F8E4m3,
        DraftDType::F8E8m0,
        DraftDType::F8E4m3Fnuz,
        DraftDType::F8E5m2Fnuz,
        DraftDType::C64,
    ];

    /// safetensors' name of the type.
    pub const fn name(self) -> &'static str {
        match self {
            DraftDType::F4 => "F4",
            DraftDType::F6E2m3 => "F6_E2M3",
            DraftDType::F6E3m2 => "F6_E3M2",
            DraftDType::F8E5m2 => "F8_E5M2",
            DraftDType::F8E4m3 => "F8_E4M3",
            DraftDType::F8E8m0 => "F8_E8M0",
            DraftDType::F8E4m3Fnuz => "F8_E4M3FNUZ",
            DraftDType::F8E5m2Fnuz => "F8_E5M2FNUZ",
            DraftDType::C64 => "C64",
        }
    }

    /// Size of one element, in bits. Some elements have less than a byte.
    pub const fn bits(self) -> u64 {
        match self {
            DraftDType::F4 => 4,
            DraftDType::F6E2m3 | DraftDType::F6E3m2 => 6,
            DraftDType::F8E5m2
            | DraftDType::F8E4m3
            | DraftDType::F8E8m0
            | DraftDType::F8E4m3Fnuz
            | DraftDType::F8E5m2Fnuz => 8,
            DraftDType::C64 => 64,
        }
    }
}

/// An element type of version 1 or of the draft: any that safetensors names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnyDType {
    /// A type to whose tensors the blocks of version 1 can commit.
    V1(DType),
    /// A type of the draft only.
    Draft(DraftDType),
}

impl AnyDType {
    /// safetensors' name of the type.
    pub const fn name(self) -> &'static str {
        match self {
            AnyDType::V1(dtype) => dtype.name(),
            AnyDType::Draft(dtype) => dtype.name(),
        }
    }

    /// The type with this name in safetensors.
    ///
    /// ```
    /// use pow_core::draft::{AnyDType, DraftDType};
    /// use pow_core::tensor::DType;
    /// assert_eq!(AnyDType::from_name("BF16"), Some(AnyDType::V1(DType::Bf16)));
    /// assert_eq!(AnyDType::from_name("F8_E4M3"), Some(AnyDType::Draft(DraftDType::F8E4m3)));
    /// assert_eq!(AnyDType::from_name("F8"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<AnyDType> {
        if let Some(dtype) = DType::from_name(name) {
            return Some(AnyDType::V1(dtype));
        }
        let mut draft = DraftDType::ALL.into_iter();
        let found = draft.find(|dtype| dtype.name() == name);
        found.map(AnyDType::Draft)
    }

    /// The number of bytes that a shape needs. `None` if its bytes, or for a type of
    /// the draft its bits, overflow `u64`, also on the way to a dim of 0, or if the
    /// last byte would not be full.
    ///
    /// ```
    /// use pow_core::draft::{AnyDType, DraftDType};
    /// let f4 = AnyDType::Draft(DraftDType::F4);
    /// assert_eq!(f4.byte_len(&[3, 2]), Some(3));
    /// assert_eq!(f4.byte_len(&[3]), None);
    /// ```
    pub fn byte_len(self, dims: &[u64]) -> Option<u64> {
        let product = |size: u64| dims.iter().try_fold(size, |len, dim| len.checked_mul(*dim));
        match self {
            AnyDType::V1(dtype) => product(dtype.size()),
            AnyDType::Draft(dtype) => {
                let bits = product(dtype.bits())?;
                bits.is_multiple_of(8).then_some(bits / 8)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_one_type_and_every_type_has_one() {
        for dtype in DType::ALL {
            assert_eq!(AnyDType::from_name(dtype.name()), Some(AnyDType::V1(dtype)));
        }
        for dtype in DraftDType::ALL {
            assert_eq!(DType::from_name(dtype.name()), None);
            assert_eq!(
                AnyDType::from_name(dtype.name()),
                Some(AnyDType::Draft(dtype))
            );
        }
    }

    #[test]
    fn elements_of_less_than_a_byte_fill_whole_bytes_or_have_no_length() {
        let len = |dtype, dims: &[u64]| AnyDType::Draft(dtype).byte_len(dims);
        assert_eq!(len(DraftDType::F6E2m3, &[4]), Some(3));
        assert_eq!(len(DraftDType::F6E2m3, &[2]), None);
        assert_eq!(len(DraftDType::F6E3m2, &[]), None);
        assert_eq!(len(DraftDType::F8E8m0, &[]), Some(1));
        assert_eq!(len(DraftDType::C64, &[3]), Some(24));
        assert_eq!(len(DraftDType::F4, &[0]), Some(0));
        assert_eq!(len(DraftDType::C64, &[1 << 58]), None);
        assert_eq!(len(DraftDType::C64, &[1 << 58, 0]), None);
        let v1 = AnyDType::V1(DType::F32);
        assert_eq!(v1.byte_len(&[1 << 61]), Some(1 << 63));
        assert_eq!(v1.byte_len(&[1 << 62]), None);
    }
}
