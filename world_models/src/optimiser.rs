//! Adam on gradients that are first scaled to a norm, as one vector of all parameters.
//!
//! *Kingma and Ba, Adam: a method for stochastic optimization, arXiv 1412.6980.*
//!
//! The step is Burn's. Kept here are the norm over all parameters (Burn clips each by itself) and the moments in the
//! order of the parameters (Burn files them under random numbers, so that equal runs would save different bytes).

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::{Adam, AdamConfig, AdamState, AdaptiveMomentumState, GradientsParams, Optimizer},
    tensor::{Device, Tensor, TensorData},
};
use serde::{Deserialize, Serialize};

use crate::CoreError;

/// The optimiser and its moments.
#[derive(Clone)]
pub struct Optimiser {
    adam: Adam,
    max_norm: f64,
    /// Of each parameter, flat; `None` until it has had a gradient.
    moments: Vec<Option<AdamState<1>>>,
}

/// The moments of one parameter, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedMoments {
    time: u64,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl std::fmt::Debug for Optimiser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Optimiser")
            .field("max_norm", &self.max_norm)
            .finish_non_exhaustive()
    }
}

impl Optimiser {
    /// An optimiser with nothing behind it.
    pub fn new(adam_eps: f64, max_norm: f64) -> Self {
        Self {
            adam: AdamConfig::new().with_epsilon(adam_eps as f32).build(),
            max_norm,
            moments: Vec::new(),
        }
    }

    /// The module after one step, and the norm of its gradient before clipping.
    pub fn step<M: Module>(&mut self, lr: f64, module: M, gradients: GradientsParams) -> (M, f64) {
        let norm = global_norm(&module, &gradients);
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
        (module.map(&mut mapper), norm)
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
        let saved = self.moments.iter().map(|state| {
            let Some(AdamState { momentum }) = state else {
                return Ok(None);
            };
            Ok(Some(SavedMoments {
                time: momentum.time as u64,
                first: values(&momentum.moment_1)?,
                second: values(&momentum.moment_2)?,
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
        let tensor = |values: Vec<f32>| {
            let shape = [values.len()];
            Tensor::from_data(TensorData::new(values, shape), device)
        };
        let state = |saved: SavedMoments| {
            AdamState::new(AdaptiveMomentumState::new(
                saved.time as usize,
                tensor(saved.first),
                tensor(saved.second),
            ))
        };
        self.moments = saved.into_iter().map(|saved| saved.map(state)).collect();
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

/// ‖g‖ over all parameters.
fn global_norm(module: &impl Module, gradients: &GradientsParams) -> f64 {
    struct Squares<'a>(&'a GradientsParams, Vec<Tensor<1>>);
    impl ModuleVisitor for Squares<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.0.get::<D>(param.id) {
                self.1.push(gradient.square().sum());
            }
        }
    }
    let mut squares = Squares(gradients, Vec::new());
    module.visit(&mut squares);
    if squares.1.is_empty() {
        return 0.0;
    }
    let squares = Tensor::cat(squares.1, 0).into_data();
    squares.iter::<f64>().sum::<f64>().sqrt()
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
        let state = moments[index].take();
        let (adam, lr, scale) = (&self.optimiser.adam, self.lr, self.scale);
        let mut next = None;
        let param = param.map(|value| {
            let shape = value.dims();
            let size = [shape.iter().product::<usize>()];
            let gradient = gradient.reshape(size).mul_scalar(scale);
            let (value, state) = adam.step(lr, value.inner().reshape(size), gradient, state);
            next = state;
            Tensor::from_inner(value.reshape(shape)).require_grad()
        });
        self.optimiser.moments[index] = next;
        param
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::{
        SequenceCore, Stack, StackConfig,
        testing::{assert_same, noise, random_resets},
    };

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
        optimiser.step(1e-2, stack, gradients).0
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
