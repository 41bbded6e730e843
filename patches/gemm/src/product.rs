//! A product as a sum of products of pieces.

use crate::Parallelism;
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
                for (start, end) in pieces(k) {
                    let Product {
                        m,
                        n,
                        dst,
                        lhs,
                        rhs,
                        ..
                    } = product;
                    let (lhs, rhs) = (lhs.starting_at_column(start), rhs.starting_at_row(start));
                    let is_first = start == 0;
                    // SAFETY: T is this type. The pieces of the matrices lie within them.
                    unsafe {
                        let alpha = if is_first {
                            (&raw const alpha).cast::<$element>().read()
                        } else {
                            <$element>::from(1_i8)
                        };
                        let beta = (&raw const beta).cast::<$element>().read();
                        $kernel()(
                            m,
                            n,
                            end - start,
                            dst.0.cast(),
                            dst.2,
                            dst.1,
                            read_dst || !is_first,
                            lhs.0.cast(),
                            lhs.2,
                            lhs.1,
                            rhs.0.cast(),
                            rhs.2,
                            rhs.1,
                            alpha,
                            beta,
                            false,
                            false,
                            false,
                            parallelism,
                        );
                    }
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

/// Cuts `k` products into pieces of nearly one length. An empty sum is one piece.
pub(crate) fn pieces(k: usize) -> impl Iterator<Item = (usize, usize)> {
    let length = k.div_ceil(k.div_ceil(LONGEST).max(1)).max(1);
    let starts = (0..k.max(1)).step_by(length);
    starts.map(move |start| (start, k.min(start + length)))
}

/// The first element, and the distances of two rows and of two columns.
struct Matrix<T>(*mut T, isize, isize);

impl<T> Clone for Matrix<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Matrix<T> {}

impl<T> Matrix<T> {
    fn transposed(self) -> Self {
        Matrix(self.0, self.2, self.1)
    }

    fn starting_at_row(self, row: usize) -> Self {
        Matrix(
            self.0.wrapping_offset(self.1 * row as isize),
            self.1,
            self.2,
        )
    }

    fn starting_at_column(self, column: usize) -> Self {
        self.transposed().starting_at_row(column).transposed()
    }

    /// The same with its rows, of which there are `rows`, in the reverse order.
    fn with_reversed_rows(self, rows: usize) -> Self {
        let Matrix(last, distance, columns) = self.starting_at_row(rows.saturating_sub(1));
        Matrix(last, -distance, columns)
    }

    fn with_reversed_columns(self, columns: usize) -> Self {
        self.transposed().with_reversed_rows(columns).transposed()
    }
}

struct Product<T> {
    m: usize,
    n: usize,
    k: usize,
    dst: Matrix<T>,
    lhs: Matrix<T>,
    rhs: Matrix<T>,
}

impl<T> Clone for Product<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Product<T> {}

impl<T> Product<T> {
    /// The same product as the kernels want it: the rows of `dst` are nearer to each other
    /// than its columns, and no distance in `dst` and along the sum is negative.
    fn in_best_order(self) -> Self {
        let mut product = self;
        if product.dst.2.abs() < product.dst.1.abs() {
            product = Product {
                m: self.n,
                n: self.m,
                k: self.k,
                dst: self.dst.transposed(),
                lhs: self.rhs.transposed(),
                rhs: self.lhs.transposed(),
            };
        }
        let Product { m, n, k, .. } = product;
        if product.dst.1 < 0 {
            product.dst = product.dst.with_reversed_rows(m);
            product.lhs = product.lhs.with_reversed_rows(m);
        }
        if product.dst.2 < 0 {
            product.dst = product.dst.with_reversed_columns(n);
            product.rhs = product.rhs.with_reversed_columns(n);
        }
        if product.lhs.2 < 0 {
            product.lhs = product.lhs.with_reversed_columns(k);
            product.rhs = product.rhs.with_reversed_rows(k);
        }
        product
    }
}
