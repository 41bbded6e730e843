//! A product as a sum of products of pieces.

use crate::Parallelism;
use crate::copied::Copied;
use crate::matrix::{Matrix, Product};
use std::any::TypeId;

/// Half precision.
pub use gemm_f16::f16;

/// The kernels cut no sum of so many products or fewer, whatever the caches are.
const LONGEST: usize = 512;

/// `dst := alpha * dst + beta * lhs * rhs`.
///
/// `dst` has `m` rows and `n` columns, `lhs` has `m` rows and `k` columns, `rhs` has `k` rows
/// and `n` columns. `cs` is the distance of two columns, `rs` that of two rows, both in
/// elements. Without `read_dst`, `alpha` is taken as zero.
///
/// # Panics
///
/// Panics if `T` is not [`struct@f16`], `f32` or `f64`.
///
/// # Safety
///
/// All elements lie in memory that is valid, to be read for `lhs` and `rhs` and to be
/// written for `dst`. Those of `dst` overlap neither each other nor `lhs` and `rhs`. With
/// `read_dst`, they are initialised.
#[allow(clippy::too_many_arguments, reason = "those of the registry's crate")]
pub unsafe fn gemm<T: 'static>(
    m: usize,
    n: usize,
    k: usize,
    dst: *mut T,
    dst_cs: isize,
    dst_rs: isize,
    read_dst: bool,
    lhs: *const T,
    lhs_cs: isize,
    lhs_rs: isize,
    rhs: *const T,
    rhs_cs: isize,
    rhs_rs: isize,
    alpha: T,
    beta: T,
    _conj_dst: bool,
    _conj_lhs: bool,
    _conj_rhs: bool,
    parallelism: Parallelism,
) {
    let dst = Matrix(dst, dst_rs, dst_cs);
    let lhs = Matrix(lhs.cast_mut(), lhs_rs, lhs_cs);
    let rhs = Matrix(rhs.cast_mut(), rhs_rs, rhs_cs);
    let product = Product {
        m,
        n,
        k,
        dst,
        lhs,
        rhs,
    }
    .in_best_order();

    macro_rules! with {
        ($element:ty, $kernel:path) => {
            if TypeId::of::<T>() == TypeId::of::<$element>() {
                // SAFETY: T is this type, and the caller vouches for the matrices.
                unsafe {
                    let alpha = (&raw const alpha).cast::<$element>().read();
                    let beta = (&raw const beta).cast::<$element>().read();
                    multiply(
                        product.of_type(),
                        read_dst,
                        alpha,
                        beta,
                        $kernel(),
                        parallelism,
                    );
                }
                return;
            }
        };
    }
    with!(f32, gemm_f32::gemm::f32::get_gemm_fn);
    with!(f64, gemm_f64::gemm::f64::get_gemm_fn);
    with!(f16, gemm_f16::gemm::f16::get_gemm_fn);
    panic!("no product of {}", std::any::type_name::<T>());
}

/// A kernel of the registry's crates. Its parameters are those of [`gemm`].
type Kernel<T> = unsafe fn(
    usize,
    usize,
    usize,
    *mut T,
    isize,
    isize,
    bool,
    *const T,
    isize,
    isize,
    *const T,
    isize,
    isize,
    T,
    T,
    bool,
    bool,
    bool,
    Parallelism,
);

/// Adds up the products of all pieces.
///
/// # Safety
///
/// That of [`gemm`].
unsafe fn multiply<T: Copy + Default + From<i8>>(
    product: Product<T>,
    read_dst: bool,
    alpha: T,
    beta: T,
    kernel: Kernel<T>,
    parallelism: Parallelism,
) {
    for (start, end) in pieces(product.k) {
        let piece = product.piece(start, end);
        let (alpha, read_dst) = match start {
            0 => (alpha, read_dst),
            _ => (T::from(1), true),
        };
        // SAFETY: the piece lies within the matrices, and the copies within theirs.
        unsafe {
            let is_copied = piece.would_be_summed_by_vectors();
            let mut copied = is_copied.then(|| Copied::of(piece, read_dst));
            let product = copied.as_mut().map_or(piece, Copied::product);
            kernel(
                product.m,
                product.n,
                product.k,
                product.dst.0,
                product.dst.2,
                product.dst.1,
                read_dst,
                product.lhs.0,
                product.lhs.2,
                product.lhs.1,
                product.rhs.0,
                product.rhs.2,
                product.rhs.1,
                alpha,
                beta,
                false,
                false,
                false,
                parallelism,
            );
            if let Some(copied) = copied {
                copied.write_back();
            }
        }
    }
}

/// Cuts `k` products into pieces of nearly one length. An empty sum is one piece.
pub(crate) fn pieces(k: usize) -> impl Iterator<Item = (usize, usize)> {
    let length = k.div_ceil(k.div_ceil(LONGEST).max(1)).max(1);
    let starts = (0..k.max(1)).step_by(length);
    starts.map(move |start| (start, k.min(start + length)))
}
