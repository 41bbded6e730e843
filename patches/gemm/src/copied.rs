//! Small products that lie in memory otherwise than the caller's.

use crate::matrix::{Matrix, Product};

/// A product that no kernel adds up by vectors, because it has two rows and two columns or
/// more, and its left matrix lies by columns if it has few results.
pub(crate) struct Copied<T> {
    whole: Product<T>,
    dst: Vec<T>,
    lhs: Option<Vec<T>>,
    rhs: Option<Vec<T>>,
}

impl<T: Copy + Default> Copied<T> {
    /// Copies a matrix only if it must: a long one stays where it is. A single row and a
    /// single column get one of zeros beside them.
    ///
    /// # Safety
    ///
    /// The matrices can be read; `dst` only needs it if `read_dst`.
    pub(crate) unsafe fn of(whole: Product<T>, read_dst: bool) -> Self {
        let Product { m, n, k, .. } = whole;
        // SAFETY: the caller vouches for it.
        unsafe {
            Copied {
                whole,
                dst: match read_dst {
                    true => by_columns(whole.dst, m, n, m.max(2), n.max(2)),
                    false => vec![T::default(); m.max(2) * n.max(2)],
                },
                lhs: (m == 1 || whole.lies_along_the_sum())
                    .then(|| by_columns(whole.lhs, m, k, m.max(2), k)),
                rhs: (n == 1).then(|| by_columns(whole.rhs.transposed(), n, k, 2, k)),
            }
        }
    }

    pub(crate) fn product(&mut self) -> Product<T> {
        let whole = self.whole;
        let (m, n) = (whole.m.max(2), whole.n.max(2));
        Product {
            m,
            n,
            k: whole.k,
            dst: Matrix(self.dst.as_mut_ptr(), 1, m as isize),
            lhs: match &mut self.lhs {
                Some(lhs) => Matrix(lhs.as_mut_ptr(), 1, m as isize),
                None => whole.lhs,
            },
            rhs: match &mut self.rhs {
                Some(rhs) => Matrix(rhs.as_mut_ptr(), n as isize, 1),
                None => whole.rhs,
            },
        }
    }

    /// # Safety
    ///
    /// `dst` of the caller's product can be written.
    pub(crate) unsafe fn write_back(&self) {
        let Product { m, n, dst, .. } = self.whole;
        for column in 0..n {
            for row in 0..m {
                // SAFETY: the place is that of an element.
                unsafe { dst.at(row, column).write(self.dst[column * m.max(2) + row]) };
            }
        }
    }
}

/// A copy that lies by columns, with zeros in the rows and columns that are new.
///
/// # Safety
///
/// The matrix can be read.
unsafe fn by_columns<T: Copy + Default>(
    matrix: Matrix<T>,
    rows: usize,
    columns: usize,
    new_rows: usize,
    new_columns: usize,
) -> Vec<T> {
    let mut copy = vec![T::default(); new_rows * new_columns];
    for column in 0..columns {
        for row in 0..rows {
            // SAFETY: the place is that of an element.
            copy[column * new_rows + row] = unsafe { matrix.at(row, column).read() };
        }
    }
    copy
}
