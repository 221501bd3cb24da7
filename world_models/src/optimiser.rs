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
    pub fn save(&self) -> Vec<Option<SavedMoments>> {
        let values = |t: &Tensor<1>| t.to_data().try_into_vec::<f32>().unwrap_or_default();
        let saved = self.moments.iter().map(|state| {
            let momentum = &state.as_ref()?.momentum;
            Some(SavedMoments {
                time: momentum.time as u64,
                first: values(&momentum.moment_1),
                second: values(&momentum.moment_2),
            })
        });
        saved.collect()
    }

    /// Takes up saved moments.
    pub fn load(&mut self, saved: Vec<Option<SavedMoments>>, device: &Device) {
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
    }
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
