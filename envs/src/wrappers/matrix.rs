//! Random matrices.

use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::random;
use crate::{math, stream::Stream};

/// How the elements of a random matrix are distributed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MapDistribution {
    /// Independent and normal, with mean 0 and variance 1 / (width of what is mapped).
    #[default]
    Normal,
    /// Orthogonal columns of equal length, or rows if there are fewer of them, in directions that are uniformly
    /// distributed; elements have the same mean square as the normal ones.
    Orthogonal,
}

impl MapDistribution {
    /// Whether it is what is drawn unless something else is asked for.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands over a reference"
    )]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A matrix `[outputs, inputs]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Matrix {
    outputs: usize,
    /// Transposed, `[inputs, outputs]`, so that a product adds up whole rows.
    pub(crate) transposed: Vec<f32>,
}

impl Matrix {
    /// A matrix of zeros.
    pub(crate) fn zeros(outputs: usize, inputs: usize) -> Self {
        Self {
            outputs,
            transposed: vec![0.0; outputs * inputs],
        }
    }

    /// A drawn matrix.
    pub(crate) fn draw(
        distribution: MapDistribution,
        outputs: usize,
        inputs: usize,
        rng: &mut Stream,
    ) -> Self {
        let mut matrix = Self::zeros(outputs, inputs);
        matrix.redraw(distribution, rng);
        matrix
    }

    /// The matrix with the given elements, transposed; `None` if there are more or fewer.
    pub(crate) fn from_elements(
        outputs: usize,
        inputs: usize,
        transposed: Vec<f32>,
    ) -> Option<Self> {
        (transposed.len() == outputs * inputs).then_some(Self {
            outputs,
            transposed,
        })
    }

    fn inputs(&self) -> usize {
        self.transposed.len() / self.outputs.max(1)
    }

    /// Draws all elements, in the order of the transposed matrix.
    pub(crate) fn redraw(&mut self, distribution: MapDistribution, rng: &mut Stream) {
        let scale = 1.0 / math::sqrt(self.inputs().max(1) as f64);
        for four in self.transposed.chunks_mut(4) {
            let draws = random::normals_of(std::array::from_fn(|_| rng.next_u32()));
            for (element, z) in four.iter_mut().zip(draws) {
                *element = (f64::from(z) * scale) as f32;
            }
        }
        if distribution == MapDistribution::Orthogonal {
            self.orthogonalize();
        }
    }

    /// Makes the columns orthogonal, or the rows if there are fewer (Gram and Schmidt, each projection taken off twice
    /// against rounding).
    fn orthogonalize(&mut self) {
        let (outputs, inputs) = (self.outputs, self.inputs());
        let by_columns = inputs <= outputs;
        let (count, length) = if by_columns {
            (inputs, outputs)
        } else {
            (outputs, inputs)
        };
        let place = |vector: usize, i: usize| {
            let (input, output) = if by_columns { (vector, i) } else { (i, vector) };
            input * outputs + output
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
        for vector in 0..count {
            let elements = (0..length).map(|i| f64::from(self.transposed[place(vector, i)]));
            let mut v: Vec<f64> = elements.collect();
            for _ in 0..2 {
                for earlier in &basis {
                    let along = dot(earlier, &v);
                    (v.iter_mut().zip(earlier)).for_each(|(x, e)| *x -= along * e);
                }
            }
            let size = math::sqrt(dot(&v, &v)).max(f64::MIN_POSITIVE);
            v.iter_mut().for_each(|x| *x /= size);
            basis.push(v);
        }
        let scale = math::sqrt(length as f64 / inputs.max(1) as f64);
        for (vector, v) in basis.iter().enumerate() {
            for (i, x) in v.iter().enumerate() {
                self.transposed[place(vector, i)] = (x * scale) as f32;
            }
        }
    }

    /// `out = W x`, summed in the order of `x`.
    pub(crate) fn multiply(&self, x: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        for (x, weights) in x.iter().zip(self.transposed.chunks_exact(self.outputs)) {
            for (sum, weight) in out.iter_mut().zip(weights) {
                *sum += weight * x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orthogonal_maps_are_orthogonal_and_of_the_size_of_normal_ones() {
        let mut rng = Stream::new(3, 0, "test");
        for (outputs, inputs) in [(32, 4), (4, 32), (5, 5), (1, 7), (7, 1)] {
            let w = Matrix::draw(MapDistribution::Orthogonal, outputs, inputs, &mut rng);
            let at = |o: usize, i: usize| f64::from(w.transposed[i * outputs + o]);
            let (count, length) = (outputs.min(inputs), outputs.max(inputs));
            let element = |v: usize, i: usize| {
                if inputs <= outputs {
                    at(i, v)
                } else {
                    at(v, i)
                }
            };
            for a in 0..count {
                for b in 0..count {
                    let dot: f64 = (0..length).map(|i| element(a, i) * element(b, i)).sum();
                    let expected = if a == b {
                        length as f64 / inputs as f64
                    } else {
                        0.0
                    };
                    assert!((dot - expected).abs() < 1e-5, "{outputs} {inputs}: {dot}");
                }
            }
            let square: f64 = w.transposed.iter().map(|&x| f64::from(x).powi(2)).sum();
            let mean_square = square / (outputs * inputs) as f64;
            assert!(
                (mean_square - 1.0 / inputs as f64).abs() < 1e-6,
                "{mean_square}"
            );
        }
    }
}
