//! Adam on gradients that are first scaled to a norm, as one vector of all parameters.
//!
//! *Kingma and Ba, Adam: a method for stochastic optimization, arXiv 1412.6980.*
//!
//! The numbers are those of Burn's Adam. Its own here are the norm over all parameters (Burn clips each by itself), the
//! moments in the order of the parameters (Burn files them under random numbers, so that equal runs would save different
//! bytes), and a step that passes over memory once on Burn's CPU device.

mod kernels;

use burn::{
    module::{Module, ModuleMapper, Param},
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
    pub fn save(&self) -> Vec<Option<SavedMoments>> {
        let values = |t: &Tensor<1>| t.to_data().try_into_vec::<f32>().unwrap_or_default();
        let saved = self.moments.iter().map(|moments| {
            let Moments { time, both } = moments.as_ref()?;
            Some(SavedMoments {
                time: *time,
                first: values(&both[0]),
                second: values(&both[1]),
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
        let moments = |saved: SavedMoments| Moments {
            time: saved.time,
            both: [saved.first, saved.second].map(tensor),
        };
        self.moments = saved.into_iter().map(|saved| saved.map(moments)).collect();
    }
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
        init,
        testing::{assert_same, noise},
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
}
