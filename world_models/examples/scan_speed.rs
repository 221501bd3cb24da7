//! Wall time of an S5 layer with resets, forward and backward, by the form of its scan.
//!
//! `cargo run --release -p palaestra-world-models --example scan_speed [repeats]`
#![expect(clippy::print_stdout, reason = "an example that reports")]

use std::time::Instant;

use burn::tensor::{Bool, Device, Distribution, Tensor};
use palaestra_envs::stream::Stream;
use palaestra_world_models::{
    CoreError, SequenceCore,
    scan::{DiagonalScan, ScanForm, diagonal_scan},
    ssm::s5::{Activation, S5, S5Config},
};

const BATCH: usize = 8;
const STEPS: usize = 1024;
const STATE: usize = 256;
const WIDTH: usize = 256;

fn main() -> Result<(), CoreError> {
    let repeats = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(5);
    let device = Device::flex().autodiff();
    let layer = |activation| {
        let config = S5Config {
            state: STATE,
            activation,
            ..S5Config::default()
        };
        config.init(WIDTH, &mut Stream::new(1, 0, "speed"), &device)
    };
    println!(
        "batch {BATCH} x {STEPS} steps, P = {STATE}, H = {WIDTH}; best of {repeats}, milliseconds"
    );
    println!("{:28} {:>9} {:>9} {:>7}", "", "doubling", "fused", "ratio");
    let scan_only = |form| scan_alone(form, &device);
    report("scan", repeats, &scan_only)?;
    for (name, activation) in [
        ("S5 state-space model", None),
        ("S5 layer, gelu", Some(Activation::Gelu)),
        ("S5 layer, gated", Some(Activation::FullGlu)),
    ] {
        let core = layer(activation.unwrap_or_default())?;
        let run = |form| whole_layer(&core, activation.is_some(), form, &device);
        report(name, repeats, &run)?;
    }
    Ok(())
}

fn report(
    name: &str,
    repeats: usize,
    run: &dyn Fn(ScanForm) -> Result<f64, CoreError>,
) -> Result<(), CoreError> {
    // Turn and turn about: a machine that is busy for a while is so for both.
    let (mut doubling, mut fused) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..repeats {
        doubling = doubling.min(1e3 * run(ScanForm::Doubling)?);
        fused = fused.min(1e3 * run(ScanForm::Fused)?);
    }
    println!(
        "{name:28} {doubling:9.1} {fused:9.1} {:7.1}",
        doubling / fused
    );
    Ok(())
}

/// A reset about every hundred steps.
fn resets(device: &Device) -> Tensor<2, Bool> {
    Tensor::<2>::random([BATCH, STEPS], Distribution::Uniform(0.0, 1.0), device).lower_scalar(0.01)
}

fn input(width: usize, device: &Device) -> Tensor<3> {
    Tensor::random([BATCH, STEPS, width], Distribution::Default, device).require_grad()
}

/// Seconds of the scan of an S5 layer's states, forward and backward.
fn scan_alone(form: ScanForm, device: &Device) -> Result<f64, CoreError> {
    let scan = DiagonalScan {
        transition: Tensor::full([STATE], 0.6, device).require_grad(),
        input: input(STATE, device),
        resets: resets(device),
        state: Tensor::zeros([BATCH, STATE], device),
    };
    let start = Instant::now();
    let grads = diagonal_scan(scan, Some(form))?.sum().backward();
    drop(grads);
    Ok(start.elapsed().as_secs_f64())
}

/// Seconds of a layer, forward and backward; or of its state-space model alone.
fn whole_layer(core: &S5, whole: bool, form: ScanForm, device: &Device) -> Result<f64, CoreError> {
    let (input, resets, state) = (
        input(WIDTH, device),
        resets(device),
        core.initial_state(BATCH),
    );
    let start = Instant::now();
    let (output, _) = if whole {
        core.scan_by(input, resets, state, Some(form))?
    } else {
        core.state_space(input, resets, state, Some(form))?
    };
    let grads = output.sum().backward();
    drop(grads);
    Ok(start.elapsed().as_secs_f64())
}
