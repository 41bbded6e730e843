//! Matrices in memory, and the product of two.

/// The first element, and the distances of two rows and of two columns.
pub(crate) struct Matrix<T>(pub(crate) *mut T, pub(crate) isize, pub(crate) isize);

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

    pub(crate) fn at(self, row: usize, column: usize) -> *mut T {
        self.starting_at_row(row).starting_at_column(column).0
    }

    pub(crate) fn transposed(self) -> Self {
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

/// `lhs` has `m` rows and `k` columns, `rhs` has `k` rows and `n` columns.
pub(crate) struct Product<T> {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    pub(crate) dst: Matrix<T>,
    pub(crate) lhs: Matrix<T>,
    pub(crate) rhs: Matrix<T>,
}

impl<T> Clone for Product<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Product<T> {}

impl<T> Product<T> {
    /// The same, of another type.
    pub(crate) fn of_type<U>(self) -> Product<U> {
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
    pub(crate) fn piece(self, start: usize, end: usize) -> Self {
        Product {
            k: end - start,
            lhs: self.lhs.starting_at_column(start),
            rhs: self.rhs.starting_at_row(start),
            ..self
        }
    }

    /// Whether the kernels for some CPUs add whole vectors of products, and then the lanes
    /// of the sum. That gives other bits than adding one product after the other.
    pub(crate) fn would_be_summed_by_vectors(&self) -> bool {
        let has_one_vector = self.m == 1 || self.n == 1;
        let is_empty = self.m == 0 || self.n == 0 || self.k == 0;
        !is_empty && (self.lies_along_the_sum() || has_one_vector && self.k > 2)
    }

    /// Whether there are few results, and the products of each lie one after the other.
    pub(crate) fn lies_along_the_sum(&self) -> bool {
        self.lhs.2 == 1 && self.rhs.1 == 1 && self.m * self.n <= 256
    }

    /// The same product as the kernels want it: the rows of `dst` are nearer to each other
    /// than its columns, and no distance in `dst` and along the sum is negative.
    pub(crate) fn in_best_order(self) -> Self {
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
