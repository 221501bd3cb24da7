//! Matrix products over slices that are added to what a buffer holds already.
//!
//! Burn's product always makes a tensor of its own and clears it before; a bias or a skip connection is then added in
//! another pass over memory, which for narrow layers takes as long as the product.

use gemm::Parallelism;

/// Multiply-adds from which threads share a product, as in Burn's.
const SHARED: usize = 192 * 192 * 192;

/// A matrix within a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// From a row to the next, from a column to the next.
    strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// The matrix whose rows lie in `values` one after the other.
    pub(crate) fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns, "{rows} x {columns}");
        Self {
            values,
            rows,
            columns,
            strides: [columns, 1],
        }
    }

    /// Its transpose: the same numbers, read the other way.
    pub(crate) fn transposed(self) -> Self {
        let [row, column] = self.strides;
        Self {
            values: self.values,
            rows: self.columns,
            columns: self.rows,
            strides: [column, row],
        }
    }
}

/// `to += a b`, row by row.
pub(crate) fn add_product(to: &mut [f32], a: Matrix<'_>, b: Matrix<'_>) {
    multiply(to, true, a, b);
}

/// `a b`, row by row.
pub(crate) fn product(a: Matrix<'_>, b: Matrix<'_>) -> Vec<f32> {
    let mut to = vec![0.0; a.rows * b.columns];
    multiply(&mut to, false, a, b);
    to
}

/// Writes `a b` to `to`, or adds it.
#[expect(
    unsafe_code,
    reason = "the products of the crate take pointers; adding in place saves two of three passes over a layer's output"
)]
fn multiply(to: &mut [f32], add: bool, a: Matrix<'_>, b: Matrix<'_>) {
    assert_eq!(to.len(), a.rows * b.columns, "a product fills its buffer");
    assert_eq!(a.columns, b.rows, "products need a shape in common");
    let (rows, inner, columns) = (a.rows, a.columns, b.columns);
    let parallelism = if rows * inner * columns < SHARED || rayon::current_num_threads() == 1 {
        Parallelism::None
    } else {
        Parallelism::Rayon(0)
    };
    let [a_row, a_column] = a.strides.map(usize::cast_signed);
    let [b_row, b_column] = b.strides.map(usize::cast_signed);
    // SAFETY: `Matrix::new` has checked that the slices are as long as shapes and strides say, `to` has been above, and it
    // overlaps neither, as it is borrowed alone.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            to.as_mut_ptr(),
            1,
            columns.cast_signed(),
            add,
            a.values.as_ptr(),
            a_column,
            a_row,
            b.values.as_ptr(),
            b_column,
            b_row,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small whole numbers: every order of summation gives the same.
    #[test]
    fn products_are_sums_of_products_in_all_layouts() {
        for [rows, inner, columns] in [
            [1, 1, 1],
            [3, 2, 5],
            [17, 33, 1],
            [1, 40, 9],
            [40, 1, 7],
            [65, 19, 50],
            [4, 0, 3],
            [0, 3, 4],
        ] {
            let number = |i: usize| ((i * 7 + 3) % 11) as f32 - 5.0;
            let a: Vec<f32> = (0..rows * inner).map(number).collect();
            let b: Vec<f32> = (0..inner * columns).map(|i| number(i + 4)).collect();
            let turn = |x: &[f32], rows: usize, columns: usize| -> Vec<f32> {
                let cell = |i: usize| x[i % rows * columns + i / rows];
                (0..rows * columns).map(cell).collect()
            };
            let (a_turned, b_turned) = (turn(&a, rows, inner), turn(&b, inner, columns));
            let mut expected = vec![0.0; rows * columns];
            for (i, cell) in expected.iter_mut().enumerate() {
                let (row, column) = (i / columns, i % columns);
                let term = |k: usize| a[row * inner + k] * b[k * columns + column];
                *cell = (0..inner).map(term).sum::<f32>();
            }
            for a in [
                Matrix::new(&a, rows, inner),
                Matrix::new(&a_turned, inner, rows).transposed(),
            ] {
                for b in [
                    Matrix::new(&b, inner, columns),
                    Matrix::new(&b_turned, columns, inner).transposed(),
                ] {
                    assert_eq!(product(a, b), expected);
                    let mut sum: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
                    add_product(&mut sum, a, b);
                    for (i, (sum, expected)) in sum.iter().zip(&expected).enumerate() {
                        assert_eq!(*sum, expected + i as f32);
                    }
                }
            }
        }
    }
}
