use burn::tensor::Device;
use palaestra_envs::stream::Stream;

use super::*;
use crate::testing::{
    assert_close, assert_golden, assert_same, check_core, complex, flags, golden, noise, numbers,
    tensor, values,
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
        let im: Vec<f64> = start.eigenvalues(8).iter().map(|l| l.1).collect();
        assert_close(&im, &numbers(&golden["s4d_imag_N8"][key]), 1e-12);
    }
}

#[test]
fn steps_scans_convolutions_cuts_and_resets_agree() {
    let device = Device::flex();
    for (start, rule) in [
        (DiagonalStart::Lin, Discretisation::Zoh),
        (DiagonalStart::Legs, Discretisation::Bilinear),
        (DiagonalStart::Real, Discretisation::Zoh),
    ] {
        let config = S4dConfig {
            state: 8,
            start,
            discretisation: rule,
            ..S4dConfig::default()
        };
        let s4d = layer(3, &config, &device);
        check_core(&s4d, 257, &device);
        let input = noise("input", [2, 257, 3], &device);
        let state = noise("state", [2, 24], &device);
        let resets = flags(&[0.0; 514], [2, 257], &device);
        let (scanned, _) = s4d.scan(input.clone(), resets, state.clone()).unwrap();
        assert_same(&s4d.convolve(input, state).unwrap(), &scanned, 1e-4);
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
        let s4d = layer(2, &config, &device);
        let silence = Tensor::<3>::zeros([1, 8192, 2], &device);
        let impulse = silence.clone().slice_fill([0..1, 0..1, 0..2], 1.0);
        for input in [silence, impulse] {
            let y = s4d.convolve(input, s4d.initial_state(1)).unwrap();
            assert!(values(&y).iter().all(|x| x.is_finite()));
        }
    }
}
