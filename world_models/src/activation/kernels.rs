//! The functions and their derivatives over slices, and on tensors of Burn's CPU device.

use burn::backend::Flex;
use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{ActivationBackend, ActivationKernels, Function};
use crate::elementary::{exp, softplus, tanh};

/// Numbers of a task; fewer are not worth a thread.
const TASK: usize = 1 << 15;

/// 2√(2/π).
const GELU_RATE: f32 = 1.595_769_2;

/// The cubic part of gelu's argument.
const GELU_CUBIC: f32 = 0.044_715;

/// Slope of the leaky rectifier below zero.
pub(super) const SLOPE: f32 = 0.01;

#[inline(always)]
fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
fn value(function: Function, x: f32) -> f32 {
    match function {
        Function::Gelu => x * logistic(GELU_RATE * (x + GELU_CUBIC * x * x * x)),
        Function::LeakyRelu => {
            if x < 0.0 {
                SLOPE * x
            } else {
                x
            }
        }
        Function::Sigmoid => logistic(x),
        Function::Silu => x * logistic(x),
        Function::Softplus => softplus(x),
        Function::Tanh => tanh(x),
    }
}

#[inline(always)]
fn derivative(function: Function, x: f32) -> f32 {
    match function {
        Function::Gelu => {
            // Beyond ±10 the derivative is 0 or 1; so large a cube would only make 0·∞ of it.
            let x = x.clamp(-10.0, 10.0);
            let s = logistic(GELU_RATE * (x + GELU_CUBIC * x * x * x));
            s + x * s * (1.0 - s) * GELU_RATE * (1.0 + 3.0 * GELU_CUBIC * x * x)
        }
        Function::LeakyRelu => {
            if x < 0.0 {
                SLOPE
            } else {
                1.0
            }
        }
        Function::Sigmoid => {
            let s = logistic(x);
            s * (1.0 - s)
        }
        Function::Silu => {
            let s = logistic(x);
            s + x.clamp(-1e4, 1e4) * s * (1.0 - s)
        }
        Function::Softplus => logistic(x),
        Function::Tanh => {
            let t = tanh(x);
            1.0 - t * t
        }
    }
}

/// A loop over elements with the function chosen outside of it.
macro_rules! each {
    ($function:expr, |$f:ident| $body:expr) => {
        match $function {
            Function::Gelu => {
                let $f = Function::Gelu;
                $body
            }
            Function::LeakyRelu => {
                let $f = Function::LeakyRelu;
                $body
            }
            Function::Sigmoid => {
                let $f = Function::Sigmoid;
                $body
            }
            Function::Silu => {
                let $f = Function::Silu;
                $body
            }
            Function::Softplus => {
                let $f = Function::Softplus;
                $body
            }
            Function::Tanh => {
                let $f = Function::Tanh;
                $body
            }
        }
    };
}

#[multiversion(targets("x86_64+avx2"))]
fn apply(function: Function, x: &mut [f32]) {
    each!(function, |f| for x in x.iter_mut() {
        *x = value(f, *x);
    });
}

/// Multiplies `grad` by the derivatives at `x`.
#[multiversion(targets("x86_64+avx2"))]
fn apply_backward(function: Function, x: &[f32], grad: &mut [f32]) {
    let n = x.len().min(grad.len());
    let (x, grad) = (&x[..n], &mut grad[..n]);
    each!(function, |f| for i in 0..n {
        grad[i] *= derivative(f, x[i]);
    });
}

/// The tensor with its elements in order, in a buffer of its own: copied only if it is a view or someone else holds it.
fn own(tensor: FlexTensor) -> FlexTensor {
    let contiguous = tensor.to_contiguous();
    // Only now may the buffer be held once.
    drop(tensor);
    contiguous
}

impl ActivationBackend for Flex {
    fn activate(x: FlexTensor, function: Function) -> FlexTensor {
        let mut x = own(x);
        let values = x.storage_mut::<f32>();
        if values.len() <= TASK {
            apply(function, values);
        } else {
            values
                .par_chunks_mut(TASK)
                .for_each(|values| apply(function, values));
        }
        x
    }
}

impl ActivationKernels for Flex {
    fn activate_backward(x: FlexTensor, grad: FlexTensor, function: Function) -> FlexTensor {
        let x = x.to_contiguous();
        let mut grad = own(grad);
        let (x, grads) = (x.storage::<f32>(), grad.storage_mut::<f32>());
        if grads.len() <= TASK {
            apply_backward(function, x, grads);
        } else {
            grads
                .par_chunks_mut(TASK)
                .zip(x.par_chunks(TASK))
                .for_each(|(grad, x)| apply_backward(function, x, grad));
        }
        grad
    }
}
