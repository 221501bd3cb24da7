//! Graphics cards against the processor: the same numbers and the same gradients, up to rounding. Without a card, or a
//! program that stands in for one, there is nothing to compare.

#![allow(clippy::print_stderr, reason = "tells why a test is left out")]

use burn::{
    optim::GradientsParams,
    tensor::{Device, DeviceKind, DeviceType, Tensor},
};
use palaestra_envs::stream::Stream;

use super::{
    ScanForm,
    tests::{CHANNELS, SHAPES, flat, run_delta, run_diagonal, run_gated, run_selective},
};
use crate::{
    SequenceCore, StackConfig,
    optimiser::Optimiser,
    testing::{assert_close, assert_same, noise, random_resets, values},
};

/// Of the largest number.
const TOLERANCE: f64 = 1e-4;

/// The device, if there is one.
fn card() -> Option<Device> {
    if Device::enumerate(DeviceType::Wgpu).is_empty() {
        let driver = std::path::Path::new("/usr/share/vulkan/icd.d").exists();
        let checked = std::env::var_os("CI").is_some();
        assert!(!(driver && checked), "there is a driver, but no adapter");
        eprintln!("skipped: there is no adapter for Vulkan, Metal or DirectX 12 here");
        return None;
    }
    Some(Device::wgpu(DeviceKind::default()))
}

/// The same numbers where `run` runs.
#[track_caller]
fn assert_devices_agree(card: &Device, run: impl Fn(&Device) -> Vec<Tensor<1>>) {
    let expected = run(&Device::flex().autodiff());
    let found = run(&card.clone().autodiff());
    for (found, expected) in found.iter().zip(&expected) {
        assert_same(found, expected, TOLERANCE);
    }
}

#[test]
fn cards_run_the_fused_form() {
    let Some(card) = card() else { return };
    let tensor = Tensor::<1>::zeros([1], &card);
    assert_eq!(ScanForm::for_tensor(&tensor), ScanForm::Fused);
    assert!(!super::runs_fused(&tensor));
}

#[test]
fn diagonal_is_the_same() {
    let Some(card) = card() else { return };
    for (shape, p) in SHAPES {
        assert_devices_agree(&card, |on| run_diagonal(shape, p, ScanForm::Fused, on));
    }
}

#[test]
fn gated_is_the_same() {
    let Some(card) = card() else { return };
    for (shape, p) in SHAPES {
        assert_devices_agree(&card, |on| run_gated(shape, p, ScanForm::Fused, on));
    }
}

#[test]
fn selective_is_the_same() {
    let Some(card) = card() else { return };
    for (shape, n, p) in CHANNELS {
        assert_devices_agree(&card, |on| run_selective(shape, n, p, ScanForm::Fused, on));
    }
}

#[test]
fn delta_is_the_same() {
    let Some(card) = card() else { return };
    for (shape, n, p) in CHANNELS {
        assert_devices_agree(&card, |on| run_delta(shape, n, p, ScanForm::Fused, on));
    }
}

/// Sums over rows, channels and time come out the same again.
#[test]
fn gradients_are_the_same_again() {
    let Some(card) = card() else { return };
    let device = card.autodiff();
    let run = || {
        let mut all = run_diagonal([9, 33, 40], 0.1, ScanForm::Fused, &device);
        all.extend(run_selective([5, 33, 70], 5, 0.1, ScanForm::Fused, &device));
        all.extend(run_delta([5, 33, 70], 5, 0.1, ScanForm::Fused, &device));
        all.iter().flat_map(values).collect::<Vec<f64>>()
    };
    assert_close(&run(), &run(), 0.0);
}

/// Two layers of `core`, trained for three updates: outputs, last state and the gradient of the input, then the loss
/// before every update and after the last.
fn train(core: &str, args: serde_json::Value, device: &Device) -> Vec<Tensor<1>> {
    let (batch, steps, width) = (3, 21, 8);
    let config = StackConfig {
        core: core.into(),
        width,
        layers: 2,
        args,
    };
    let mut stack = config.init(&mut Stream::new(3, 0, core), device).unwrap();
    let mut optimiser = Optimiser::new(1e-8, 1.0);
    let resets = random_resets(batch, steps, 0.1, device);
    let target = noise::<3>("target", [batch, steps, width], device);
    let mut out = Vec::new();
    let mut losses = Vec::new();
    for update in 0..=3 {
        let input = noise::<3>("input", [batch, steps, width], device).require_grad();
        let state = stack.initial_state(batch);
        let (y, last) = stack.scan(input.clone(), resets.clone(), state).unwrap();
        let loss = (y.clone() - target.clone()).square().mean() + last.clone().square().mean();
        losses.push(loss.clone().inner());
        let mut grads = loss.backward();
        if update == 0 {
            let gradient = input.grad_remove(&mut grads).unwrap();
            out.extend([flat(y.inner()), flat(last.inner()), flat(gradient)]);
        }
        let grads = GradientsParams::from_grads(grads, &stack);
        (stack, _) = optimiser.step(1e-2, stack, grads).unwrap();
    }
    out.push(Tensor::cat(losses, 0));
    out
}

/// Rounding grows with updates, so the losses are held to less.
fn assert_training_agrees(core: &str, args: serde_json::Value) {
    let Some(card) = card() else { return };
    let mut expected = train(core, args.clone(), &Device::flex().autodiff());
    let mut found = train(core, args, &card.autodiff());
    let (expected_losses, losses) = (expected.pop().unwrap(), found.pop().unwrap());
    for (found, expected) in found.iter().zip(&expected) {
        assert_same(found, expected, TOLERANCE);
    }
    assert_same(&losses, &expected_losses, 1e-3);
    let losses = values(&losses);
    assert!(losses[3] < losses[0], "no progress: {losses:?}");
}

#[test]
fn s5_learns_the_same() {
    assert_training_agrees("s5", serde_json::json!({"state": 12}));
}

#[test]
fn mamba_learns_the_same() {
    assert_training_agrees("mamba", serde_json::json!({"state": 4}));
}

#[test]
fn gated_delta_learns_the_same() {
    assert_training_agrees("gated_delta", serde_json::json!({"heads": 2}));
}

/// No operation of our own on a card: Burn's, step by step.
#[test]
fn gru_learns_the_same() {
    assert_training_agrees("gru", serde_json::json!({}));
}
