//! `list cores`: the sequence cores and what a layer costs, counted from layers as they are built.

use std::time::{Duration, Instant};

use burn::{
    module::Module,
    tensor::{Bool, Device, Tensor, TensorData},
};
use clap::Args;
use palaestra_envs::stream::Stream;
use palaestra_world_models::{Cost, SequenceCore, Stack, StackConfig, registry};
use serde_json::{Value, json};

use super::{
    CliError,
    output::{Output, table},
};

/// Rows and steps of what is measured.
const ROWS: usize = 8;
const STEPS: usize = 256;

/// `palaestra list cores`
#[derive(Debug, Clone, Args)]
pub(super) struct CoresArgs {
    /// Numbers per step
    #[arg(long, default_value_t = 256)]
    width: usize,
    /// Layers
    #[arg(long, default_value_t = 1)]
    layers: usize,
    /// Also time steps of 8 rows, and scans of 8 rows by 256 steps without and with gradients, on this machine
    #[arg(long)]
    measure: bool,
}

/// Nanoseconds per token.
struct Times {
    step: f64,
    scan: f64,
    learn: f64,
}

pub(super) fn list(output: &Output, args: &CoresArgs) -> Result<(), CliError> {
    let mut lines = Vec::new();
    let mut documents = Vec::new();
    for entry in registry() {
        let config = StackConfig {
            core: entry.name.into(),
            width: args.width,
            layers: args.layers,
            args: Value::Null,
        };
        let build = |device: &Device| config.init(&mut Stream::new(0, 0, "cores"), device);
        let core = build(&Device::flex())?;
        let cost = Cost::of(&core);
        let times = if args.measure {
            output.message(&format!("timing {}", entry.name));
            Some(measure(&build(&Device::flex().autodiff())?)?)
        } else {
            None
        };
        let mut line = vec![
            entry.name.to_owned(),
            cost.parameters.to_string(),
            cost.state.to_string(),
            cost.multiply_adds.to_string(),
        ];
        let mut document = json!({
            "name": entry.name, "summary": entry.summary, "parameters": cost.parameters,
            "state": cost.state, "multiply_adds": cost.multiply_adds, "defaults": entry.defaults,
        });
        if let Some(times) = times {
            for (key, ns) in [
                ("step_ns", times.step),
                ("scan_ns", times.scan),
                ("learn_ns", times.learn),
            ] {
                line.push(format!("{ns:.0}"));
                document[key] = json!(ns);
            }
        }
        line.push(entry.summary.to_owned());
        lines.push(line);
        documents.push(document);
    }
    let mut header = vec!["core", "parameters", "state", "multiply-adds a token"];
    if args.measure {
        header.extend(["step, ns a token", "scan, ns", "scan and gradient, ns"]);
    }
    header.push("");
    output.text(&table(&header, &lines));
    output.document(
        "list-cores/1",
        &json!({ "width": args.width, "layers": args.layers, "cores": documents }),
    );
    Ok(())
}

/// `core` records gradients; steps and scans without are timed on its inner form.
fn measure(core: &Stack) -> Result<Times, CliError> {
    let inner = core.valid();
    let (device, width) = (Device::flex(), core.width());
    let flags = |count| TensorData::new(vec![false; count], [count]);
    let resets = Tensor::<1, Bool>::from_data(flags(ROWS), &device);
    let input = Tensor::<2>::ones([ROWS, width], &device);
    let state = inner.initial_state(ROWS);
    let step = time(ROWS, || {
        let (y, _) = inner.step(input.clone(), resets.clone(), state.clone())?;
        Ok(y.into_data().num_elements())
    })?;
    let resets = Tensor::<1, Bool>::from_data(flags(ROWS * STEPS), &device);
    let resets = resets.reshape([ROWS, STEPS]);
    let input = Tensor::<3>::ones([ROWS, STEPS, width], &device);
    let scan = time(ROWS * STEPS, || {
        let (y, _) = inner.scan(input.clone(), resets.clone(), state.clone())?;
        Ok(y.into_data().num_elements())
    })?;
    let learn = time(ROWS * STEPS, || {
        let input = Tensor::from_inner(input.clone());
        let (y, _) = core.scan(input, resets.clone(), core.initial_state(ROWS))?;
        let loss: Tensor<1> = y.square().mean();
        let gradients = loss.clone().backward();
        let count = loss.into_data().num_elements();
        drop(gradients);
        Ok(count)
    })?;
    Ok(Times { step, scan, learn })
}

/// Nanoseconds per token: the least of the repetitions that fit into a fifth of a second, of at least three.
fn time(
    tokens: usize,
    mut run: impl FnMut() -> Result<usize, palaestra_world_models::CoreError>,
) -> Result<f64, CliError> {
    let (mut best, mut repetitions) = (f64::INFINITY, 0);
    let begin = Instant::now();
    while repetitions < 3 || begin.elapsed() < Duration::from_millis(200) {
        let once = Instant::now();
        std::hint::black_box(run()?);
        best = best.min(once.elapsed().as_secs_f64());
        repetitions += 1;
    }
    Ok(1e9 * best / tokens as f64)
}
