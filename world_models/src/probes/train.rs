//! Training the cores of a probe on its task.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use burn::{module::Module, optim::GradientsParams, tensor::Device};
use palaestra_envs::stream::Stream;
use serde_json::Value;

use super::{
    Coefficients, CoreConfig, CoreResult, Part, Point, ProbeConfig, ProbeNetwork, ProbeReport,
    SeedResult, SizeScore,
    batch::{Batch, read},
    example,
    measure::{derivatives, measure},
};
use crate::{CoreError, Cost, StackConfig, optimiser::Optimiser};

/// Largest norm of a gradient.
const LARGEST_NORM: f64 = 1.0;

/// Trains every core with every seed, on `threads` threads; `done` is called after each update. The result does not
/// depend on `threads`.
///
/// # Errors
/// Arguments that a core refuses, a gradient that is not finite.
pub fn run(
    config: &ProbeConfig,
    threads: usize,
    done: impl Fn() + Sync,
) -> Result<ProbeReport, CoreError> {
    let (seeds, cores) = (config.seeds.len(), config.cores.len());
    let jobs = seeds * cores;
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<_, CoreError>>>> =
        Mutex::new((0..jobs).map(|_| None).collect());
    let failed =
        |results: &[Option<Result<_, CoreError>>]| results.iter().flatten().any(Result::is_err);
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, jobs.max(1)) {
            scope.spawn(|| {
                loop {
                    let job = next.fetch_add(1, Ordering::Relaxed);
                    if job >= jobs {
                        return;
                    }
                    let core = &config.cores[job / seeds];
                    let result = train(config, core, config.seeds[job % seeds], &done);
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results[job] = Some(result);
                    if failed(&results) {
                        next.store(jobs, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    // The error of the earliest; after it there may be trainings that were not begun.
    let results: Vec<_> = results.into_iter().flatten().collect::<Result<_, _>>()?;
    let probe = config.task.probe();
    let mut results = results.into_iter();
    let of_core = |core: &CoreConfig| {
        let trained: Vec<(usize, Cost, SeedResult)> = results.by_ref().take(seeds).collect();
        let (parameters, cost) = trained.first().map(|first| (first.0, first.1))?;
        Some(CoreResult {
            label: core.label().to_owned(),
            parameters,
            cost,
            seeds: trained.into_iter().map(|trained| trained.2).collect(),
        })
    };
    Ok(ProbeReport {
        config: config.clone(),
        score: if probe.border().classes.is_some() {
            "accuracy"
        } else {
            "error"
        },
        size_name: probe.size_name(),
        chance: probe.chance(),
        cores: config.cores.iter().filter_map(of_core).collect(),
    })
}

/// One training: parameters of the whole network, cost of one layer's core, and how it went.
fn train(
    config: &ProbeConfig,
    core: &CoreConfig,
    seed: u64,
    done: &(impl Fn() + Sync),
) -> Result<(usize, Cost, SeedResult), CoreError> {
    let device = Device::flex().autodiff();
    let probe = config.task.probe();
    let stack = StackConfig {
        core: core.core.clone(),
        width: config.model.width,
        layers: config.model.layers,
        args: Value::Object(core.args.clone()),
    };
    let mut rng = Stream::new(seed, 0, "probe.weights");
    let mut network = ProbeNetwork::new(&stack, &config.model, probe.border(), &mut rng, &device)?;
    let parameters = network.num_params();
    let cost = network.core().map(Cost::of).unwrap_or_default();
    let mut optimiser = Optimiser::new(1e-8, LARGEST_NORM);
    let [train_sizes, test_sizes] = probe.sizes();
    let largest = train_sizes.iter().copied().max().unwrap_or(1);
    let lr = core.lr.unwrap_or(config.lr);
    let mut curve = Vec::new();
    for step in 0..config.steps {
        let size = train_sizes[step % train_sizes.len()];
        let first = (step * config.batch) as u64;
        let rows = (first..first + config.batch as u64)
            .map(|index| example(probe, seed, Part::Train, size, index));
        let batch = Batch::new(rows.collect(), &device);
        let loss = batch.loss(network.forward(batch.input.clone())?);
        let value = f64::from(read(loss.clone().inner())?[0]);
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        let rate = config.learning_rate(lr, step);
        (network, _) = optimiser.step(rate, network, gradients)?;
        // The last update is always measured.
        let passed = |step: usize| step * config.measurements / config.steps;
        if passed(step + 1) > passed(step) {
            curve.push(Point {
                step: step + 1,
                loss: value,
                score: measure(config, &network.valid(), seed, largest)?,
            });
        }
        done();
    }
    let network = network.valid();
    let sizes = test_sizes
        .iter()
        .map(|size| {
            let score = measure(config, &network, seed, *size)?;
            Ok(SizeScore { size: *size, score })
        })
        .collect::<Result<_, CoreError>>()?;
    let coefficients = match probe.coefficients() {
        None => None,
        Some(of_process) => Some(Coefficients {
            of_process: of_process.to_vec(),
            of_model: derivatives(config, &network, seed, of_process.len())?,
        }),
    };
    let result = SeedResult {
        seed,
        curve,
        sizes,
        coefficients,
    };
    Ok((parameters, cost, result))
}
