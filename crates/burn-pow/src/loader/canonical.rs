//! The bytes of a dataset's items.

use burn::data::dataset::{Dataset, DatasetError};

/// An item of a dataset that has canonical bytes. The dataset's root is over them.
///
/// The bytes must depend on the item alone: no address, no padding, no machine
/// byte order, no map in random order. Two different items must have different
/// bytes, so write the length before anything of variable length.
///
/// ```
/// use burn_pow::loader::CanonicalBytes;
/// struct Digit {
///     pixels: Vec<u8>,
///     label: u32,
/// }
/// impl CanonicalBytes for Digit {
///     fn canonical_bytes(&self, out: &mut Vec<u8>) {
///         out.extend((self.pixels.len() as u32).to_le_bytes());
///         out.extend(&self.pixels);
///         out.extend(self.label.to_le_bytes());
///     }
/// }
/// ```
pub trait CanonicalBytes {
    /// Appends the item's bytes to `out`.
    fn canonical_bytes(&self, out: &mut Vec<u8>);
}

// Fixed width, little-endian. Floats are their bits.
macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl CanonicalBytes for $number {
            fn canonical_bytes(&self, out: &mut Vec<u8>) {
                out.extend(self.to_le_bytes());
            }
        })*
    };
}

numbers!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64);

impl CanonicalBytes for bool {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl<T: CanonicalBytes, const N: usize> CanonicalBytes for [T; N] {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|item| item.canonical_bytes(out));
    }
}

/// The number of items as a `u64`, then the items.
impl<T: CanonicalBytes> CanonicalBytes for [T] {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        (self.len() as u64).canonical_bytes(out);
        self.iter().for_each(|item| item.canonical_bytes(out));
    }
}

impl<T: CanonicalBytes> CanonicalBytes for Vec<T> {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        self.as_slice().canonical_bytes(out);
    }
}

/// The same as its UTF-8 bytes.
impl CanonicalBytes for str {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        self.as_bytes().canonical_bytes(out);
    }
}

impl CanonicalBytes for String {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        self.as_str().canonical_bytes(out);
    }
}

/// One byte 0, or one byte 1 followed by the item.
impl<T: CanonicalBytes> CanonicalBytes for Option<T> {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        self.iter().for_each(|item| item.canonical_bytes(out));
    }
}

impl<T: CanonicalBytes + ?Sized> CanonicalBytes for &T {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        T::canonical_bytes(self, out);
    }
}

impl<A: CanonicalBytes, B: CanonicalBytes> CanonicalBytes for (A, B) {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        self.0.canonical_bytes(out);
        self.1.canonical_bytes(out);
    }
}

impl<A: CanonicalBytes, B: CanonicalBytes, C: CanonicalBytes> CanonicalBytes for (A, B, C) {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        self.0.canonical_bytes(out);
        self.1.canonical_bytes(out);
        self.2.canonical_bytes(out);
    }
}

/// The number of items that are read to see whether a dataset is what it was.
const SPREAD: usize = 64;

/// The indices of some items, spread over a dataset of `len`.
pub(super) fn spread(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(len.div_ceil(SPREAD).max(1))
}

/// Reads some items, spread over the dataset, two times each. Returns the first one
/// that has other bytes the second time: the dataset draws at random, or changes.
pub(crate) fn unstable_item<I>(
    dataset: &dyn Dataset<I>,
    encode: impl Fn(&I, &mut Vec<u8>),
) -> Result<Option<usize>, DatasetError> {
    let read = |index: usize| -> Result<Vec<u8>, DatasetError> {
        let mut bytes = Vec::new();
        encode(&dataset.get(index)?, &mut bytes);
        Ok(bytes)
    };
    for index in spread(dataset.len()) {
        if read(index)? != read(index)? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(item: impl CanonicalBytes) -> Vec<u8> {
        let mut out = Vec::new();
        item.canonical_bytes(&mut out);
        out
    }

    #[test]
    fn lengths_stand_before_what_varies_in_length() {
        assert_ne!(bytes(("ab", "c")), bytes(("a", "bc")));
        assert_ne!(
            bytes((vec![1u8], vec![2u8, 3])),
            bytes((vec![1u8, 2], vec![3u8]))
        );
        assert_ne!(bytes((None::<u8>, 1u8)), bytes((Some(1u8), 1u8)));
        assert_eq!(bytes("a"), [1, 0, 0, 0, 0, 0, 0, 0, b'a']);
    }

    #[test]
    fn numbers_are_little_endian_and_floats_are_bits() {
        assert_eq!(bytes(0x0102u16), [2, 1]);
        assert_eq!(bytes(-2i32), [254, 255, 255, 255]);
        assert_ne!(bytes(0f32), bytes(-0f32));
        assert_eq!(bytes([[1u8, 2], [3, 4]]), [1, 2, 3, 4]);
        assert_eq!(bytes((true, 1.5f64, 7i8)).len(), 1 + 8 + 1);
    }
}
