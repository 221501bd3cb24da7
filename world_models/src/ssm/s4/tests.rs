use burn::tensor::Device;
use palaestra_envs::stream::Stream;

use super::*;
use crate::testing::{
    assert_close, assert_golden, assert_same, check_core, flags, from, golden, noise, numbers,
    tensor, values,
};

fn layer(width: usize, config: &S4Config, device: &Device) -> S4 {
    config
        .init(width, &mut Stream::new(3, 0, "s4"), device)
        .unwrap()
}

/// One channel with C given in the coordinates of HiPPO: C V in those of the modes.
fn with_output(state: usize, step: f64, c: &[f64], turn: f64, device: &Device) -> S4 {
    let mut s4 = layer(
        1,
        &S4Config {
            state,
            ..S4Config::default()
        },
        device,
    );
    let spectrum = Measure::Legs.system(state).spectrum();
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
    let parts = |z: &[crate::ssm::hippo::C64]| -> (Vec<f64>, Vec<f64>) {
        z.iter().map(|z| (z.re, z.im)).unzip()
    };
    let (b, p) = (parts(&spectrum.b), parts(&spectrum.p[0]));
    s4.b = Param::from_tensor(from(turned(&b.0, &b.1, -1.0), [1, state], device));
    s4.p = Param::from_tensor(from(turned(&p.0, &p.1, -1.0), [1, state], device));
    s4.log_step = Param::from_tensor(from(vec![step.ln()], [1], device));
    s4
}

#[test]
fn kernel_steps_and_scan_of_the_golden_system() {
    let golden = golden("s4_kernel_n4_l16.json");
    let given = &golden["inputs"];
    let device = Device::flex();
    for turn in [0.0, 0.7] {
        let s4 = with_output(4, 0.1, &numbers(&given["C"]), turn, &device);
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

#[test]
fn fourier_kernel_is_the_krylov_kernel() {
    let device = Device::flex();
    let c: Vec<f64> = values(&noise::<1>("c", [64], &device))
        .iter()
        .map(|c| c / 64.0)
        .collect();
    let s4 = with_output(64, 1e-2, &c, 0.0, &device);
    let krylov = s4.dense().columns(1024).kernel.reshape([1, 1024]);
    let difference = (s4.kernel(1024).unwrap() - krylov)
        .abs()
        .max()
        .into_scalar::<f32>();
    assert!(difference <= 1e-6, "{difference:e}");
}

#[test]
fn steps_scans_convolutions_cuts_and_resets_agree() {
    let device = Device::flex();
    for start in [
        S4Start::Legs,
        S4Start::Fout,
        S4Start::Legsd,
        S4Start::Foud,
        S4Start::Hippo,
    ] {
        let s4 = layer(
            2,
            &S4Config {
                state: 8,
                start,
                ..S4Config::default()
            },
            &device,
        );
        check_core(&s4, 257, &device);
        s4.check_stability().unwrap();
        let input = noise("input", [2, 257, 2], &device);
        let state = noise("state", [2, 16], &device);
        let resets = flags(&[0.0; 514], [2, 257], &device);
        let (scanned, _) = s4.scan(input.clone(), resets, state.clone()).unwrap();
        assert_same(&s4.convolve(input, state).unwrap(), &scanned, 1e-4);
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
    for step in [1e-4, 1e-3, 0.1, 1.0, 10.0] {
        let config = S4Config {
            state: 8,
            min_step: step,
            max_step: step,
            ..S4Config::default()
        };
        let s4 = layer(1, &config, &device);
        let silence = Tensor::<3>::zeros([1, 8192, 1], &device);
        let impulse = silence.clone().slice_fill([0..1, 0..1, 0..1], 1.0);
        for input in [silence, impulse] {
            let y = s4.convolve(input, s4.initial_state(1)).unwrap();
            assert!(values(&y).iter().all(|x| x.is_finite()));
        }
    }
}
