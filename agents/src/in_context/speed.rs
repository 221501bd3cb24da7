//! What learning costs by its parts, for `palaestra bench learning`: a layer of S5 over sequences and by single steps, and
//! gradient steps of small learners. All sizes are those that the benchmarks of this repository name.

use std::{fs, time::Instant};

use burn::{
    module::Module,
    nn::Linear,
    optim::GradientsParams,
    tensor::{Bool, Device, Distribution as Random, Tensor},
};
use palaestra_envs::{space::Space, stream::Stream};
use palaestra_world_models::{
    CoreError, SequenceCore,
    activation::{Rectifier, linear},
    init, keep_buffers,
    scan::ScanForm,
    ssm::s5::{Activation, S5, S5Config},
};

use super::{
    Learner, PpoArgs,
    distribution::Distribution,
    optimiser::Optimiser,
    rollout::{Rollout, Step},
};
use crate::AgentError;

/// Sequences of a minibatch, and their steps.
const SEQUENCES: [usize; 2] = [8, 1024];
/// P and H of a layer.
const WIDTH: usize = 256;
/// Rows that act at once.
const ROWS: usize = 64;
/// Transitions of a gradient step of the critics, numbers of state and action, hidden units.
const CRITIC: [usize; 3] = [256, 23, 256];

/// Names of what can be measured, and what it is.
pub const WORKLOADS: [(&str, &str); 10] = [
    (
        "s5_state_space_doubling",
        "state-space model of S5, 8 x 1024 steps, forward and backward, doubling scan",
    ),
    (
        "s5_state_space_fused",
        "state-space model of S5, 8 x 1024 steps, forward and backward, fused scan",
    ),
    (
        "s5_gelu_doubling",
        "layer of S5 with gelu, 8 x 1024 steps, forward and backward, doubling scan",
    ),
    (
        "s5_gelu_fused",
        "layer of S5 with gelu, 8 x 1024 steps, forward and backward, fused scan",
    ),
    (
        "s5_glu_doubling",
        "layer of S5, gated, 8 x 1024 steps, forward and backward, doubling scan",
    ),
    (
        "s5_glu_fused",
        "layer of S5, gated, 8 x 1024 steps, forward and backward, fused scan",
    ),
    ("s5_step", "a step of a gated layer of S5, 64 rows"),
    ("s5_step_products", "the matrix products of that step"),
    (
        "ppo_step",
        "gradient step of PPO, 2048 steps, perceptron 8-64-64 with two heads",
    ),
    (
        "critic_step",
        "gradient step of two critics 23-256-256-1, 256 transitions",
    ),
];

/// What a call costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// Seconds on the clock, for each repetition.
    pub seconds: Vec<f64>,
    /// Seconds of the processor, all threads together, the mean of all repetitions: on a busy machine it tells more than the
    /// clock. Linux alone tells it.
    pub processor_seconds: Option<f64>,
}

impl Cost {
    fn divided(self, calls: u32) -> Self {
        let calls = f64::from(calls);
        Self {
            seconds: self.seconds.into_iter().map(|s| s / calls).collect(),
            processor_seconds: self.processor_seconds.map(|s| s / calls),
        }
    }
}

/// Seconds of the processor that this process has had.
pub fn processor_seconds() -> Option<f64> {
    // Fields 14 and 15, in hundredths of a second; the second field, a name, may contain spaces but ends with the last `)`.
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / 100.0)
}

/// What the workload of that name costs, called `repetitions` times after one call that is not counted.
///
/// # Errors
/// [`AgentError::Failed`] for an unknown name.
pub fn measure(name: &str, repetitions: u32) -> Result<Cost, AgentError> {
    keep_buffers();
    match name {
        "s5_state_space_doubling" => sequences(None, ScanForm::Doubling, repetitions),
        "s5_state_space_fused" => sequences(None, ScanForm::Fused, repetitions),
        "s5_gelu_doubling" => sequences(Some(Activation::Gelu), ScanForm::Doubling, repetitions),
        "s5_gelu_fused" => sequences(Some(Activation::Gelu), ScanForm::Fused, repetitions),
        "s5_glu_doubling" => sequences(Some(Activation::FullGlu), ScanForm::Doubling, repetitions),
        "s5_glu_fused" => sequences(Some(Activation::FullGlu), ScanForm::Fused, repetitions),
        "s5_step" => step(repetitions),
        "s5_step_products" => Ok(step_products(repetitions)),
        "ppo_step" => ppo_step(repetitions),
        "critic_step" => critic_step(repetitions),
        unknown => Err(AgentError::Failed {
            agent: "bench".into(),
            reason: format!("there is no workload `{unknown}`"),
        }),
    }
}

/// What a call of `work` costs, for each repetition of `calls` of them.
fn timed<E>(
    repetitions: u32,
    calls: u32,
    mut work: impl FnMut() -> Result<(), E>,
) -> Result<Cost, E> {
    work()?;
    let before = processor_seconds();
    let mut seconds = Vec::new();
    for _ in 0..repetitions {
        let began = Instant::now();
        for _ in 0..calls {
            work()?;
        }
        seconds.push(began.elapsed().as_secs_f64());
    }
    let processor = before.zip(processor_seconds()).map(|(a, b)| b - a);
    let cost = Cost {
        seconds,
        processor_seconds: processor.map(|s| s / f64::from(repetitions)),
    };
    Ok(cost.divided(calls))
}

fn layer(activation: Activation, device: &Device) -> Result<S5, CoreError> {
    let config = S5Config {
        state: WIDTH,
        activation,
        ..S5Config::default()
    };
    config.init(WIDTH, &mut Stream::new(1, 0, "speed"), device)
}

/// A layer over whole sequences with a reset about every hundred steps, gradients of parameters and input; its state-space
/// model alone without an activation.
fn sequences(
    activation: Option<Activation>,
    form: ScanForm,
    repetitions: u32,
) -> Result<Cost, AgentError> {
    let device = Device::flex().autodiff();
    let core = layer(activation.unwrap_or_default(), &device)?;
    let [batch, steps] = SEQUENCES;
    let uniform = Random::Uniform(0.0, 1.0);
    let resets: Tensor<2, Bool> =
        Tensor::<2>::random(SEQUENCES, uniform, &device).lower_scalar(0.01);
    let input = Tensor::<3>::random([batch, steps, WIDTH], Random::Default, &device);
    timed(repetitions, 1, || {
        let (input, resets) = (input.clone().require_grad(), resets.clone());
        let state = core.initial_state(batch);
        let (output, _) = if activation.is_some() {
            core.scan_by(input, resets, state, Some(form))?
        } else {
            core.state_space(input, resets, state, Some(form))?
        };
        drop(output.sum().backward());
        Ok(())
    })
}

/// A step of all rows without gradients, as an agent acts.
fn step(repetitions: u32) -> Result<Cost, AgentError> {
    let device = Device::flex();
    let core = layer(Activation::FullGlu, &device)?;
    let input = Tensor::<2>::random([ROWS, WIDTH], Random::Default, &device);
    let resets: Tensor<1, Bool> = Tensor::<1>::zeros([ROWS], &device).greater_scalar(0.5);
    let mut state = core.initial_state(ROWS);
    timed(repetitions, 100, || {
        (_, state) = core.step(input.clone(), resets.clone(), state.clone())?;
        Ok(())
    })
}

/// Four products `[64, 256]` x `[256, 256]`: into the state, out of it, and the two of the gated activation.
fn step_products(repetitions: u32) -> Cost {
    let device = Device::flex();
    let x = Tensor::<2>::random([ROWS, WIDTH], Random::Default, &device);
    let weights = [(); 4].map(|()| Tensor::<2>::random([WIDTH, WIDTH], Random::Default, &device));
    let products = || {
        for weight in &weights {
            drop(x.clone().matmul(weight.clone()));
        }
        Ok::<(), std::convert::Infallible>(())
    };
    timed(repetitions, 100, products).unwrap_or_else(|never| match never {})
}

/// The update of [`Learner`] with one minibatch: everything that it does for a gradient step.
fn ppo_step(repetitions: u32) -> Result<Cost, AgentError> {
    const EPOCHS: u32 = 50;
    let (rows, steps, width) = (16, 128, 8);
    let args = PpoArgs {
        layers: Some(0),
        encoder: vec![64, 64],
        heads: Vec::new(),
        rollout: steps,
        epochs: EPOCHS as usize,
        minibatches: 1,
        lr: 3e-4,
        entropy_coef: 0.01,
        ..PpoArgs::default()
    };
    let actions = Distribution::of(&Space::discrete(4)).ok_or_else(|| AgentError::Failed {
        agent: "bench".into(),
        reason: "integers have no policy".into(),
    })?;
    let mut learner = Learner::new(&args, width, actions, 1, 1, &Device::flex())?;
    let mut rng = Stream::new(1, 0, "speed");
    let mut rollout = Rollout::new(rows, steps);
    for i in 0..steps {
        let step = Step {
            observation: init::normal(&mut rng, rows * width, 1.0),
            starts: vec![i == 0; rows],
            mask: Vec::new(),
            action: (0..rows).map(|row| ((row + i) % 4) as f32).collect(),
            log_prob: vec![0.25_f32.ln(); rows],
            value: init::normal(&mut rng, rows, 1.0),
            acting: Vec::new(),
        };
        rollout.put(0, &step, &init::normal(&mut rng, rows, 1.0));
        rollout.advance();
    }
    let (value, start) = (vec![0.0; rows], vec![false; rows]);
    let update = timed(repetitions, 1, || learner.update(&rollout, &value, &start))?;
    Ok(update.divided(EPOCHS))
}

/// Critics of soft actor-critic.
#[derive(Module, Debug)]
struct Critics {
    first: Vec<Linear>,
    second: Vec<Linear>,
}

fn critic_step(repetitions: u32) -> Result<Cost, AgentError> {
    let device = Device::flex().autodiff();
    let [batch, width, hidden] = CRITIC;
    let mut rng = Stream::new(1, 0, "speed");
    let mut critic = || -> Vec<Linear> {
        let widths = [(width, hidden), (hidden, hidden), (hidden, 1)];
        let layer = |(from, to)| init::linear(&mut rng, from, to, true, &device);
        widths.into_iter().map(layer).collect()
    };
    let mut critics = Critics {
        first: critic(),
        second: critic(),
    };
    let x = Tensor::<2>::random([batch, width], Random::Default, &device);
    let target = Tensor::<2>::random([batch, 1], Random::Default, &device);
    let mut optimiser = Optimiser::new(1e-8, f64::INFINITY);
    timed(repetitions, 50, || {
        let error = |layers: &[Linear]| {
            let last = layers.len() - 1;
            let value = layers.iter().enumerate().fold(x.clone(), |x, (i, layer)| {
                let rectifier = if i == last {
                    Rectifier::None
                } else {
                    Rectifier::Plain
                };
                linear(layer, x, rectifier)
            });
            (value - target.clone()).square().mean()
        };
        let loss = error(&critics.first) + error(&critics.second);
        let gradients = GradientsParams::from_grads(loss.backward(), &critics);
        (critics, _) = optimiser.step(3e-4, critics.clone(), gradients)?;
        // As a learner that reports its loss.
        loss.try_into_scalar::<f32>()
            .map_err(|error| CoreError::Read {
                reason: error.to_string(),
            })?;
        Ok(())
    })
}
