//! Activation functions that are fast on Burn's CPU device.
//!
//! There they are one operation each, written so that the compiler turns them into vector code, with closed gradients
//! and split over threads; Burn's own call the standard library for every number, which can cost more than all matrix
//! products of a layer. On other devices these are Burn's.

mod affine;
mod autodiff;
mod kernels;

use burn::{
    backend::{Backend, Dispatch, backend_extension, tensor::FloatTensor},
    tensor::{Tensor, activation},
};

pub(crate) use self::affine::plus_product;
pub use self::affine::{Rectifier, linear};
use crate::scan::runs_fused;

/// Which function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// x/2·(1 + tanh(√(2/π)(x + 0.044715 x³))).
    Gelu,
    /// max(x, x/100).
    LeakyRelu,
    /// 1/(1 + e^{−x}).
    Sigmoid,
    /// x/(1 + e^{−x}).
    Silu,
    /// ln(1 + e^x).
    Softplus,
    /// (e^x − e^{−x})/(e^x + e^{−x}).
    Tanh,
}

/// Differentiable functions of every element.
#[backend_extension(Autodiff, Flex)]
pub(crate) trait ActivationBackend: Backend {
    /// The function's values.
    fn activate(x: FloatTensor<Self>, function: Function) -> FloatTensor<Self>;

    /// `skip + value∘σ(gate)`, all of one shape.
    fn gate(
        value: FloatTensor<Self>,
        gate: FloatTensor<Self>,
        skip: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// A device that has the derivatives, too.
pub(crate) trait ActivationKernels: ActivationBackend {
    /// `grad` times the function's derivative at `x`.
    fn activate_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        function: Function,
    ) -> FloatTensor<Self>;

    /// Gradients of value and gate; that of `skip` is `grad`.
    fn gate_backward(
        value: FloatTensor<Self>,
        gate: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 2];
}

fn fused<const D: usize>(x: Tensor<D>, function: Function) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as ActivationBackend>::activate(
        x.into_dispatch(),
        function,
    ))
}

/// The Gaussian error linear unit in its tanh form, as Flax's default.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if runs_fused(&x) {
        fused(x, Function::Gelu)
    } else {
        activation::gelu_approximate(x)
    }
}

/// max(x, x/100), the leaky rectifier with its usual slope.
pub fn leaky_relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if runs_fused(&x) {
        fused(x, Function::LeakyRelu)
    } else {
        activation::leaky_relu(x, f64::from(kernels::SLOPE))
    }
}

/// 1/(1 + e^{−x}).
pub fn sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if runs_fused(&x) {
        fused(x, Function::Sigmoid)
    } else {
        activation::sigmoid(x)
    }
}

/// x/(1 + e^{−x}).
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if runs_fused(&x) {
        fused(x, Function::Silu)
    } else {
        activation::silu(x)
    }
}

/// ln(1 + e^x).
pub fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if runs_fused(&x) {
        fused(x, Function::Softplus)
    } else {
        activation::softplus(x, 1.0)
    }
}

/// `skip + value∘σ(gate)`, a gated linear unit beside a residual connection; all of one shape.
pub(crate) fn gated<const D: usize>(
    value: Tensor<D>,
    gate: Tensor<D>,
    skip: Tensor<D>,
) -> Tensor<D> {
    if runs_fused(&value) && runs_fused(&gate) && runs_fused(&skip) {
        Tensor::from_dispatch(<Dispatch as ActivationBackend>::gate(
            value.into_dispatch(),
            gate.into_dispatch(),
            skip.into_dispatch(),
        ))
    } else {
        skip + value * sigmoid(gate)
    }
}

/// Makes e^x of every x on the host, to about 1 unit in the last place.
pub fn exponentials(x: &mut [f32]) {
    kernels::exponentials(x);
}

/// ln(1/(1 + e^{−x})).
pub fn log_sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    softplus(x.neg()).neg()
}

/// The hyperbolic tangent.
pub fn tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if runs_fused(&x) {
        fused(x, Function::Tanh)
    } else {
        activation::tanh(x)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::testing::{assert_close, assert_same, from, noise, values};

    /// A function, its values and its derivatives in double precision.
    type Case<'a> = (
        fn(Tensor<1>) -> Tensor<1>,
        &'a dyn Fn(f64) -> f64,
        &'a dyn Fn(f64) -> f64,
    );

    /// Values and gradients are those of double precision, from −20 to 20 and beyond.
    #[test]
    fn values_and_gradients_are_exact_to_rounding() {
        let device = Device::flex().autodiff();
        let mut points: Vec<f64> = (-2000..=2000).map(|i| f64::from(i) * 0.01).collect();
        points.extend([-1e4, -90.0, 90.0, 1e4, 1e-6, -1e-6]);
        let s = |x: f64| 1.0 / (1.0 + (-x).exp());
        let inner =
            |x: f64| 2.0 * (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
        let slope =
            |x: f64| 2.0 * (2.0 / std::f64::consts::PI).sqrt() * (1.0 + 3.0 * 0.044_715 * x * x);
        let gelu_slope = |x: f64| {
            let g = s(inner(x));
            if g == 0.0 || g == 1.0 {
                g
            } else {
                g + x * g * (1.0 - g) * slope(x)
            }
        };
        let cases: [Case<'_>; 6] = [
            (leaky_relu, &|x| x.max(0.01 * x), &|x| {
                if x < 0.0 { 0.01 } else { 1.0 }
            }),
            (softplus, &|x| x.max(0.0) + (-x.abs()).exp().ln_1p(), &s),
            (gelu, &|x| x * s(inner(x)), &gelu_slope),
            (sigmoid, &s, &|x| s(x) * (1.0 - s(x))),
            (silu, &|x| x * s(x), &|x| s(x) * (1.0 + x * (1.0 - s(x)))),
            (tanh, &f64::tanh, &|x| 1.0 - x.tanh().powi(2)),
        ];
        for (function, value, derivative) in cases {
            let x = from::<1>(points.clone(), [points.len()], &device).require_grad();
            let exact: Vec<f64> = values(&x);
            let y = function(x.clone());
            let grads = y.clone().sum().backward();
            let expect = |f: &dyn Fn(f64) -> f64| exact.iter().map(|x| f(*x)).collect::<Vec<f64>>();
            assert_close(&values(&y), &expect(value), 1e-6);
            assert_close(&values(&x.grad(&grads).unwrap()), &expect(derivative), 2e-6);
        }
    }

    /// Slices of a tensor, and one large enough to be split over threads.
    #[test]
    fn any_layout_gives_the_same() {
        let device = Device::flex();
        let x = noise::<3>("x", [7, 300, 40], &device);
        let view = x.clone().swap_dims(0, 2).narrow(1, 5, 200);
        let found = gelu(view.clone());
        assert_same(&found, &activation::gelu_approximate(view), 1e-6);
        assert_same(&silu(x.clone()), &activation::silu(x), 1e-6);
    }

    #[test]
    fn a_gate_and_its_gradients_are_those_of_its_parts() {
        let device = Device::flex().autodiff();
        let part = |name: &str| noise::<3>(name, [3, 150, 120], &device).require_grad();
        let [v, g, s] = ["value", "gate", "skip"].map(part);
        let weight = noise::<3>("weight", [3, 150, 120], &device);
        let both = [
            gated(v.clone(), g.clone(), s.clone()),
            s.clone() + v.clone() * activation::sigmoid(g.clone()),
        ];
        assert_same(&both[0], &both[1], 1e-6);
        let [found, expected] = both.map(|y| (y * weight.clone()).sum().backward());
        for x in [v, g, s] {
            assert_same(&x.grad(&found).unwrap(), &x.grad(&expected).unwrap(), 1e-6);
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let device = Device::flex();
        let x = Tensor::<1>::from_data([f32::NAN, f32::INFINITY, f32::NEG_INFINITY], &device);
        for function in [
            gelu::<1>,
            leaky_relu::<1>,
            sigmoid::<1>,
            silu::<1>,
            tanh::<1>,
        ] {
            assert!(values(&function(x.clone()))[0].is_nan());
        }
        assert_close(&values(&sigmoid(x.clone()))[1..], &[1.0, 0.0], 0.0);
        assert_close(&values(&tanh(x))[1..], &[1.0, -1.0], 0.0);
    }
}
