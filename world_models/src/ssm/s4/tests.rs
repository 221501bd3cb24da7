use burn::tensor::Device;
use palaestra_envs::stream::Stream;

use super::*;
use crate::{
    ssm::{
        hippo::{C64, Hippo, Measure},
        s4d::DiagonalStart,
    },
    testing::{
        assert_close, assert_golden, assert_same, check_convolution, check_core, check_long, flags,
        from, golden, noise, numbers, tensor, values,
    },
};

fn layer(width: usize, config: &S4Config, device: &Device) -> S4 {
    config
        .init(width, &mut Stream::new(3, 0, "s4"), device)
        .unwrap()
}

/// One channel with C given in the coordinates of HiPPO: C V in those of the modes.
fn with_output(measure: Measure, step: f64, c: &[f64], turn: f64, device: &Device) -> S4 {
    let state = c.len();
    let config = S4Config {
        state,
        start: match measure {
            Measure::Legs => S4Start::Legs,
            Measure::Legt => S4Start::Legt,
            Measure::Fout => S4Start::Fout,
            Measure::Foud => S4Start::Foud,
        },
        ..S4Config::default()
    };
    let mut s4 = layer(1, &config, device);
    let spectrum = measure.system(state).spectrum();
    let half = state / 2;
    let (mut re, mut im) = (vec![0.0; half], vec![0.0; half]);
    for mode in 0..half {
        for (row, c) in c.iter().enumerate() {
            let v = spectrum.vectors[row * half + mode];
            re[mode] += c * v.re;
            im[mode] += c * v.im;
        }
    }
    // Another phase for every eigenvector: V → V e^{iφ}, so C V turns one way, V* B and V* P the other.
    let turned = |re: &[f64], im: &[f64], sign: f64| -> Vec<f64> {
        let phase = |mode: usize| sign * turn * (mode + 1) as f64;
        let one = |m: usize| {
            (
                re[m] * phase(m).cos() - im[m] * phase(m).sin(),
                re[m] * phase(m).sin() + im[m] * phase(m).cos(),
            )
        };
        (0..half)
            .map(|m| one(m).0)
            .chain((0..half).map(|m| one(m).1))
            .collect()
    };
    s4.c = Param::from_tensor(from(turned(&re, &im, 1.0), [1, state], device));
    let parts = |z: &[C64]| -> Vec<f64> {
        let (re, im): (Vec<f64>, Vec<f64>) = z.iter().map(|z| (z.re, z.im)).unzip();
        turned(&re, &im, -1.0)
    };
    s4.b = Param::from_tensor(from(parts(&spectrum.b), [1, state], device));
    if !spectrum.p.is_empty() {
        let p: Vec<f64> = spectrum.p.iter().flat_map(|p| parts(p)).collect();
        s4.p = Param::from_tensor(from(p, [spectrum.p.len(), 1, state], device));
    }
    s4.log_step = Param::from_tensor(from(vec![step.ln()], [1], device));
    s4
}

/// The kernel C Ā^k B̄ of a dense system, discretised bilinearly, in double precision.
fn krylov(measure: Measure, step: f64, c: &[f64], length: usize) -> Vec<f64> {
    let n = c.len();
    let Hippo { mut a, b, .. } = measure.system(n);
    if matches!(measure, Measure::Legt | Measure::Fout) {
        // Their normal parts have eigenvalues on the imaginary axis, which the layer moves to the left.
        (0..n).for_each(|i| a[i * n + i] -= 1e-4);
    }
    // I − ΔA/2, and beside it I + ΔA/2 and ΔB, which elimination with pivots turns into Ā and B̄.
    let columns = 2 * n + 1;
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let entry = |j: usize, sign: f64| {
                f64::from(u8::from(i == j)) + sign * 0.5 * step * a[i * n + j]
            };
            let left = (0..n).map(|j| entry(j, -1.0));
            let right = (0..n).map(|j| entry(j, 1.0));
            left.chain(right).chain([step * b[i]]).collect()
        })
        .collect();
    for pivot in 0..n {
        let best = (pivot..n)
            .max_by(|i, j| rows[*i][pivot].abs().total_cmp(&rows[*j][pivot].abs()))
            .unwrap();
        rows.swap(pivot, best);
        let head = rows[pivot].clone();
        for (i, row) in rows.iter_mut().enumerate() {
            let factor = row[pivot] / head[pivot];
            for column in pivot..columns {
                if i == pivot {
                    row[column] = head[column] / head[pivot];
                } else {
                    row[column] -= factor * head[column];
                }
            }
        }
    }
    let mut x: Vec<f64> = rows.iter().map(|row| row[2 * n]).collect();
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    (0..length)
        .map(|_| {
            let y = dot(c, &x);
            x = rows.iter().map(|row| dot(&row[n..2 * n], &x)).collect();
            y
        })
        .collect()
}

#[test]
fn kernel_steps_and_scan_of_the_golden_system() {
    let golden = golden("s4_kernel_n4_l16.json");
    let given = &golden["inputs"];
    let device = Device::flex();
    for turn in [0.0, 0.7] {
        let s4 = with_output(Measure::Legs, 0.1, &numbers(&given["C"]), turn, &device);
        assert_golden(&s4.kernel(16).unwrap(), &golden["K_bilinear"], 1e-5);
        // Lengths that are no power of two, and one element.
        let expected = numbers(&golden["K_bilinear"]);
        for length in [1, 2, 11] {
            assert_close(
                &values(&s4.kernel(length).unwrap()),
                &expected[..length],
                1e-5,
            );
        }
        let input = tensor::<3>(&given["u"], [1, 16, 1], &device);
        let resets = flags(&[0.0; 16], [1, 16], &device);
        let (y, _) = chunked_scan(&s4.dense(), input, &resets, Tensor::zeros([1, 4], &device));
        assert_golden(&y, &golden["y"], 1e-5);
    }
}

/// 64 states, 1024 steps, C standard normal: the sums in single precision against the dense system in double precision,
/// whatever the phases of the eigenvectors.
#[test]
fn fourier_kernel_is_the_krylov_kernel() {
    let device = Device::flex();
    let c = values(&noise::<1>("c", [64], &device));
    for measure in [Measure::Legs, Measure::Legt, Measure::Fout] {
        let exact = krylov(measure, 1e-2, &c, 1024);
        for turn in [0.0, 0.7] {
            let s4 = with_output(measure, 1e-2, &c, turn, &device);
            let found = values(&s4.kernel(1024).unwrap());
            let differences = found.iter().zip(&exact).map(|(f, e)| (f - e).abs());
            let worst = differences.fold(0.0, f64::max);
            assert!(worst <= 1e-6, "{measure:?}: {worst:e}");
        }
    }
}

#[test]
fn steps_scans_convolutions_cuts_and_resets_agree() {
    let device = Device::flex();
    for start in STARTS {
        let config = S4Config {
            state: 8,
            start,
            ..S4Config::default()
        };
        let s4 = layer(2, &config, &device);
        check_core(&s4, 257, &device);
        s4.check_stability().unwrap();
        for steps in [1, 2, 33, 64, 257] {
            check_convolution(&s4, steps, &device);
        }
    }
}

const STARTS: [S4Start; 8] = [
    S4Start::Legs,
    S4Start::Legt,
    S4Start::Fout,
    S4Start::Legsd,
    S4Start::Foud,
    S4Start::Hippo,
    S4Start::Diag,
    S4Start::Random,
];

/// Halves of the channels, ranks, and what is drawn.
#[test]
fn starts_are_what_their_names_say() {
    let device = Device::flex();
    let of = |start, clip_b| {
        let config = S4Config {
            state: 64,
            start,
            clip_b,
            ..S4Config::default()
        };
        layer(4, &config, &device)
    };
    let hippo = of(S4Start::Hippo, true);
    for (row, start) in [(0, S4Start::Legs), (2, S4Start::Fout)] {
        let alone = of(start, true);
        let channels = |s4: &S4| s4.frequency.val().narrow(0, row, 2);
        assert_same(&channels(&hippo), &channels(&alone), 0.0);
        let channels = |s4: &S4| s4.p.val().narrow(1, row, 2);
        assert_same(&channels(&hippo), &channels(&alone), 0.0);
    }
    let diag = of(S4Start::Diag, true);
    assert_eq!(values(&diag.p.val().abs().max()), [0.0]);
    let frequencies = values(&diag.frequency.val());
    for (channel, start) in [(1, DiagonalStart::Inv), (2, DiagonalStart::Lin)] {
        let known: Vec<f64> = start.eigenvalues(1, 64, &mut Stream::new(0, 0, "s4"))[0]
            .iter()
            .map(|l| -l.1)
            .collect();
        assert_close(&frequencies[channel * 32..][..32], &known, 1e-6);
    }
    assert_eq!(of(S4Start::Legt, true).p.dims(), [2, 4, 64]);
    // ln |Im λ| is standard normal, E|p|² is 1: each within four standard deviations.
    let random = of(S4Start::Random, true);
    let frequencies = values(&random.frequency.val());
    let mean = frequencies.iter().map(|f| (-f).ln()).sum::<f64>() / 128.0;
    assert!(mean.abs() < 4.0 / 128.0_f64.sqrt(), "{mean}");
    let power = values(&random.p.val().square().sum())[0] / 128.0;
    assert!((power - 1.0).abs() < 4.0 / 128.0_f64.sqrt(), "{power}");
    // Clipping moves imaginary parts of B beyond ±2, and nothing else.
    for start in [S4Start::Legs, S4Start::Legt, S4Start::Fout] {
        let (clipped, whole) = (of(start, true).b.val(), of(start, false).b.val());
        let (clipped, whole) = (Complex::unpack(clipped), Complex::unpack(whole));
        assert_same(&clipped.re, &whole.re, 0.0);
        assert_same(&clipped.im, &whole.im.clone().clamp(-2.0, 2.0), 0.0);
        let largest = values(&whole.im.abs().max())[0];
        if start == S4Start::Legs {
            // With LAPACK's eigenvectors of the Hermitian matrix, whose phases the released code has.
            assert_close(&[largest], &[40.751_837_906], 1e-6);
        }
    }
}

#[test]
fn parameters_are_as_many_as_in_the_published_layer() {
    let s4 = layer(256, &S4Config::default(), &Device::flex());
    assert_eq!(s4.num_params(), 197_632);
}

#[test]
fn nothing_overflows_over_eight_thousand_steps() {
    let device = Device::flex();
    let steps = [1e-4, 1e-3, 0.1, 1.0, 10.0];
    let of = |start| steps.map(|step| (start, step));
    for (start, step) in [of(S4Start::Legs), of(S4Start::Legt)].concat() {
        let config = S4Config {
            state: 64,
            start,
            min_step: step,
            max_step: step,
            ..S4Config::default()
        };
        check_long(&layer(1, &config, &device), &device);
    }
}
