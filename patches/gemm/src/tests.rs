use crate::product::pieces;
use crate::{Parallelism, f16, gemm};

/// A matrix of small whole numbers, so that every sum is exact.
fn matrix(rows: usize, columns: usize, seed: usize) -> Vec<f64> {
    let number = |at: usize| ((at * 7 + seed * 13 + at / 11) % 17) as f64 - 8.0;
    (0..rows * columns).map(number).collect()
}

/// How a matrix lies in memory: by rows or by columns, from the first element or the last.
#[derive(Clone, Copy, Debug)]
struct Layout {
    by_columns: bool,
    rows_reversed: bool,
    columns_reversed: bool,
}

const LAYOUTS: [Layout; 8] = {
    let mut layouts = [Layout {
        by_columns: false,
        rows_reversed: false,
        columns_reversed: false,
    }; 8];
    let mut at = 0;
    while at < 8 {
        layouts[at] = Layout {
            by_columns: at & 1 != 0,
            rows_reversed: at & 2 != 0,
            columns_reversed: at & 4 != 0,
        };
        at += 1;
    }
    layouts
};

impl Layout {
    /// Place of the first element, and the distances of two rows and two columns.
    fn strides(self, rows: usize, columns: usize) -> (usize, isize, isize) {
        let (row, column) = match self.by_columns {
            true => (1, rows as isize),
            false => (columns as isize, 1),
        };
        let mut first = 0;
        let mut reversed = |is: bool, count: usize, distance: isize| {
            if !is {
                return distance;
            }
            first += (count as isize - 1) * distance;
            -distance
        };
        let row = reversed(self.rows_reversed, rows, row);
        let column = reversed(self.columns_reversed, columns, column);
        (first as usize, row, column)
    }

    fn place(self, rows: usize, columns: usize, row: usize, column: usize) -> usize {
        let (first, row_distance, column_distance) = self.strides(rows, columns);
        (first as isize + row as isize * row_distance + column as isize * column_distance) as usize
    }
}

macro_rules! check {
    ($element:ty, $from:expr, $sizes:expr, $layouts:expr) => {
        let (m, n, k): (usize, usize, usize) = $sizes;
        let (of_dst, of_lhs, of_rhs): (Layout, Layout, Layout) = $layouts;
        let from = $from;
        let [lhs, rhs, before] = [(m, k, 1), (k, n, 2), (m, n, 3)].map(|(r, c, s)| matrix(r, c, s));
        let mut expected = before.clone();
        for row in 0..m {
            for column in 0..n {
                let sum: f64 = (0..k)
                    .map(|at| {
                        lhs[of_lhs.place(m, k, row, at)] * rhs[of_rhs.place(k, n, at, column)]
                    })
                    .sum();
                let place = of_dst.place(m, n, row, column);
                expected[place] = 2.0 * before[place] + 0.5 * sum;
            }
        }
        let [lhs, rhs, mut dst] =
            [lhs, rhs, before].map(|m| m.into_iter().map(from).collect::<Vec<$element>>());
        let (lhs_at, lhs_rs, lhs_cs) = of_lhs.strides(m, k);
        let (rhs_at, rhs_rs, rhs_cs) = of_rhs.strides(k, n);
        let (dst_at, dst_rs, dst_cs) = of_dst.strides(m, n);
        // SAFETY: the distances are those of matrices of these sizes.
        #[allow(unsafe_code)]
        unsafe {
            gemm::<$element>(
                m,
                n,
                k,
                dst.as_mut_ptr().add(dst_at),
                dst_cs,
                dst_rs,
                true,
                lhs.as_ptr().add(lhs_at),
                lhs_cs,
                lhs_rs,
                rhs.as_ptr().add(rhs_at),
                rhs_cs,
                rhs_rs,
                from(2.0),
                from(0.5),
                false,
                false,
                false,
                Parallelism::None,
            );
        }
        let found: Vec<f64> = dst.into_iter().map(f64::from).collect();
        assert!(
            found == expected,
            "{m} {n} {k} {:?}",
            (of_dst, of_lhs, of_rhs)
        );
    };
}

#[test]
fn every_layout_gives_the_product() {
    for of_dst in LAYOUTS {
        for of_lhs in LAYOUTS {
            for of_rhs in LAYOUTS {
                check!(f32, |x| x as f32, (5, 7, 3), (of_dst, of_lhs, of_rhs));
                check!(f64, |x| x, (1, 9, 2), (of_dst, of_lhs, of_rhs));
            }
        }
    }
}

#[test]
fn every_size_gives_the_product() {
    let layouts = (LAYOUTS[0], LAYOUTS[0], LAYOUTS[1]);
    for sizes in [
        (1, 1, 1),
        (70, 80, 513),
        (3, 2, 0),
        (65, 1, 3000),
        (1, 70, 1025),
        (66, 66, 1536),
    ] {
        check!(f32, |x| x as f32, sizes, layouts);
        check!(f64, |x| x, sizes, layouts);
    }
    check!(f16, f16::from_f64, (20, 20, 5), layouts);
}

#[test]
fn pieces_are_short_and_whole() {
    for k in (0..5000).chain([1 << 20]) {
        let pieces: Vec<_> = pieces(k).collect();
        assert_eq!(pieces[0].0, 0, "{k}");
        assert_eq!(pieces[pieces.len() - 1].1, k);
        assert!(pieces.windows(2).all(|pair| pair[0].1 == pair[1].0), "{k}");
        assert!(pieces.iter().all(|(start, end)| end - start <= 512), "{k}");
        assert_eq!(pieces.len(), k.div_ceil(512).max(1), "{k}");
    }
}

/// With any caches, a long sum is that of its pieces.
#[test]
fn a_long_sum_is_cut_here_and_nowhere_else() {
    let (m, n, k) = (96, 96, 3000);
    let numbers = |seed| matrix(m, k, seed).into_iter().map(|x| x as f32 / 7.0);
    let (lhs, rhs): (Vec<f32>, Vec<f32>) = (numbers(1).collect(), numbers(2).collect());
    // `rhs` lies by columns.
    let multiply = |dst: &mut [f32], start: usize, length: usize, read: bool| {
        // SAFETY: columns `start` to `start + length` of matrices with `k` columns.
        #[allow(unsafe_code)]
        unsafe {
            gemm::<f32>(
                m,
                n,
                length,
                dst.as_mut_ptr(),
                1,
                n as isize,
                read,
                lhs.as_ptr().add(start),
                1,
                k as isize,
                rhs.as_ptr().add(start),
                k as isize,
                1,
                1.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    };
    let mut whole = vec![0.0; m * n];
    multiply(&mut whole, 0, k, false);
    let mut in_pieces = vec![0.0; m * n];
    for piece in 0..6 {
        multiply(&mut in_pieces, piece * 500, 500, piece > 0);
    }
    assert!(whole == in_pieces);
}

/// Every CPU with fused multiplications gives these bits, whatever its vectors and its
/// architecture are. Products of both kinds stand here that kernels sum in two ways.
#[test]
fn the_bits_are_those_of_every_machine() {
    let sides = [1, 2, 3, 7, 8, 16, 17, 40];
    let sums = [1, 2, 3, 8, 31, 64, 600, 1100];
    let pairs = sides.map(|m| sides.map(|n| (m, n)));
    let sizes = pairs
        .as_flattened()
        .iter()
        .flat_map(|(m, n)| sums.map(|k| (*m, *n, k)));
    let mut digest = 0_u64;
    for (m, n, k) in sizes {
        let (lhs, rhs) = (thirds(m * k, 1), thirds(k * n, 2));
        let (rows, columns) = (
            |length: usize| (length as isize, 1),
            |length: usize| (1, length as isize),
        );
        for ((lhs_rs, lhs_cs), (rhs_rs, rhs_cs)) in [
            (rows(k), columns(k)),
            (rows(k), rows(n)),
            (columns(m), rows(n)),
            (columns(m), columns(k)),
        ] {
            let mut dst = vec![0.0_f32; m * n];
            // SAFETY: the distances are those of matrices of these sizes.
            #[allow(unsafe_code)]
            unsafe {
                gemm::<f32>(
                    m,
                    n,
                    k,
                    dst.as_mut_ptr(),
                    1,
                    n as isize,
                    false,
                    lhs.as_ptr(),
                    lhs_cs,
                    lhs_rs,
                    rhs.as_ptr(),
                    rhs_cs,
                    rhs_rs,
                    0.0,
                    1.0,
                    false,
                    false,
                    false,
                    Parallelism::None,
                );
            }
            digest = dst.iter().fold(digest, |digest, number| {
                let next = digest.rotate_left(5) ^ u64::from(number.to_bits());
                next.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            });
        }
    }
    assert_eq!(digest, 2_948_946_626_356_474_040);
}

/// Numbers whose sums round.
fn thirds(count: usize, seed: usize) -> Vec<f32> {
    let numbers = matrix(1, count, seed).into_iter();
    numbers.map(|number| (number / 3.0) as f32).collect()
}
