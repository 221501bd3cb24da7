use burn::tensor::Device;
use palaestra_envs::stream::Stream;

use super::*;
use crate::testing::{
    assert_close, assert_golden, assert_same, check_convolution, check_core, check_long, complex,
    flags, golden, noise, numbers, tensor, values,
};

fn layer(width: usize, config: &S4dConfig, device: &Device) -> S4d {
    config
        .init(width, &mut Stream::new(3, 0, "s4d"), device)
        .unwrap()
}

fn golden_layer(
    golden: &serde_json::Value,
    start: DiagonalStart,
    rule: Discretisation,
    device: &Device,
) -> S4d {
    let config = S4dConfig {
        state: 8,
        start,
        discretisation: rule,
        ..S4dConfig::default()
    };
    let mut s4d = layer(1, &config, device);
    let given = &golden["inputs"];
    s4d.c = Param::from_tensor(complex::<2>(&given["C"], [1, 4], device).pack());
    s4d.b = Param::from_tensor(complex::<2>(&given["B"], [1, 4], device).pack());
    s4d.log_step = Param::from_tensor(tensor::<1>(&serde_json::json!([0.05]), [1], device).log());
    s4d
}

#[test]
fn kernels_of_the_golden_system() {
    let golden = golden("s4d.json");
    let device = Device::flex();
    for (start, rule, key) in [
        (DiagonalStart::Lin, Discretisation::Zoh, "lin_zoh_K"),
        (
            DiagonalStart::Lin,
            Discretisation::Bilinear,
            "lin_bilinear_K",
        ),
        (DiagonalStart::Inv, Discretisation::Zoh, "inv_zoh_K"),
    ] {
        let s4d = golden_layer(&golden, start, rule, &device);
        assert_golden(&s4d.kernel(16), &golden[key], 1e-5);
    }
}

#[test]
fn steps_from_a_state_of_the_golden_system() {
    let golden = golden("s4d.json");
    let given = &golden["inputs"];
    let device = Device::flex();
    let s4d = golden_layer(&golden, DiagonalStart::Lin, Discretisation::Zoh, &device);
    let system = s4d.system();
    assert_golden(&system.transition.re, &golden["lin_zoh_Abar"]["re"], 1e-6);
    assert_golden(&system.transition.im, &golden["lin_zoh_Abar"]["im"], 1e-6);
    assert_golden(&system.b.re, &golden["lin_zoh_Bbar"]["re"], 1e-6);
    assert_golden(&system.b.im, &golden["lin_zoh_Bbar"]["im"], 1e-6);
    let input = tensor::<3>(&given["u"], [1, 8, 1], &device);
    let state = complex::<2>(&given["state0"], [1, 4], &device).pack();
    let resets = flags(&[0.0; 8], [1, 8], &device);
    let (y, last) = chunked_scan(&system, input, &resets, state);
    assert_golden(&y, &golden["step_y"], 1e-5);
    let end = &golden["step_final_state"];
    assert_close(
        &values(&last),
        &[numbers(&end["re"]), numbers(&end["im"])].concat(),
        1e-5,
    );
}

#[test]
fn eigenvalues_at_the_start() {
    let golden = golden("hippo.json");
    for (start, key) in [
        (DiagonalStart::Lin, "lin"),
        (DiagonalStart::Inv, "inv"),
        (DiagonalStart::Inv2, "inv2"),
        (DiagonalStart::Quad, "quad"),
    ] {
        let all = start.eigenvalues(3, 8, &mut Stream::new(0, 0, "s4d"));
        assert!(all.len() == 3 && all[0] == all[2]);
        let im: Vec<f64> = all[1].iter().map(|l| l.1).collect();
        assert_close(&im, &numbers(&golden["s4d_imag_N8"][key]), 1e-12);
    }
}

/// `diag` is `inv` in the first half of the channels and `lin` in the others; ln Im λ of `random` is standard normal.
#[test]
fn starts_that_differ_from_channel_to_channel() {
    let of = |start: DiagonalStart| start.eigenvalues(5, 200, &mut Stream::new(0, 0, "s4d"));
    let (diag, inv, lin) = (
        of(DiagonalStart::Diag),
        of(DiagonalStart::Inv),
        of(DiagonalStart::Lin),
    );
    assert!(diag[..2] == inv[..2] && diag[2..] == lin[2..]);
    let random = of(DiagonalStart::Random).concat();
    let (mut mean, mut square) = (0.0, 0.0);
    for (re, im) in &random {
        assert_eq!(*re, -0.5);
        mean += im.ln() / 500.0;
        square += im.ln().powi(2) / 500.0;
    }
    // Four standard deviations.
    assert!(mean.abs() < 4.0 / 500.0_f64.sqrt(), "{mean}");
    assert!(
        (square - 1.0).abs() < 4.0 * (2.0 / 500.0_f64).sqrt(),
        "{square}"
    );
}

#[test]
fn steps_scans_convolutions_cuts_and_resets_agree() {
    let device = Device::flex();
    for (start, rule) in [
        (DiagonalStart::Lin, Discretisation::Zoh),
        (DiagonalStart::Legs, Discretisation::Bilinear),
        (DiagonalStart::Real, Discretisation::Zoh),
        (DiagonalStart::Diag, Discretisation::Zoh),
        (DiagonalStart::Random, Discretisation::Bilinear),
    ] {
        let config = S4dConfig {
            state: 8,
            start,
            discretisation: rule,
            ..S4dConfig::default()
        };
        let s4d = layer(3, &config, &device);
        check_core(&s4d, 257, &device);
        check_convolution(&s4d, 257, &device);
    }
}

#[test]
fn parameters_are_as_many_as_in_the_published_layer() {
    let s4d = layer(256, &S4dConfig::default(), &Device::flex());
    assert_eq!(s4d.num_params(), 181_248);
}

#[test]
fn nothing_overflows_over_eight_thousand_steps() {
    let device = Device::flex();
    for step in [1e-4, 1e-3, 0.1, 1.0, 10.0] {
        let config = S4dConfig {
            state: 8,
            min_step: step,
            max_step: step,
            ..S4dConfig::default()
        };
        check_long(&layer(2, &config, &device), &device);
    }
}

/// Convolutions of every length: one step, odd ones, powers of two and their neighbours.
#[test]
fn convolutions_of_any_length_are_scans() {
    let device = Device::flex();
    for rule in [Discretisation::Zoh, Discretisation::Bilinear] {
        let config = S4dConfig {
            state: 8,
            discretisation: rule,
            ..S4dConfig::default()
        };
        let s4d = layer(2, &config, &device);
        for steps in [1, 2, 3, 31, 32, 33, 63, 64, 100] {
            check_convolution(&s4d, steps, &device);
        }
    }
}

/// Of each conjugate pair either mode may be stored, and eigenvectors may have any phase.
#[test]
fn phases_of_eigenvectors_and_stored_halves_do_not_matter() {
    let device = Device::flex();
    let config = S4dConfig {
        state: 8,
        ..S4dConfig::default()
    };
    let s4d = layer(2, &config, &device);
    let expected = s4d.kernel(50);
    let mut mirrored = s4d.clone();
    mirrored.frequency = Param::from_tensor(s4d.frequency.val().neg());
    mirrored.c = Param::from_tensor(Complex::unpack(s4d.c.val()).conj().pack());
    assert_same(&mirrored.kernel(50), &expected, 1e-6);
    let mut turned = s4d.clone();
    let turn = |sign: f32| {
        let phase = noise::<2>("phase", [2, 4], &device).mul_scalar(sign);
        Complex::new(phase.clone().cos(), phase.sin())
    };
    let by = |packed: Tensor<2>, sign: f32| Complex::unpack(packed).mul(turn(sign)).pack();
    turned.b = Param::from_tensor(by(s4d.b.val(), -1.0));
    turned.c = Param::from_tensor(by(s4d.c.val(), 1.0));
    assert_same(&turned.kernel(50), &expected, 1e-6);
}
