//! Training cores on a task, and measuring what they have learned.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Int, Tensor, TensorData, activation::log_softmax},
};
use palaestra_envs::stream::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Example, Inputs, ModelConfig, Part, ProbeNetwork, Target, Task, example, network::Input,
};
use crate::{CoreError, Cost, StackConfig, find, optimiser::Optimiser};

/// Rows that go through a network at once when it is measured.
const TEST_BATCH: usize = 64;

/// Largest norm of a gradient.
const LARGEST_NORM: f64 = 1.0;

/// One core of a probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoreConfig {
    /// Name of the core.
    pub core: String,
    /// How it is called in tables and pictures; the name of the core unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Arguments of every layer; what is not given has its default.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub args: Map<String, Value>,
    /// Learning rate, if it is not that of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
}

/// A probe: a task, cores, and how they are trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeConfig {
    /// Name of the probe.
    pub name: String,
    /// What it is, in a line or two.
    #[serde(default)]
    pub description: String,
    /// Independent trainings of every core.
    #[serde(default = "seeds")]
    pub seeds: Vec<u64>,
    /// Updates of a training.
    pub steps: usize,
    /// Rows of an update.
    #[serde(default = "batch")]
    pub batch: usize,
    /// Learning rate; it rises over the first tenth of the updates and falls to 0 as a cosine.
    #[serde(default = "lr")]
    pub lr: f64,
    /// Times that a core is measured while it trains, evenly spread.
    #[serde(default = "measurements")]
    pub measurements: usize,
    /// Examples of a measurement.
    #[serde(default = "test_rows")]
    pub test_rows: usize,
    /// The task.
    pub task: Task,
    /// The model around the cores.
    #[serde(default)]
    pub model: ModelConfig,
    /// The cores.
    pub cores: Vec<CoreConfig>,
}

fn seeds() -> Vec<u64> {
    vec![0]
}

fn batch() -> usize {
    32
}

fn lr() -> f64 {
    3e-3
}

fn measurements() -> usize {
    20
}

fn test_rows() -> usize {
    128
}

impl ProbeConfig {
    /// What is out of range, as (key, what is wrong).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let counts = [
            ("steps", self.steps),
            ("batch", self.batch),
            ("measurements", self.measurements),
            ("test_rows", self.test_rows),
            ("model.width", self.model.width),
            ("model.layers", self.model.layers),
            ("seeds", self.seeds.len()),
            ("cores", self.cores.len()),
        ];
        for (key, count) in counts {
            if count == 0 {
                found.push((key.into(), "must be at least 1".into()));
            }
        }
        for (index, core) in self.cores.iter().enumerate() {
            if let Err(error) = find(&core.core) {
                found.push((format!("cores.{index}.core"), error.to_string()));
            }
            let same = |other: &CoreConfig| other.label() == core.label();
            if self.cores[..index].iter().any(same) {
                let message = format!("`{}` stands there twice; give one a `label`", core.label());
                found.push((format!("cores.{index}.label"), message));
            }
        }
        let rates = self.cores.iter().enumerate().filter_map(|(index, core)| {
            let lr = core.lr?;
            Some((format!("cores.{index}.lr"), lr))
        });
        for (key, lr) in rates.chain([("lr".to_owned(), self.lr)]) {
            if !(lr > 0.0 && lr.is_finite()) {
                found.push((key, "must be a positive number".into()));
            }
        }
        for (key, message) in self.task.probe().problems() {
            found.push((format!("task.{key}"), message));
        }
        found
    }

    /// Updates of all trainings together.
    pub fn updates(&self) -> u64 {
        (self.steps * self.seeds.len() * self.cores.len()) as u64
    }

    /// The learning rate of update `step`, of a core whose largest is `lr`.
    fn learning_rate(&self, lr: f64, step: usize) -> f64 {
        let rise = self.steps.div_ceil(10);
        if step < rise {
            return lr * (step + 1) as f64 / rise as f64;
        }
        let share = (step - rise) as f64 / (self.steps - rise).max(1) as f64;
        0.5 * lr * (1.0 + (std::f64::consts::PI * share).cos())
    }
}

impl CoreConfig {
    /// How it is called.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.core)
    }
}

/// How a core did after some updates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Updates.
    pub step: usize,
    /// Loss of the last update.
    pub loss: f64,
    /// Score on new examples of the largest size that is trained on.
    pub score: f64,
}

/// How a core did on new examples of a size, after its training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SizeScore {
    /// The size.
    pub size: usize,
    /// The score.
    pub score: f64,
}

/// Coefficients of the process and of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coefficients {
    /// Those of the process.
    pub of_process: Vec<f64>,
    /// Mean derivatives of the model's forecast in the last values.
    pub of_model: Vec<f64>,
}

/// One training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeedResult {
    /// Its seed.
    pub seed: u64,
    /// While it trained.
    pub curve: Vec<Point>,
    /// After it.
    pub sizes: Vec<SizeScore>,
    /// What it has found of the process, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coefficients: Option<Coefficients>,
}

/// All trainings of a core.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CoreResult {
    /// How it is called.
    pub label: String,
    /// Numbers that are trained, in the whole network.
    pub parameters: usize,
    /// Of one of its layers.
    pub cost: Cost,
    /// The trainings.
    pub seeds: Vec<SeedResult>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProbeReport {
    /// What was asked.
    pub config: ProbeConfig,
    /// What scores are: `accuracy`, the share of right answers, or `error`, the mean squared distance of a forecast from
    /// the best possible one as a share of the mean square of the process.
    pub score: &'static str,
    /// What the sizes count.
    pub size_name: &'static str,
    /// The score of guessing evenly, or of forecasting 0.
    pub chance: f64,
    /// The cores, in the order of the file.
    pub cores: Vec<CoreResult>,
}

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

/// Examples as tensors.
struct Batch {
    input: Input,
    /// Positions of the questions among all steps of all rows.
    asked: Tensor<1, Int>,
    targets: Vec<Target>,
    /// Of numbers, `[K, 1]`; of classes, `[K, 1]`.
    drawn: Drawn,
}

enum Drawn {
    Classes(Tensor<2, Int>),
    Numbers(Tensor<2>),
}

impl Batch {
    fn new(examples: Vec<Example>, device: &Device) -> Self {
        let rows = examples.len();
        let steps = examples.first().map_or(0, |example| example.targets.len());
        let of_numbers = |example: &Example| matches!(example.inputs, Inputs::Numbers(_));
        let input = if examples.first().is_some_and(of_numbers) {
            let values = examples.iter().flat_map(|example| match &example.inputs {
                Inputs::Numbers(values) => &values[..],
                Inputs::Tokens(_) => &[],
            });
            Input::Numbers(numbers(values.copied().collect(), [rows, steps], device))
        } else {
            let tokens = examples.iter().flat_map(|example| match &example.inputs {
                Inputs::Tokens(tokens) => &tokens[..],
                Inputs::Numbers(_) => &[],
            });
            let tokens = tokens.map(|token| *token as i32).collect();
            Input::Tokens(integers(tokens, [rows, steps], device))
        };
        let all = examples.iter().flat_map(|example| &example.targets);
        let asked = all
            .enumerate()
            .filter(|(_, target)| **target != Target::Unasked);
        let (places, targets): (Vec<i32>, Vec<Target>) =
            asked.map(|(place, target)| (place as i32, *target)).unzip();
        let count = targets.len();
        let number = |target: &Target| match target {
            Target::Number { drawn, .. } => Some(*drawn),
            _ => None,
        };
        let class = |target: &Target| match target {
            Target::Class { drawn, .. } => *drawn as i32,
            _ => 0,
        };
        let values = targets.iter().map(number).collect::<Option<Vec<f32>>>();
        let drawn = if let Some(values) = values {
            Drawn::Numbers(numbers(values, [count, 1], device))
        } else {
            let classes = targets.iter().map(class).collect();
            Drawn::Classes(integers(classes, [count, 1], device))
        };
        Self {
            input,
            asked: integers(places, [count], device),
            targets,
            drawn,
        }
    }

    /// Cross-entropy or mean squared error of the questions.
    fn loss(&self, output: Tensor<2>) -> Tensor<1> {
        let output = output.select(0, self.asked.clone());
        match &self.drawn {
            Drawn::Classes(classes) => log_softmax(output, 1)
                .gather(1, classes.clone())
                .mean()
                .neg(),
            Drawn::Numbers(numbers) => (output - numbers.clone()).square().mean(),
        }
    }
}

fn numbers<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn integers<const D: usize>(
    values: Vec<i32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D, Int> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, CoreError> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| CoreError::Read {
            reason: error.to_string(),
        })
}

/// The score on new examples of a size: share of right answers, or distance from the best forecast.
fn measure(
    config: &ProbeConfig,
    network: &ProbeNetwork,
    seed: u64,
    size: usize,
) -> Result<f64, CoreError> {
    let (probe, device) = (config.task.probe(), Device::flex());
    let (mut right, mut asked) = (0, 0);
    let (mut distance, mut power) = (0.0, 0.0);
    for first in (0..config.test_rows).step_by(TEST_BATCH) {
        let rows = first..(first + TEST_BATCH).min(config.test_rows);
        let rows = rows.map(|index| example(probe, seed, Part::Test, size, index as u64));
        let examples: Vec<Example> = rows.collect();
        let withheld = examples.first().map_or(0, |example| example.withheld);
        let batch = Batch::new(examples, &device);
        let output = go_on(network, batch.input.clone(), withheld)?;
        let output = output.select(0, batch.asked.clone());
        let width = output.dims()[1];
        let output = read(output)?;
        for (target, output) in batch.targets.iter().zip(output.chunks(width)) {
            match target {
                Target::Unasked => {}
                Target::Class { accepted, .. } => {
                    let best = (0..width).max_by(|a, b| output[*a].total_cmp(&output[*b]));
                    right += usize::from(best.is_some_and(|best| accepted >> best & 1 == 1));
                    asked += 1;
                }
                Target::Number { drawn, expected } => {
                    distance += f64::from(output[0] - expected).powi(2);
                    power += f64::from(*drawn).powi(2);
                }
            }
        }
    }
    Ok(if asked > 0 {
        right as f64 / asked as f64
    } else {
        distance / power
    })
}

/// The outputs, where at the last `withheld` steps the output of the step before takes the place of the input.
fn go_on(network: &ProbeNetwork, input: Input, withheld: usize) -> Result<Tensor<2>, CoreError> {
    let Input::Numbers(mut numbers) = input else {
        return network.forward(input);
    };
    let [rows, steps] = numbers.dims();
    for step in steps - withheld..steps {
        let output = network.forward(Input::Numbers(numbers.clone()))?;
        let said = output.reshape([rows, steps]).narrow(1, step - 1, 1);
        let mut parts = vec![numbers.clone().narrow(1, 0, step), said];
        if step + 1 < steps {
            parts.push(numbers.narrow(1, step + 1, steps - step - 1));
        }
        numbers = Tensor::cat(parts, 1);
    }
    network.forward(Input::Numbers(numbers))
}

/// Mean derivatives of the last forecast in the last `order` numbers, the latest first, by central differences.
fn derivatives(
    config: &ProbeConfig,
    network: &ProbeNetwork,
    seed: u64,
    order: usize,
) -> Result<Vec<f64>, CoreError> {
    /// Relative to numbers around 1.
    const STEP: f32 = 0.05;
    let (probe, device) = (config.task.probe(), Device::flex());
    let rows = config.test_rows.min(TEST_BATCH);
    let examples = (0..rows).map(|index| example(probe, seed, Part::Test, 1, index as u64));
    let Input::Numbers(numbers) = Batch::new(examples.collect(), &device).input else {
        return Ok(Vec::new());
    };
    let steps = numbers.dims()[1];
    let at = |lag: usize, by: f32| -> Result<f64, CoreError> {
        let mut moved = vec![0.0; steps];
        moved[steps - 1 - lag] = by;
        let moved = self::numbers(moved, [1, steps], &device);
        let output = network.forward(Input::Numbers(numbers.clone() + moved))?;
        let last = output.reshape([rows, steps]).narrow(1, steps - 1, 1);
        Ok(f64::from(read(last.mean())?[0]))
    };
    (0..order)
        .map(|lag| Ok((at(lag, STEP)? - at(lag, -STEP)?) / f64::from(2.0 * STEP)))
        .collect()
}
