use super::*;
use pow_core::hash::PlainSha2;
use pow_core::tensor::TensorInfo;
use pow_ledger::{Tensor, write_tensors};
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicU64;
use tempfile::TempDir;

type Made<'a> = (&'a str, DType, &'a [u64], Vec<u8>);

fn f32s(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn model(tensors: &[Made<'_>]) -> (TempDir, PublishedModel) {
    let dir = TempDir::new().unwrap();
    let tensors: Vec<Tensor<'_>> = tensors
        .iter()
        .map(|(path, dtype, dims, data)| Tensor {
            info: TensorInfo {
                path,
                dtype: *dtype,
                dims,
            },
            data,
        })
        .collect();
    write_tensors(&dir.path().join("model.safetensors"), &tensors).unwrap();
    let model = PublishedModel::open(dir.path()).unwrap();
    (dir, model)
}

fn compared(a: &[Made<'_>], b: &[Made<'_>]) -> ModelDiff {
    let ((_dir_a, a), (_dir_b, b)) = (model(a), model(b));
    let read = AtomicU64::new(0);
    let of = |threads| {
        let workers = Workers {
            hasher: &PlainSha2,
            threads: NonZeroUsize::new(threads).unwrap(),
            progress: &|bytes| {
                read.fetch_add(bytes, Ordering::Relaxed);
            },
        };
        diff(&a, &b, &workers).unwrap()
    };
    let (one, three) = (of(1), of(3));
    assert_eq!(format!("{one:?}"), format!("{three:?}"));
    one
}

/// How the one tensor `w` of each model differs.
fn w(a: (DType, &[u64], Vec<u8>), b: (DType, &[u64], Vec<u8>)) -> Option<TensorDifference> {
    let mut found = compared(&[("w", a.0, a.1, a.2)], &[("w", b.0, b.1, b.2)]);
    assert_eq!(found.equal + found.tensors.len() as u64, 1);
    found.tensors.pop().map(|tensor| tensor.difference)
}

fn values(difference: Option<TensorDifference>) -> ValueDifference {
    match difference {
        Some(TensorDifference::Values(values)) => values,
        other => panic!("{other:?}"),
    }
}

#[test]
fn equal_models_have_no_difference() {
    let tensors = [
        ("a", DType::F32, &[2][..], f32s(&[f32::NAN, -0.0])),
        ("b", DType::I64, &[0], vec![]),
    ];
    let found = compared(&tensors, &tensors);
    assert_eq!((found.equal, found.tensors.len()), (2, 0));
}

#[test]
fn a_tensor_of_one_model_only_is_named_with_its_side() {
    let tensor = |path| (path, DType::U8, &[1][..], vec![1]);
    let found = compared(&[tensor("a"), tensor("b")], &[tensor("b"), tensor("c")]);
    assert_eq!(found.equal, 1);
    let names: Vec<&str> = found.tensors.iter().map(|t| &t.path[..]).collect();
    assert_eq!(names, ["a", "c"]);
    assert!(matches!(
        found.tensors[0].difference,
        TensorDifference::OnlyInA
    ));
    assert!(matches!(
        found.tensors[1].difference,
        TensorDifference::OnlyInB
    ));
}

#[test]
fn floats_have_distances() {
    let found = values(w(
        (DType::F32, &[4], f32s(&[1.0, 2.0, 0.0, 5.0])),
        (DType::F32, &[4], f32s(&[4.0, 6.0, -0.0, 5.0])),
    ));
    // 0 and −0 are other bits and the same number.
    assert_eq!((found.elements, found.differing), (4, 3));
    let distance = found.distance.unwrap();
    assert_eq!((distance.largest, distance.euclidean), (4.0, 5.0));
    assert_eq!(distance.length, 30f64.sqrt());
    assert_eq!(distance.not_finite, 0);
    let found = values(w(
        (DType::F32, &[3], f32s(&[1.0, f32::NAN, f32::INFINITY])),
        (DType::F32, &[3], f32s(&[f32::NAN, f32::NAN, 1.0])),
    ));
    assert_eq!(found.differing, 2);
    assert_eq!(found.distance.unwrap().not_finite, 2);
}

#[test]
fn other_types_have_a_count() {
    let ints = |values: [i64; 3]| values.map(i64::to_le_bytes).as_flattened().to_vec();
    let found = values(w(
        (DType::I64, &[3], ints([1, 2, 3])),
        (DType::I64, &[3], ints([1, -2, 3])),
    ));
    assert_eq!((found.elements, found.differing), (3, 1));
    assert_eq!(found.distance, None);
}

#[test]
fn dims_and_types_that_cannot_be_compared_are_named() {
    let data = || f32s(&[1.0, 2.0]);
    let dims = w((DType::F32, &[2], data()), (DType::F32, &[2, 1], data()));
    let Some(TensorDifference::Dims(a, b)) = dims else {
        panic!("{dims:?}");
    };
    assert_eq!((&*a, &*b), (&[2][..], &[2, 1][..]));
    let types = w((DType::F32, &[2], data()), (DType::I32, &[2], data()));
    assert!(
        matches!(types, Some(TensorDifference::Types(..))),
        "{types:?}"
    );
}

#[test]
fn a_rounded_tensor_is_recognised_from_either_side() {
    let exact = [1.0, 1.0 + 2f32.powi(-9), 3.25, f32::NAN];
    let (a, mut rounded) = (f32s(&exact), Vec::new());
    Conversion::new(DType::F32, DType::Bf16)
        .unwrap()
        .convert(&a, &mut rounded);
    let wide = || (DType::F32, &[4][..], f32s(&exact));
    let narrow = || (DType::Bf16, &[4][..], rounded.clone());
    for found in [w(wide(), narrow()), w(narrow(), wide())] {
        let found = values(found);
        assert!(found.converted);
        assert_eq!(found.differing, 1);
    }
    rounded[0] ^= 1;
    let found = values(w(wide(), (DType::Bf16, &[4], rounded)));
    assert!(!found.converted);
    assert_eq!(found.differing, 2);
}

/// More elements than are compared at once, with a difference in the last ones.
#[test]
fn long_tensors_are_compared_to_their_ends() {
    let count = 2 * ELEMENTS as usize + 3;
    let mut values_b = vec![0.5; count];
    values_b[count - 1] = 0.75;
    let dims = [count as u64];
    let found = values(w(
        (DType::F32, &dims, f32s(&vec![0.5; count])),
        (DType::F32, &dims, f32s(&values_b)),
    ));
    assert_eq!((found.elements, found.differing), (count as u64, 1));
    assert_eq!(found.distance.unwrap().largest, 0.25);
}
