//! Adam on gradients that are first scaled to a norm, as one vector of all parameters.
//!
//! *Kingma and Ba, Adam: a method for stochastic optimization, arXiv 1412.6980.*
//!
//! The numbers are those of Burn's Adam. Its own here are the norm over all parameters (Burn clips each by itself), the
//! moments in the order of the parameters (Burn files them under random numbers, so that equal runs would save different
//! bytes), and a step that passes over memory once on Burn's CPU device.

mod kernels;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};
use serde::{Deserialize, Serialize};

use crate::{CoreError, gradients::check_gradients, scan::runs_fused};

/// β₁ and β₂.
const DECAY: [f32; 2] = [0.9, 0.999];

/// The optimiser and its moments.
#[derive(Debug, Clone)]
pub struct Optimiser {
    eps: f32,
    max_norm: f64,
    /// Of each parameter, flat; `None` until it has had a gradient.
    moments: Vec<Option<Moments>>,
}

/// The moments of one parameter.
#[derive(Debug, Clone)]
struct Moments {
    /// Steps made.
    time: u64,
    /// m and v.
    both: [Tensor<1>; 2],
}

/// The moments of one parameter, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedMoments {
    time: u64,
    first: Vec<f32>,
    second: Vec<f32>,
}

/// What a step is made with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// Of the gradient.
    scale: f32,
    lr: f32,
    /// √(1 − β₂ᵗ) / (1 − β₁ᵗ).
    correction: f32,
    /// ε √(1 − β₂ᵗ).
    eps: f32,
}

impl Step {
    fn new(scale: f64, lr: f64, eps: f32, time: u64) -> Self {
        let time = i32::try_from(time).unwrap_or(i32::MAX);
        let second = (1.0 - DECAY[1].powi(time)).sqrt();
        Self {
            scale: scale as f32,
            lr: lr as f32,
            correction: second / (1.0 - DECAY[0].powi(time)),
            eps: eps * second,
        }
    }

    /// θ, m and v after the step.
    #[inline(always)]
    fn of(self, value: f32, gradient: f32, first: f32, second: f32) -> (f32, f32, f32) {
        let gradient = gradient * self.scale;
        let first = first * DECAY[0] + gradient * (1.0 - DECAY[0]);
        let second = second * DECAY[1] + gradient * gradient * (1.0 - DECAY[1]);
        let change = first * self.correction / (second.sqrt() + self.eps) * self.lr;
        (value - change, first, second)
    }

    /// The same for all numbers of a parameter.
    fn apply(
        self,
        value: Tensor<1>,
        gradient: Tensor<1>,
        [first, second]: [Tensor<1>; 2],
    ) -> (Tensor<1>, [Tensor<1>; 2]) {
        if runs_fused(&value) {
            return kernels::step(value, gradient, [first, second], self);
        }
        let gradient = gradient * self.scale;
        let first = first * DECAY[0] + gradient.clone() * (1.0 - DECAY[0]);
        let second = second * DECAY[1] + gradient.square() * (1.0 - DECAY[1]);
        let change = first.clone() * self.correction / (second.clone().sqrt() + self.eps) * self.lr;
        (value - change, [first, second])
    }
}

impl Optimiser {
    /// An optimiser with nothing behind it.
    pub fn new(adam_eps: f64, max_norm: f64) -> Self {
        Self {
            eps: adam_eps as f32,
            max_norm,
            moments: Vec::new(),
        }
    }

    /// The module after one step, and the norm of its gradient before clipping.
    ///
    /// # Errors
    /// As [`check_gradients`]; no step is made then.
    pub fn step<M: Module>(
        &mut self,
        lr: f64,
        module: M,
        gradients: GradientsParams,
    ) -> Result<(M, f64), CoreError> {
        let norm = check_gradients(&module, &gradients)?;
        let scale = if norm > self.max_norm {
            self.max_norm / norm
        } else {
            1.0
        };
        let mut mapper = StepMapper {
            optimiser: self,
            gradients,
            lr,
            scale,
            index: 0,
        };
        Ok((module.map(&mut mapper), norm))
    }

    /// The moments, to be given to [`load`](Self::load).
    ///
    /// # Errors
    /// [`CoreError::Read`] if the device does not give back their numbers.
    pub fn save(&self) -> Result<Vec<Option<SavedMoments>>, CoreError> {
        let values = |t: &Tensor<1>| {
            let values = t.to_data().try_into_vec::<f32>();
            values.map_err(|error| CoreError::Read {
                reason: error.to_string(),
            })
        };
        let saved = self.moments.iter().map(|moments| {
            let Some(Moments { time, both }) = moments else {
                return Ok(None);
            };
            Ok(Some(SavedMoments {
                time: *time,
                first: values(&both[0])?,
                second: values(&both[1])?,
            }))
        });
        saved.collect()
    }

    /// Takes up the moments that were saved with the parameters of `module`. No moments at all are those of an optimiser
    /// that has not taken a step; otherwise every parameter must have its entry, which is `None` if it has not had a
    /// gradient yet.
    ///
    /// # Errors
    /// [`CoreError::Moments`] if some are missing, or belong to parameters of other sizes; the optimiser is then as it was.
    pub fn load(
        &mut self,
        saved: Vec<Option<SavedMoments>>,
        module: &impl Module,
        device: &Device,
    ) -> Result<(), CoreError> {
        check_moments(&saved, &sizes(module))?;
        // Nothing of a step is recorded.
        let device = device.clone().inner();
        let tensor = |values: Vec<f32>| {
            let shape = [values.len()];
            Tensor::from_data(TensorData::new(values, shape), &device)
        };
        let moments = |saved: SavedMoments| Moments {
            time: saved.time,
            both: [saved.first, saved.second].map(tensor),
        };
        self.moments = saved.into_iter().map(|saved| saved.map(moments)).collect();
        Ok(())
    }
}

/// How many numbers each parameter has, in the order in which [`Optimiser::step`] meets them.
fn sizes(module: &impl Module) -> Vec<usize> {
    struct Sizes(Vec<usize>);
    impl ModuleVisitor for Sizes {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.dims().iter().product());
        }
    }
    let mut sizes = Sizes(Vec::new());
    module.visit(&mut sizes);
    sizes.0
}

fn check_moments(saved: &[Option<SavedMoments>], sizes: &[usize]) -> Result<(), CoreError> {
    let misfit = |reason| Err(CoreError::Moments { reason });
    if !saved.is_empty() && saved.len() != sizes.len() {
        let (found, expected) = (saved.len(), sizes.len());
        return misfit(format!("there are {found} for {expected} parameters"));
    }
    for (place, (saved, size)) in saved.iter().zip(sizes).enumerate() {
        let Some(saved) = saved else { continue };
        for (which, moments) in [("first", &saved.first), ("second", &saved.second)] {
            if moments.len() != *size {
                let found = moments.len();
                return misfit(format!(
                    "the {which} moments of parameter {place} are {found} numbers, it has {size}"
                ));
            }
        }
    }
    Ok(())
}

/// Σ x², `[1]`.
pub(crate) fn square_sum<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    if runs_fused(&x) {
        kernels::square_sum(x)
    } else {
        x.square().sum()
    }
}

/// Walks through the parameters and steps each.
struct StepMapper<'a> {
    optimiser: &'a mut Optimiser,
    gradients: GradientsParams,
    lr: f64,
    scale: f64,
    index: usize,
}

impl ModuleMapper for StepMapper<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let index = self.index;
        self.index += 1;
        let moments = &mut self.optimiser.moments;
        moments.resize(moments.len().max(self.index), None);
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let before = moments[index].take();
        let (lr, scale, eps) = (self.lr, self.scale, self.optimiser.eps);
        let mut after = None;
        let param = param.map(|value| {
            let shape = value.dims();
            let size = [shape.iter().product::<usize>()];
            let (value, gradient) = (value.inner().reshape(size), gradient.reshape(size));
            let Moments { time, both } = before.unwrap_or_else(|| Moments {
                time: 0,
                both: [(); 2].map(|()| Tensor::zeros(size, &value.device())),
            });
            let step = Step::new(scale, lr, eps, time + 1);
            let (value, both) = step.apply(value, gradient, both);
            after = Some(Moments {
                time: time + 1,
                both,
            });
            Tensor::from_inner(value.reshape(shape)).require_grad()
        });
        self.optimiser.moments[index] = after;
        param
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        nn::Linear,
        optim::{AdamConfig, ModuleOptimizer},
    };
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::{
        SequenceCore, Stack, StackConfig, init,
        testing::{assert_same, noise, random_resets},
    };

    /// Where nothing is clipped the parameters are Burn's to the last bit.
    #[test]
    fn steps_are_those_of_burn() {
        let device = Device::flex().autodiff();
        let first = init::linear(&mut Stream::new(1, 0, "test"), 37, 5, true, &device);
        let x = noise::<2>("x", [11, 37], &device);
        let gradients = |layer: &Linear| {
            let loss = layer.forward(x.clone()).square().mean();
            GradientsParams::from_grads(loss.backward(), layer)
        };
        let mut burn: ModuleOptimizer = AdamConfig::new().with_epsilon(1e-5).init();
        let (mut theirs, mut ours) = (first.clone(), first);
        let mut optimiser = Optimiser::new(1e-5, f64::INFINITY);
        for _ in 0..20 {
            let of_theirs = gradients(&theirs);
            theirs = burn.step(3e-3, theirs, of_theirs);
            let of_ours = gradients(&ours);
            (ours, _) = optimiser.step(3e-3, ours, of_ours).unwrap();
        }
        assert_same(&ours.weight.val(), &theirs.weight.val(), 0.0);
        let [ours, theirs] = [ours, theirs].map(|layer| layer.bias.unwrap().val());
        assert_same(&ours, &theirs, 0.0);
    }

    #[test]
    fn the_norm_is_over_all_parameters() {
        let device = Device::flex().autodiff();
        let layer = init::linear(&mut Stream::new(1, 0, "test"), 40, 3, true, &device);
        let x = noise::<2>("x", [2, 40], &device);
        let gradients = || {
            let loss = layer.forward(x.clone()).sum();
            GradientsParams::from_grads(loss.backward(), &layer)
        };
        // ∂/∂W is the sum of the inputs for each output, ∂/∂b the number of rows.
        let square = x.clone().sum_dim(0).square().sum().into_scalar::<f32>();
        let expected = (3.0 * f64::from(square) + 3.0 * 4.0).sqrt();
        let mut optimiser = Optimiser::new(1e-8, 0.5);
        let (_, norm) = optimiser.step(1e-3, layer.clone(), gradients()).unwrap();
        assert!((norm / expected - 1.0).abs() < 1e-6, "{norm}, {expected}");
        let Some(Some(Moments {
            both: [first, _], ..
        })) = optimiser.moments.first()
        else {
            panic!("no moments");
        };
        let of_weight = gradients().get::<2>(layer.weight.id).unwrap();
        let scaled = of_weight.reshape([120]) * (0.1 * 0.5 / norm);
        assert_same(first, &scaled, 1e-6);
    }

    fn stack(width: usize, device: &Device) -> Stack {
        let config = StackConfig {
            core: "gru".into(),
            width,
            layers: 1,
            args: serde_json::Value::Null,
        };
        config.init(&mut Stream::new(1, 0, "gru"), device).unwrap()
    }

    fn update(optimiser: &mut Optimiser, stack: Stack, name: &str, device: &Device) -> Stack {
        let input = noise(name, [2, 5, 4], device);
        let resets = random_resets(2, 5, 0.2, device);
        let (y, _) = stack.scan(input, resets, stack.initial_state(2)).unwrap();
        let gradients = y.square().mean().backward();
        let gradients = GradientsParams::from_grads(gradients, &stack);
        optimiser.step(1e-2, stack, gradients).unwrap().0
    }

    /// An optimiser that takes up what another has saved goes on as that one would have.
    #[test]
    fn saved_moments_go_on() {
        let device = Device::flex().autodiff();
        let mut first = Optimiser::new(1e-8, 1.0);
        let trained = update(&mut first, stack(4, &device), "one", &device);
        let mut second = Optimiser::new(1e-8, 1.0);
        let saved = first.save().unwrap();
        second.load(saved.clone(), &trained, &device).unwrap();
        assert_eq!(second.save().unwrap(), saved);
        let run = |optimiser: &mut Optimiser| {
            let next = update(optimiser, trained.clone(), "two", &device);
            let input = noise("three", [1, 3, 4], &device);
            let resets = random_resets(1, 3, 0.0, &device);
            next.scan(input, resets, next.initial_state(1)).unwrap().0
        };
        assert_same(&run(&mut second), &run(&mut first), 0.0);
        // One that has not taken a step has none.
        let fresh = Optimiser::new(1e-8, 1.0);
        assert!(fresh.save().unwrap().is_empty());
        second.load(Vec::new(), &trained, &device).unwrap();
    }

    /// Moments that are missing or of other sizes would otherwise be zero, or an error far from here.
    #[test]
    fn moments_that_do_not_fit_are_told() {
        let device = Device::flex().autodiff();
        let mut optimiser = Optimiser::new(1e-8, 1.0);
        let trained = update(&mut optimiser, stack(4, &device), "one", &device);
        let saved = optimiser.save().unwrap();
        let mut load = |saved| {
            let error = optimiser.load(saved, &trained, &device).unwrap_err();
            assert!(matches!(error, CoreError::Moments { .. }), "{error}");
            error.to_string()
        };
        let mut short = saved.clone();
        let last = short.pop().unwrap().unwrap();
        let count = saved.len();
        let told = load(short);
        let expected = format!("there are {} for {count} parameters", count - 1);
        assert!(told.contains(&expected), "{told}");
        let mut cut = saved.clone();
        cut[count - 1] = Some(SavedMoments {
            second: Vec::new(),
            ..last.clone()
        });
        let told = load(cut);
        let size = last.second.len();
        let expected = format!(
            "the second moments of parameter {} are 0 numbers, it has {size}",
            count - 1
        );
        assert!(told.contains(&expected), "{told}");
        // What was refused has changed nothing.
        assert_eq!(optimiser.save().unwrap(), saved);
    }
}
