//! Where the bytes of a tensor lie, in the terms of the kernels.

use super::error::LayoutError;
use super::tensor::{ByteLen, ByteOffset, Dim, Shape};
use pow_kernels::tree::GATHER_DIMS;

/// The most units from the first element to the last. Together with a window they can
/// be counted in 32 bits.
const MOST_UNITS: u64 = (1 << 31) - 1;

/// Where the bytes of a tensor lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One after another.
    Contiguous {
        /// Where the first is.
        offset: u64,
        /// How many there are.
        len: u64,
    },
    /// Apart.
    Strided(Strided),
}

/// Units that lie apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strided {
    /// Where the first is, in bytes. A multiple of a unit.
    pub offset: u64,
    /// Two's logarithm of a unit's bytes.
    pub unit: u32,
    /// Length and distance of neighbours in each dimension, in units.
    pub dims: Vec<(u32, u32)>,
    /// Units from the first to the last.
    pub span: u64,
    /// Bytes of the tensor.
    pub len: u64,
}

impl Layout {
    pub fn new(offset: ByteOffset, shape: &Shape) -> Result<Self, LayoutError> {
        match shape {
            Shape::Contiguous(len) => Ok(Layout::Contiguous {
                offset: offset.0,
                len: len.0,
            }),
            Shape::Strided { element, dims } => strided(offset.0, *element, dims),
        }
    }

    /// Bytes of the tensor.
    pub fn len(&self) -> u64 {
        match self {
            Layout::Contiguous { len, .. } => *len,
            Layout::Strided(strided) => strided.len,
        }
    }

    /// The byte after its last one. `None` if that overflows.
    pub fn end(&self) -> Option<u64> {
        match self {
            Layout::Contiguous { offset, len } => offset.checked_add(*len),
            Layout::Strided(strided) => strided.offset.checked_add(strided.span << strided.unit),
        }
    }
}

impl Strided {
    /// The coordinates of a byte's unit.
    pub fn coordinates(&self, byte: u64) -> Vec<u32> {
        let mut rest = byte >> self.unit;
        let mut coordinates = vec![0; self.dims.len()];
        for (coordinate, (len, _)) in coordinates.iter_mut().zip(&self.dims).rev() {
            *coordinate = (rest % u64::from(*len)) as u32;
            rest /= u64::from(*len);
        }
        coordinates
    }
}

/// The largest unit, as two's logarithm of its bytes, that divides all of these.
pub fn common_unit(bytes: impl IntoIterator<Item = u64>) -> u32 {
    let bits = bytes.into_iter().fold(0, |bits, bytes| bits | bytes);
    bits.trailing_zeros().min(2)
}

fn strided(offset: u64, element: ByteLen, dims: &[Dim]) -> Result<Layout, LayoutError> {
    if element.0 == 0 {
        return Err(LayoutError::NoElement);
    }
    if dims.iter().any(|dim| dim.len == 0) {
        return Ok(Layout::Contiguous { offset, len: 0 });
    }
    let mut apart = Vec::new();
    let mut len = element.0;
    // A dimension of one element has no neighbours.
    for dim in dims.iter().filter(|dim| dim.len > 1) {
        len = len.checked_mul(dim.len).ok_or(LayoutError::Overflow)?;
        let stride = dim.stride.checked_mul(element.0);
        apart.push((dim.len, stride.ok_or(LayoutError::Overflow)?));
    }
    let strides = apart.iter().map(|(_, stride)| *stride);
    let unit = common_unit(strides.chain([offset, element.0]));
    for (_, stride) in &mut apart {
        *stride >>= unit;
    }
    apart.push((element.0 >> unit, 1));
    let apart = joined(apart);
    if let [(_, 1)] = apart[..] {
        return Ok(Layout::Contiguous { offset, len });
    }
    if apart.len() > GATHER_DIMS {
        return Err(LayoutError::TooManyDims {
            found: apart.len(),
            most: GATHER_DIMS,
        });
    }
    let span = span(&apart);
    let counted = |(len, stride): &(u64, u64)| {
        let len = u32::try_from(*len).ok().filter(|len| *len < 1 << 31)?;
        Some((len, u32::try_from(*stride).ok()?))
    };
    let dims: Option<Vec<(u32, u32)>> = apart.iter().map(counted).collect();
    match dims {
        Some(dims) if span <= MOST_UNITS => Ok(Layout::Strided(Strided {
            offset,
            unit,
            dims,
            span,
            len,
        })),
        _ => Err(LayoutError::TooWide {
            found: span.max(apart.iter().map(|(len, _)| *len).max().unwrap_or(0)),
            unit: 1 << unit,
            most: MOST_UNITS,
        }),
    }
}

/// Joins neighbouring dimensions that are one.
fn joined(dims: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (len, stride) in dims {
        match joined.last_mut() {
            Some(outer) if len.checked_mul(stride) == Some(outer.1) => {
                *outer = (outer.0 * len, stride);
            }
            // An element of one unit.
            Some(_) if len == 1 => {}
            _ => joined.push((len, stride)),
        }
    }
    joined
}

/// Units from the first to the last, at most `u64::MAX`.
fn span(dims: &[(u64, u64)]) -> u64 {
    dims.iter().fold(1u64, |span, (len, stride)| {
        span.saturating_add((len - 1).saturating_mul(*stride))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(offset: u64, element: u64, dims: &[(u64, u64)]) -> Result<Layout, LayoutError> {
        let dims: Vec<Dim> = dims
            .iter()
            .map(|(len, stride)| Dim {
                len: *len,
                stride: *stride,
            })
            .collect();
        strided(offset, ByteLen(element), &dims)
    }

    #[test]
    fn what_follows_each_other_is_contiguous() {
        for (element, dims, len) in [
            (4, &[(3, 4), (4, 1)][..], 48),
            (2, &[(3, 4), (1, 77), (4, 1)], 24),
            (8, &[], 8),
            (16, &[(5, 1)], 80),
            (1, &[(1, 0)], 1),
            (4, &[(3, 1), (0, 9)], 0),
        ] {
            let expected = Layout::Contiguous { offset: 12, len };
            assert_eq!(layout(12, element, dims), Ok(expected), "{dims:?}");
        }
    }

    #[test]
    fn units_divide_offset_strides_and_elements() {
        let transposed = |offset, element, unit, dims| {
            let Layout::Strided(found) = layout(offset, element, &[(3, 1), (5, 3)]).unwrap() else {
                panic!("not strided");
            };
            assert_eq!((found.unit, found.dims), (unit, dims));
            assert_eq!(found.len, 15 * element);
        };
        transposed(8, 4, 2, vec![(3, 1), (5, 3)]);
        transposed(6, 4, 1, vec![(3, 2), (5, 6), (2, 1)]);
        transposed(2, 2, 1, vec![(3, 1), (5, 3)]);
        transposed(7, 8, 0, vec![(3, 8), (5, 24), (8, 1)]);
        transposed(0, 8, 2, vec![(3, 2), (5, 6), (2, 1)]);
        transposed(0, 3, 0, vec![(3, 3), (5, 9), (3, 1)]);
    }

    #[test]
    fn what_the_kernels_cannot_follow_is_refused() {
        let error = |element, dims: &[(u64, u64)]| layout(0, element, dims).unwrap_err();
        assert_eq!(error(0, &[(2, 1)]), LayoutError::NoElement);
        assert_eq!(error(4, &[(u64::MAX, 1)]), LayoutError::Overflow);
        assert_eq!(error(4, &[(2, u64::MAX)]), LayoutError::Overflow);
        let apart: Vec<(u64, u64)> = (0..9).map(|i| (2, 3 << (2 * (8 - i)))).collect();
        let many = LayoutError::TooManyDims { found: 9, most: 8 };
        assert_eq!(error(4, &apart), many);
        for dims in [[(1 << 31, 2), (2, 7)], [(1 << 31, 0), (2, 7)]] {
            assert!(matches!(error(1, &dims), LayoutError::TooWide { .. }));
        }
    }

    #[test]
    fn coordinates_count_the_last_dimension_first() {
        let Ok(Layout::Strided(strided)) = layout(0, 4, &[(3, 1), (5, 3)]) else {
            panic!("not strided");
        };
        assert_eq!(strided.coordinates(0), [0, 0]);
        assert_eq!(strided.coordinates(4 * 4), [0, 4]);
        assert_eq!(strided.coordinates(4 * 13), [2, 3]);
    }
}
