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
        let execute = |Product {
                           m,
                           n,
                           k,
                           dst,
                           lhs,
                           rhs,
                       }: Product<T>| {
            // SAFETY: the piece lies within the matrices.
            unsafe {
                kernel(
                    m,
                    n,
                    k,
                    dst.0,
                    dst.2,
                    dst.1,
                    read_dst,
                    lhs.0,
                    lhs.2,
                    lhs.1,
                    rhs.0,
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
        };
        if piece.would_be_summed_by_vectors() {
            // SAFETY: the piece lies within the matrices.
            unsafe {
                let mut copied = Copied::of(piece, read_dst);
                execute(copied.product());
                copied.write_back(piece);
            }
        } else {
            execute(piece);
        }
    }
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
    fn of_type<U>(self) -> Matrix<U> {
        Matrix(self.0.cast(), self.1, self.2)
    }

    fn at(self, row: usize, column: usize) -> *mut T {
        self.starting_at_row(row).starting_at_column(column).0
    }

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
    /// The same, of another type.
    fn of_type<U>(self) -> Product<U> {
        let Product {
            m,
            n,
            k,
            dst,
            lhs,
            rhs,
        } = self;
        Product {
            m,
            n,
            k,
            dst: dst.of_type(),
            lhs: lhs.of_type(),
            rhs: rhs.of_type(),
        }
    }

    /// The products `start` to `end` of each sum.
    fn piece(self, start: usize, end: usize) -> Self {
        Product {
            k: end - start,
            lhs: self.lhs.starting_at_column(start),
            rhs: self.rhs.starting_at_row(start),
            ..self
        }
    }

    /// Whether the kernels for some CPUs add whole vectors of products, and then the lanes
    /// of the sum. That gives other bits than adding one product after the other.
    fn would_be_summed_by_vectors(&self) -> bool {
        let lies_along_the_sum = self.lhs.2 == 1 && self.rhs.1 == 1 && self.m * self.n <= 256;
        let has_one_vector = self.m == 1 || self.n == 1;
        (lies_along_the_sum || has_one_vector) && self.k > 2 && self.m * self.n > 0
    }

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

/// Copies that lie otherwise, with a row and a column of zeros where there is only one.
struct Copied<T> {
    m: usize,
    n: usize,
    k: usize,
    dst: Vec<T>,
    lhs: Vec<T>,
    rhs: Vec<T>,
}

impl<T: Copy + Default> Copied<T> {
    /// # Safety
    ///
    /// The matrices can be read; `dst` only needs it if `read_dst`.
    unsafe fn of(product: Product<T>, read_dst: bool) -> Self {
        let Product {
            m,
            n,
            k,
            dst,
            lhs,
            rhs,
        } = product;
        let mut copied = Copied {
            m: m.max(2),
            n: n.max(2),
            k,
            dst: vec![T::default(); m.max(2) * n.max(2)],
            lhs: vec![T::default(); m.max(2) * k],
            rhs: vec![T::default(); k * n.max(2)],
        };
        // SAFETY: the places are those of elements.
        unsafe {
            for at in 0..k {
                for row in 0..m {
                    copied.lhs[at * copied.m + row] = lhs.at(row, at).read();
                }
                for column in 0..n {
                    copied.rhs[at * copied.n + column] = rhs.at(at, column).read();
                }
            }
            for column in (0..n).filter(|_| read_dst) {
                for row in 0..m {
                    copied.dst[column * copied.m + row] = dst.at(row, column).read();
                }
            }
        }
        copied
    }

    fn product(&mut self) -> Product<T> {
        Product {
            m: self.m,
            n: self.n,
            k: self.k,
            dst: Matrix(self.dst.as_mut_ptr(), 1, self.m as isize),
            lhs: Matrix(self.lhs.as_mut_ptr(), 1, self.m as isize),
            rhs: Matrix(self.rhs.as_mut_ptr(), self.n as isize, 1),
        }
    }

    /// # Safety
    ///
    /// `dst` can be written.
    unsafe fn write_back(&self, product: Product<T>) {
        for column in 0..product.n {
            for row in 0..product.m {
                // SAFETY: the place is that of an element.
                unsafe {
                    product
                        .dst
                        .at(row, column)
                        .write(self.dst[column * self.m + row])
                };
            }
        }
    }
}
