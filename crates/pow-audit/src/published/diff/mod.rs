//! How far two published models are apart.

use super::Workers;
use super::convert::Conversion;
use crate::replay::{float_value, float_width};
use pow_core::draft::AnyDType;
use pow_core::tensor::DType;
use pow_ledger::LedgerError;
use pow_ledger::published::{ModelFile, PublishedModel, PublishedTensor};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Elements that are compared at once.
const ELEMENTS: u64 = 1 << 16;

/// Bytes that are compared at once.
const PIECE: u64 = 1 << 18;

/// How two models differ.
#[derive(Clone, Debug)]
pub struct ModelDiff {
    /// Tensors that are equal: path, element type, dims and every bit.
    pub equal: u64,
    /// The other tensors, sorted by the bytes of their paths.
    pub tensors: Vec<TensorDiff>,
}

/// A tensor in which two models differ.
#[derive(Clone, Debug)]
pub struct TensorDiff {
    /// Its path.
    pub path: String,
    /// How it differs.
    pub difference: TensorDifference,
}

/// How a tensor differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TensorDifference {
    /// Only the first model has it.
    OnlyInA,
    /// Only the second model has it.
    OnlyInB,
    /// It has other dims, so no elements are compared. Those of the first and the second.
    Dims(Box<[u64]>, Box<[u64]>),
    /// It has other element types, and they are not both floats of version 1. Those of the
    /// first and the second.
    Types(AnyDType, AnyDType),
    /// It has other values, or the same values as floats of another type.
    Values(ValueDifference),
}

/// How far the values of two tensors of equal dims are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueDifference {
    /// Element types of the first and the second.
    pub dtypes: (AnyDType, AnyDType),
    /// Elements. Of types with less than a byte for an element: bytes.
    pub elements: u64,
    /// Elements whose bits differ. Floats of two types differ if their values do.
    pub differing: u64,
    /// Whether the second tensor is the first, with each element rounded to its type, or the
    /// first is the second, rounded. Always false if both have one type.
    pub converted: bool,
    /// Distances, if the elements are floats of version 1.
    pub distance: Option<Distance>,
}

/// The distance between two tensors of floats. Pairs that have no difference, such as those with
/// an element that is not a number, are counted and left out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Distance {
    /// The largest difference of two elements, without its sign.
    pub largest: f64,
    /// The Euclidean distance.
    pub euclidean: f64,
    /// The Euclidean length of the first tensor, over the same pairs.
    pub length: f64,
    /// Pairs that were left out: they differ, and their difference is not a finite number.
    pub not_finite: u64,
}

/// Compares two models, tensor by tensor. [`Workers::progress`] is told the bytes of the first
/// model's tensors.
///
/// # Errors
///
/// [`LedgerError`] if a file cannot be read, or was cut after it was opened.
pub fn diff(
    a: &PublishedModel,
    b: &PublishedModel,
    workers: &Workers<'_>,
) -> Result<ModelDiff, LedgerError> {
    let (mut sides, mut others) = (Vec::new(), by_path(b));
    let mut tensors = Vec::new();
    for (path, a) in by_path(a) {
        match others.remove(path) {
            Some(b) => sides.push((path, a, b)),
            None => tensors.push(only(path, TensorDifference::OnlyInA)),
        }
    }
    let in_b = others.into_keys();
    tensors.extend(in_b.map(|path| only(path, TensorDifference::OnlyInB)));

    let work = Work {
        pairs: &sides,
        next: AtomicUsize::new(0),
        failed: AtomicBool::new(false),
    };
    let mut found = Ok(Vec::new());
    thread::scope(|scope| {
        let threads: Vec<_> = (1..workers.threads.get())
            .map(|_| scope.spawn(|| work.compare(workers)))
            .collect();
        found = work.compare(workers);
        for thread in threads {
            match (thread.join(), &mut found) {
                (Ok(Ok(more)), Ok(found)) => found.extend(more),
                (Ok(Err(error)), Ok(_)) => found = Err(error),
                (Ok(_), Err(_)) => {}
                (Err(panic), _) => std::panic::resume_unwind(panic),
            }
        }
    });
    let found = found?;
    let equal = (sides.len() - found.len()) as u64;
    tensors.extend(found);
    tensors.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(ModelDiff { equal, tensors })
}

fn only(path: &str, difference: TensorDifference) -> TensorDiff {
    TensorDiff {
        path: path.to_owned(),
        difference,
    }
}

/// A tensor and the file that has it.
type Side<'a> = (&'a ModelFile, &'a PublishedTensor);

fn by_path(model: &PublishedModel) -> BTreeMap<&str, Side<'_>> {
    let tensors = model.tensors();
    tensors.map(|side| (side.1.info().path, side)).collect()
}

/// Tensors that both models have. The threads take one after the other.
struct Work<'a> {
    pairs: &'a [(&'a str, Side<'a>, Side<'a>)],
    next: AtomicUsize,
    /// Whether a thread met an error. The others then stop, too.
    failed: AtomicBool,
}

impl Work<'_> {
    fn compare(&self, workers: &Workers<'_>) -> Result<Vec<TensorDiff>, LedgerError> {
        let mut found = Vec::new();
        while !self.failed.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((path, a, b)) = self.pairs.get(at) else {
                break;
            };
            let difference = pair(*a, *b, workers).inspect_err(|_| {
                self.failed.store(true, Ordering::Relaxed);
            })?;
            found.extend(difference.map(|difference| only(path, difference)));
        }
        Ok(found)
    }
}

/// How two tensors of one path differ. `None` if they are equal.
fn pair(
    a: Side<'_>,
    b: Side<'_>,
    workers: &Workers<'_>,
) -> Result<Option<TensorDifference>, LedgerError> {
    let (info_a, info_b) = (a.1.info(), b.1.info());
    let skip = || (workers.progress)(a.1.byte_len());
    if info_a.dims != info_b.dims {
        skip();
        let dims = (info_a.dims.into(), info_b.dims.into());
        return Ok(Some(TensorDifference::Dims(dims.0, dims.1)));
    }
    let dtypes = (info_a.dtype, info_b.dtype);
    let floats = match dtypes {
        (AnyDType::V1(a), AnyDType::V1(b)) => floats(a, b),
        _ => None,
    };
    if dtypes.0 != dtypes.1 && floats.is_none() {
        skip();
        return Ok(Some(TensorDifference::Types(dtypes.0, dtypes.1)));
    }
    if dtypes.0 == dtypes.1 && is_equal(a, b)? {
        skip();
        return Ok(None);
    }
    let found = match floats {
        Some(floats) => compare_floats(a, b, floats, workers)?,
        None => compare_bits(a, b, workers)?,
    };
    Ok(Some(TensorDifference::Values(found)))
}

/// Whether two tensors of one type and one length have the same bytes. Most tensors of a
/// fine-tuned model do, and bytes are compared much faster than numbers.
fn is_equal(a: Side<'_>, b: Side<'_>) -> Result<bool, LedgerError> {
    let (mut piece_a, mut piece_b) = (Vec::new(), Vec::new());
    let (len, mut at) = (a.1.byte_len(), 0);
    while at < len {
        let count = (len - at).min(PIECE) as usize;
        piece_a.resize(count, 0);
        piece_b.resize(count, 0);
        a.0.read_at(a.1, at, &mut piece_a)?;
        b.0.read_at(b.1, at, &mut piece_b)?;
        if piece_a != piece_b {
            return Ok(false);
        }
        at += count as u64;
    }
    Ok(true)
}

/// The two types, if both are floats.
fn floats(a: DType, b: DType) -> Option<(DType, DType)> {
    float_width(a).and(float_width(b)).map(|_| (a, b))
}

/// Reads both tensors, as many elements of `widths` bytes at a time, and calls `see`.
fn read_both(
    (a, b): (Side<'_>, Side<'_>),
    widths: (u64, u64),
    workers: &Workers<'_>,
    mut see: impl FnMut(&[u8], &[u8]),
) -> Result<u64, LedgerError> {
    let elements = a.1.byte_len() / widths.0;
    let (mut piece_a, mut piece_b) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < elements {
        let count = (elements - at).min(ELEMENTS);
        piece_a.resize((count * widths.0) as usize, 0);
        piece_b.resize((count * widths.1) as usize, 0);
        a.0.read_at(a.1, at * widths.0, &mut piece_a)?;
        b.0.read_at(b.1, at * widths.1, &mut piece_b)?;
        see(&piece_a, &piece_b);
        (workers.progress)(piece_a.len() as u64);
        at += count;
    }
    Ok(elements)
}

/// Counts elements whose bits differ. Both tensors have one type.
fn compare_bits(
    a: Side<'_>,
    b: Side<'_>,
    workers: &Workers<'_>,
) -> Result<ValueDifference, LedgerError> {
    let dtype = a.1.info().dtype;
    // An element has 1, 2, 4, 6, 8, 16, 32 or 64 bits.
    let width = match dtype {
        AnyDType::V1(dtype) => dtype.size(),
        AnyDType::Draft(dtype) => (dtype.bits() / 8).max(1),
    };
    let mut differing = 0;
    let elements = read_both((a, b), (width, width), workers, |a, b| {
        if a != b {
            let width = width as usize;
            let pairs = a.chunks_exact(width).zip(b.chunks_exact(width));
            differing += pairs.filter(|(a, b)| a != b).count() as u64;
        }
    })?;
    Ok(ValueDifference {
        dtypes: (dtype, dtype),
        elements,
        differing,
        converted: false,
        distance: None,
    })
}

/// Compares tensors of floats, of one type or two.
fn compare_floats(
    a: Side<'_>,
    b: Side<'_>,
    (of_a, of_b): (DType, DType),
    workers: &Workers<'_>,
) -> Result<ValueDifference, LedgerError> {
    let widths = (of_a.size() as usize, of_b.size() as usize);
    let there = Conversion::new(of_a, of_b);
    let back = Conversion::new(of_b, of_a);
    let (mut is_there, mut is_back) = (there.is_some(), back.is_some());
    let mut converted = Vec::new();
    let mut is_converted = |conversion: Option<Conversion>, from: &[u8], to: &[u8]| {
        converted.clear();
        if let Some(conversion) = conversion {
            conversion.convert(from, &mut converted);
        }
        converted == to
    };
    let mut differing = 0;
    let (mut distance, mut squares, mut length) = (Distance::default(), 0.0, 0.0);
    let sizes = (of_a.size(), of_b.size());
    let elements = read_both((a, b), sizes, workers, |piece_a, piece_b| {
        is_there = is_there && is_converted(there, piece_a, piece_b);
        is_back = is_back && is_converted(back, piece_b, piece_a);
        let pairs = piece_a
            .chunks_exact(widths.0)
            .zip(piece_b.chunks_exact(widths.1));
        for (a, b) in pairs {
            let (Some(x), Some(y)) = (float_value(of_a, a), float_value(of_b, b)) else {
                continue;
            };
            let is_same = if of_a == of_b {
                a == b
            } else {
                x == y || x.is_nan() && y.is_nan()
            };
            differing += u64::from(!is_same);
            let apart = (x - y).abs();
            if apart.is_finite() {
                distance.largest = distance.largest.max(apart);
                squares += apart * apart;
                length += x * x;
            } else if !is_same {
                distance.not_finite += 1;
            }
        }
    })?;
    distance.euclidean = squares.sqrt();
    distance.length = length.sqrt();
    Ok(ValueDifference {
        dtypes: (AnyDType::V1(of_a), AnyDType::V1(of_b)),
        elements,
        differing,
        converted: is_there || is_back,
        distance: Some(distance),
    })
}

#[cfg(test)]
mod tests;
