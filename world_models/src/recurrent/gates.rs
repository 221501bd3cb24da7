//! What one step of a gated cell does to one row, and its reverse.

use multiversion::multiversion;

use super::fused::Cell;
use crate::elementary::{exp, tanh};

#[inline(always)]
fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Turns the state in `now` into the next. `drive` is W u + b and `met` U h, `[G·D]`; `bias` is the GRU's c_n. `kept`,
/// `[4·D]`: (r, z, n, U_n h + c_n) or (i, f, g, o).
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn forward(
    cell: Cell,
    drive: &[f32],
    met: &[f32],
    bias: &[f32],
    now: &mut [f32],
    kept: &mut [f32],
) {
    let n = kept.len() / 4;
    let (first, rest) = kept.split_at_mut(n);
    let (second, rest) = rest.split_at_mut(n);
    let (third, fourth) = rest.split_at_mut(n);
    let fourth = &mut fourth[..n];
    match cell {
        Cell::Gru => {
            let (dr, dz, dn) = (&drive[..n], &drive[n..][..n], &drive[2 * n..][..n]);
            let (mr, mz, mn) = (&met[..n], &met[n..][..n], &met[2 * n..][..n]);
            let (bias, h) = (&bias[..n], &mut now[..n]);
            for j in 0..n {
                let r = logistic(dr[j] + mr[j]);
                let z = logistic(dz[j] + mz[j]);
                let inner = mn[j] + bias[j];
                let candidate = tanh(dn[j] + r * inner);
                h[j] = candidate + z * (h[j] - candidate);
                first[j] = r;
                second[j] = z;
                third[j] = candidate;
                fourth[j] = inner;
            }
        }
        Cell::Lstm => {
            let (h, c) = now.split_at_mut(n);
            let c = &mut c[..n];
            let gate = |i: usize| (&drive[i * n..][..n], &met[i * n..][..n]);
            let ((di, mi), (df, mf), (dg, mg), (d_o, m_o)) = (gate(0), gate(1), gate(2), gate(3));
            for j in 0..n {
                let i = logistic(di[j] + mi[j]);
                let f = logistic(df[j] + mf[j]);
                let g = tanh(dg[j] + mg[j]);
                let o = logistic(d_o[j] + m_o[j]);
                c[j] = f * c[j] + i * g;
                h[j] = o * tanh(c[j]);
                first[j] = i;
                second[j] = f;
                third[j] = g;
                fourth[j] = o;
            }
        }
    }
}

/// Turns the gradient of the state after the step, in `carried`, into that of the state before it, but for what came
/// through U h; fills the gradients of `drive` and of U h (`met`), `[G·D]`. `before` is the state that went in, `after`
/// the one that came out.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn backward(
    cell: Cell,
    kept: &[f32],
    before: &[f32],
    after: &[f32],
    carried: &mut [f32],
    drive: &mut [f32],
    met: &mut [f32],
) {
    let n = kept.len() / 4;
    let of = |i: usize| &kept[i * n..][..n];
    match cell {
        Cell::Gru => {
            let (r, z, candidate, inner) = (of(0), of(1), of(2), of(3));
            let (h, g) = (&before[..n], &mut carried[..n]);
            let (to_r, rest) = drive.split_at_mut(n);
            let (to_z, to_n) = rest.split_at_mut(n);
            let to_n = &mut to_n[..n];
            let (met_r, rest) = met.split_at_mut(n);
            let (met_z, met_n) = rest.split_at_mut(n);
            let met_n = &mut met_n[..n];
            for j in 0..n {
                let of_n = g[j] * (1.0 - z[j]) * (1.0 - candidate[j] * candidate[j]);
                let of_z = g[j] * (h[j] - candidate[j]) * z[j] * (1.0 - z[j]);
                let of_r = of_n * inner[j] * r[j] * (1.0 - r[j]);
                to_r[j] = of_r;
                to_z[j] = of_z;
                to_n[j] = of_n;
                met_r[j] = of_r;
                met_z[j] = of_z;
                met_n[j] = of_n * r[j];
                g[j] *= z[j];
            }
        }
        Cell::Lstm => {
            let (i, f, g, o) = (of(0), of(1), of(2), of(3));
            let (c, next) = (&before[n..][..n], &after[n..][..n]);
            let (of_h, of_c) = carried.split_at_mut(n);
            let of_c = &mut of_c[..n];
            let (to_i, rest) = drive.split_at_mut(n);
            let (to_f, rest) = rest.split_at_mut(n);
            let (to_g, to_o) = rest.split_at_mut(n);
            let to_o = &mut to_o[..n];
            for j in 0..n {
                let squashed = tanh(next[j]);
                let inside = of_c[j] + of_h[j] * o[j] * (1.0 - squashed * squashed);
                to_i[j] = inside * g[j] * i[j] * (1.0 - i[j]);
                to_f[j] = inside * c[j] * f[j] * (1.0 - f[j]);
                to_g[j] = inside * i[j] * (1.0 - g[j] * g[j]);
                to_o[j] = of_h[j] * squashed * o[j] * (1.0 - o[j]);
                of_c[j] = inside * f[j];
                of_h[j] = 0.0;
            }
            met.copy_from_slice(drive);
        }
    }
}
