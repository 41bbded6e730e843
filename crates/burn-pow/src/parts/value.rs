//! Values of the program's own that a checkpoint can hold.

use pow_core::tensor::DType;

/// A number, a truth value, a text, or a list of numbers, as a tensor of a checkpoint. A
/// single value has no dimensions. A list has one, and so has a text, of its UTF-8 bytes.
pub trait Value: sealed::Sealed + Sized {
    #[doc(hidden)]
    const DTYPE: DType;
    #[doc(hidden)]
    const IS_LIST: bool;
    #[doc(hidden)]
    fn to_bytes(&self) -> Vec<u8>;
    #[doc(hidden)]
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! number {
    ($($number:ty => $dtype:ident),* $(,)?) => {$(
        impl sealed::Sealed for $number {}

        impl Value for $number {
            const DTYPE: DType = DType::$dtype;
            const IS_LIST: bool = false;

            fn to_bytes(&self) -> Vec<u8> {
                self.to_le_bytes().to_vec()
            }

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(<$number>::from_le_bytes)
            }
        }

        impl sealed::Sealed for Vec<$number> {}

        impl Value for Vec<$number> {
            const DTYPE: DType = DType::$dtype;
            const IS_LIST: bool = true;

            fn to_bytes(&self) -> Vec<u8> {
                self.iter().flat_map(|number| number.to_le_bytes()).collect()
            }

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                let (numbers, rest) = bytes.as_chunks();
                let numbers = numbers.iter().map(|bytes| <$number>::from_le_bytes(*bytes));
                rest.is_empty().then(|| numbers.collect())
            }
        }
    )*};
}

number!(
    u8 => U8,
    u16 => U16,
    u32 => U32,
    u64 => U64,
    i8 => I8,
    i16 => I16,
    i32 => I32,
    i64 => I64,
    f32 => F32,
    f64 => F64,
);

impl sealed::Sealed for bool {}

impl Value for bool {
    const DTYPE: DType = DType::Bool;
    const IS_LIST: bool = false;

    fn to_bytes(&self) -> Vec<u8> {
        vec![u8::from(*self)]
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl sealed::Sealed for String {}

impl Value for String {
    const DTYPE: DType = DType::U8;
    const IS_LIST: bool = true;

    fn to_bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn returns<V: Value + PartialEq>(value: V) -> bool {
        V::from_bytes(&value.to_bytes()).as_ref() == Some(&value)
    }

    #[test]
    fn a_value_comes_back_as_it_was() {
        assert!(returns(7u64) && returns(-7i8) && returns(f64::MIN_POSITIVE));
        assert!(returns(true) && returns(false) && returns(String::from("höher")));
        assert!(returns(vec![1.5f32, -0.0]) && returns(Vec::<u16>::new()));
        let nan = f64::from_bits(0x7ff8_0000_0000_0001);
        let back = f64::from_bytes(&nan.to_bytes());
        assert_eq!(back.map(f64::to_bits), Some(nan.to_bits()));
    }

    #[test]
    fn bytes_of_another_form_are_refused() {
        assert_eq!(u64::from_bytes(&[0; 7]), None);
        assert_eq!(Vec::<u16>::from_bytes(&[0; 3]), None);
        assert_eq!(bool::from_bytes(&[2]), None);
        assert_eq!(String::from_bytes(&[0xff]), None);
    }
}
