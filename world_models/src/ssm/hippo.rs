//! HiPPO matrices and the spectra that start state-space models, in `f64` on the host.
//!
//! Gu et al., "HiPPO: recurrent memory with optimal polynomial projections" (arXiv 2008.07669); "How to train your
//! HiPPO" (arXiv 2206.12037) for the Fourier family; "Efficiently modeling long sequences with structured state spaces"
//! (arXiv 2111.00396) for the normal-plus-low-rank form. Matrices are used as they stand in x' = A x + B u.

use std::{
    f64::consts::PI,
    sync::{Arc, Mutex, PoisonError},
};

/// A complex number of the host.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct C64 {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}

impl C64 {
    /// From both parts.
    pub fn new(re: f64, im: f64) -> Self {
        Self { re, im }
    }

    /// Modulus.
    pub fn abs(self) -> f64 {
        self.re.hypot(self.im)
    }
}

/// Which measure the state remembers its input under.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Scaled Legendre: the whole past, ever more coarsely.
    Legs,
    /// Translated Legendre: a window (timescale halved as in the reference implementation).
    Legt,
    /// Truncated Fourier: a window of length 1/Δ.
    Fout,
    /// The diagonal-plus-skew part of [`Fout`](Self::Fout) with doubled frequencies, real part −½.
    Foud,
}

/// A dense system x' = A x + B u.
#[derive(Debug, Clone, PartialEq)]
pub struct Hippo {
    /// States N.
    pub size: usize,
    /// A, `[N, N]` row by row.
    pub a: Vec<f64>,
    /// B, `[N]`.
    pub b: Vec<f64>,
    /// The columns P of the low-rank correction, `[rank, N]`: A + Σ P Pᵀ is normal.
    pub p: Vec<Vec<f64>>,
}

impl Measure {
    /// The system with `size` states (an even number for the Fourier family).
    pub fn system(self, size: usize) -> Hippo {
        let r = |n: usize| (2.0 * n as f64 + 1.0).sqrt();
        let fill = |entry: &dyn Fn(usize, usize) -> f64| {
            (0..size * size)
                .map(|i| entry(i / size, i % size))
                .collect::<Vec<f64>>()
        };
        let fourier = |frequency: f64| {
            move |n: usize, k: usize| {
                let angle = frequency * (n / 2) as f64;
                match (n.is_multiple_of(2), k) {
                    (true, k) if k == n + 1 => -angle,
                    (false, k) if k + 1 == n => angle,
                    _ => 0.0,
                }
            }
        };
        let fourier_b: Vec<f64> = (0..size)
            .map(|n| match n {
                0 => 1.0,
                n if n.is_multiple_of(2) => 2.0_f64.sqrt(),
                _ => 0.0,
            })
            .collect();
        match self {
            Self::Legs => Hippo {
                size,
                a: fill(&|n, k| match n.cmp(&k) {
                    std::cmp::Ordering::Greater => -r(n) * r(k),
                    std::cmp::Ordering::Equal => -(n as f64 + 1.0),
                    std::cmp::Ordering::Less => 0.0,
                }),
                b: (0..size).map(r).collect(),
                p: vec![(0..size).map(|n| (n as f64 + 0.5).sqrt()).collect()],
            },
            Self::Legt => {
                let part = |even: bool| {
                    let kept = move |n: usize| {
                        if n.is_multiple_of(2) == even {
                            r(n) / 2.0_f64.sqrt()
                        } else {
                            0.0
                        }
                    };
                    (0..size).map(kept).collect()
                };
                Hippo {
                    size,
                    a: fill(&|n, k| {
                        let sign = if n >= k || (k - n).is_multiple_of(2) {
                            1.0
                        } else {
                            -1.0
                        };
                        -0.5 * r(n) * r(k) * sign
                    }),
                    b: (0..size).map(|n| 0.5 * r(n)).collect(),
                    p: vec![part(true), part(false)],
                }
            }
            Self::Fout => {
                let skew = fourier(PI);
                let b = fourier_b;
                Hippo {
                    size,
                    a: fill(&|n, k| skew(n, k) - b[n] * b[k]),
                    p: vec![b.clone()],
                    b,
                }
            }
            Self::Foud => {
                let skew = fourier(2.0 * PI);
                Hippo {
                    size,
                    a: fill(&|n, k| skew(n, k) - if n == k { 0.5 } else { 0.0 }),
                    b: fourier_b,
                    p: Vec::new(),
                }
            }
        }
    }
}

impl Measure {
    /// The spectrum of the system with `size` states, an even number, as [`Hippo::spectrum`]: worked out once in a program,
    /// since layers are many and it takes a time that grows with the cube of `size`.
    pub fn spectrum(self, size: usize) -> Arc<Spectrum> {
        type Known = Vec<(Measure, usize, Arc<Spectrum>)>;
        static KNOWN: Mutex<Known> = Mutex::new(Vec::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known
            .iter()
            .find(|(measure, of, _)| *measure == self && *of == size);
        if let Some((_, _, spectrum)) = found {
            return Arc::clone(spectrum);
        }
        let spectrum = Arc::new(self.system(size).spectrum());
        known.push((self, size, Arc::clone(&spectrum)));
        spectrum
    }
}

/// A normal matrix A + Σ P Pᵀ by its eigenvalues and eigenvectors, and A's other parts in their basis. Of every
/// conjugate pair the half with negative imaginary part is kept, in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// Eigenvalues λ, N/2 of them.
    pub lambda: Vec<C64>,
    /// Eigenvectors, `[N, N/2]`, row by row.
    pub vectors: Vec<C64>,
    /// V* B, N/2 numbers.
    pub b: Vec<C64>,
    /// V* P for every P, N/2 numbers each.
    pub p: Vec<Vec<C64>>,
}

impl Hippo {
    /// Diagonalises the normal part.
    ///
    /// It is −c·I plus a skew-symmetric matrix K. Householder reflections make K tridiagonal; −iK is then similar, by a
    /// diagonal of powers of −i, to a real symmetric tridiagonal matrix, which implicit QL diagonalises.
    ///
    /// # Panics
    /// Panics if the number of states is odd.
    pub fn spectrum(&self) -> Spectrum {
        let n = self.size;
        assert!(n.is_multiple_of(2), "an even number of states");
        let normal = |i: usize, j: usize| {
            self.a[i * n + j] + self.p.iter().map(|p| p[i] * p[j]).sum::<f64>()
        };
        let mean = (0..n).map(|i| normal(i, i)).sum::<f64>() / n as f64;
        let mut skew = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                skew[i * n + j] = 0.5 * (normal(i, j) - normal(j, i));
            }
        }
        let (basis, off_diagonal) = super::eigen::tridiagonalise_skew(skew, n);
        let (values, turns) = super::eigen::symmetric_tridiagonal(&off_diagonal);
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|i, j| values[*i].total_cmp(&values[*j]));
        order.truncate(n / 2);
        // V = Q D W with D = diag((−i)^k).
        let half = n / 2;
        let mut vectors = vec![C64::default(); n * half];
        for row in 0..n {
            for (column, &which) in order.iter().enumerate() {
                let mut sum = [0.0; 2];
                for k in 0..n {
                    let term = basis[row * n + k] * turns[which * n + k];
                    match k % 4 {
                        0 => sum[0] += term,
                        1 => sum[1] -= term,
                        2 => sum[0] -= term,
                        _ => sum[1] += term,
                    }
                }
                vectors[row * half + column] = C64::new(sum[0], sum[1]);
            }
        }
        let mut lambda: Vec<C64> = order.iter().map(|&i| C64::new(mean, values[i])).collect();
        // A pair of zero eigenvalues (Fourier: the constant) has no direction of its own; take (e₀ + i e₁)/√2.
        if let Some(last) = lambda.last_mut()
            && last.im.abs() < 1e-9
        {
            last.im = 0.0;
            for row in 0..n {
                vectors[row * half + half - 1] = match row {
                    0 => C64::new(0.5_f64.sqrt(), 0.0),
                    1 => C64::new(0.0, 0.5_f64.sqrt()),
                    _ => C64::default(),
                };
            }
        }
        let project = |x: &[f64]| {
            let column = |j: usize| {
                let mut sum = C64::default();
                for (row, x) in x.iter().enumerate() {
                    let v = vectors[row * half + j];
                    sum.re += v.re * x;
                    sum.im -= v.im * x;
                }
                sum
            };
            (0..half).map(column).collect::<Vec<C64>>()
        };
        Spectrum {
            b: project(&self.b),
            p: self.p.iter().map(|p| project(p)).collect(),
            lambda,
            vectors,
        }
    }
}

#[cfg(test)]
mod tests;
