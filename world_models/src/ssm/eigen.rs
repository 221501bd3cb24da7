//! Eigenvalues and eigenvectors of real skew-symmetric matrices.

/// Q and the subdiagonal t of K = Q T Qᵀ for skew-symmetric K (`n × n`, row by row): T has t below its diagonal and −t
/// above. Householder reflections, column by column.
pub(super) fn tridiagonalise_skew(mut k: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut q = vec![0.0; n * n];
    for i in 0..n {
        q[i * n + i] = 1.0;
    }
    let mut w = vec![0.0; n];
    for column in 0..n.saturating_sub(2) {
        let first = column + 1;
        let norm = (first..n)
            .map(|i| k[i * n + column].powi(2))
            .sum::<f64>()
            .sqrt();
        if norm == 0.0 {
            continue;
        }
        // v = x ∓ |x| e, with the sign that does not cancel; H = I − 2 v vᵀ / (vᵀ v).
        let mut v = vec![0.0; n];
        for i in first..n {
            v[i] = k[i * n + column];
        }
        v[first] += norm.copysign(v[first]);
        let scale = 2.0 / v.iter().map(|x| x * x).sum::<f64>();
        // H K H = K − v wᵀ + w vᵀ with w = s·(Kᵀ v)… for skew K the quadratic term vᵀ K v is zero.
        for i in 0..n {
            w[i] = scale * (first..n).map(|j| k[i * n + j] * v[j]).sum::<f64>();
        }
        for i in 0..n {
            for j in 0..n {
                k[i * n + j] += v[i] * w[j] - w[i] * v[j];
            }
        }
        for row in q.chunks_exact_mut(n) {
            let s = scale * (first..n).map(|j| row[j] * v[j]).sum::<f64>();
            for j in first..n {
                row[j] -= s * v[j];
            }
        }
    }
    let t = (0..n.saturating_sub(1))
        .map(|i| k[(i + 1) * n + i])
        .collect();
    (q, t)
}

/// Eigenvalues and eigenvectors (`n × n`, one a row) of the symmetric tridiagonal matrix with zero diagonal and the given
/// off-diagonal; implicit QL (Bowdler, Martin, Reinsch and Wilkinson, 1968).
pub(super) fn symmetric_tridiagonal(off_diagonal: &[f64]) -> (Vec<f64>, Vec<f64>) {
    const MOST_SWEEPS: usize = 60;
    let n = off_diagonal.len() + 1;
    let mut d = vec![0.0_f64; n];
    let mut e = off_diagonal.to_vec();
    e.push(0.0);
    let mut z = vec![0.0; n * n];
    for i in 0..n {
        z[i * n + i] = 1.0;
    }
    for l in 0..n {
        for _ in 0..MOST_SWEEPS {
            // The first negligible off-diagonal element splits the matrix. The diagonal is zero at first, so the whole
            // matrix, not only the neighbours, says what is negligible.
            let size = d.iter().chain(&e).fold(0.0_f64, |m, x| m.max(x.abs()));
            let negligible = |m: usize| {
                let near = d[m].abs() + d[m + 1].abs();
                e[m].abs() <= f64::EPSILON * near.max(1e-3 * size)
            };
            let m = (l..n - 1).find(|&m| negligible(m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            let mut g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut r = g.hypot(1.0);
            g = d[m] - d[l] + e[l] / (g + r.copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut early = false;
            for i in (l..m).rev() {
                let f = s * e[i];
                let b = c * e[i];
                r = f.hypot(g);
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    early = true;
                    break;
                }
                s = f / r;
                c = g / r;
                g = d[i + 1] - p;
                r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
                let (upper, lower) = z[i * n..(i + 2) * n].split_at_mut(n);
                for (here, next) in upper.iter_mut().zip(lower) {
                    let f = *next;
                    *next = s * *here + c * f;
                    *here = c * *here - s * f;
                }
            }
            if early {
                continue;
            }
            d[l] -= p;
            e[l] = g;
            e[m] = 0.0;
        }
    }
    (d, z)
}
