//! The functions and their derivatives over slices, and on tensors of Burn's CPU device.

use burn::backend::Flex;
use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{ActivationBackend, ActivationKernels, Function};
use crate::{
    buffers::own,
    elementary::{exp, softplus, tanh},
};

/// Numbers of a task; fewer are not worth a thread.
pub(super) const TASK: usize = 1 << 15;

/// Whether work on so many numbers is worth handing to the pool of threads; who hands it over waits for one to wake up.
pub(super) fn worth_threads(numbers: usize) -> bool {
    numbers > TASK && rayon::current_num_threads() > 1
}

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
        Function::LeakyRelu => x * if x < 0.0 { SLOPE } else { 1.0 },
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

/// Makes e^x of every x.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn exponentials(x: &mut [f32]) {
    for x in x.iter_mut() {
        *x = exp(*x);
    }
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

/// Adds `value∘σ(gate)`.
#[multiversion(targets("x86_64+avx2"))]
fn add_gated(value: &[f32], gate: &[f32], sum: &mut [f32]) {
    let n = sum.len().min(value.len()).min(gate.len());
    let (value, gate, sum) = (&value[..n], &gate[..n], &mut sum[..n]);
    for i in 0..n {
        sum[i] += value[i] * logistic(gate[i]);
    }
}

/// Makes of `value` the gate's gradient and of `grad` the value's.
#[multiversion(targets("x86_64+avx2"))]
fn gate_gradients(value: &mut [f32], gate: &[f32], grad: &mut [f32]) {
    let n = grad.len().min(value.len()).min(gate.len());
    let (value, gate, grad) = (&mut value[..n], &gate[..n], &mut grad[..n]);
    for i in 0..n {
        let s = logistic(gate[i]);
        let of_value = grad[i] * s;
        value[i] *= of_value * (1.0 - s);
        grad[i] = of_value;
    }
}

impl ActivationBackend for Flex {
    fn activate(x: FlexTensor, function: Function) -> FlexTensor {
        let mut x = own(x);
        let values = x.storage_mut::<f32>();
        if worth_threads(values.len()) {
            values
                .par_chunks_mut(TASK)
                .for_each(|values| apply(function, values));
        } else {
            apply(function, values);
        }
        x
    }

    fn gate(value: FlexTensor, gate: FlexTensor, skip: FlexTensor) -> FlexTensor {
        let (value, gate) = (value.to_contiguous(), gate.to_contiguous());
        let mut sum = own(skip);
        let (value, gate) = (value.storage::<f32>(), gate.storage::<f32>());
        let sums = sum.storage_mut::<f32>();
        if worth_threads(sums.len()) {
            sums.par_chunks_mut(TASK)
                .zip(value.par_chunks(TASK).zip(gate.par_chunks(TASK)))
                .for_each(|(sum, (value, gate))| add_gated(value, gate, sum));
        } else {
            add_gated(value, gate, sums);
        }
        sum
    }
}

impl ActivationKernels for Flex {
    fn activate_backward(x: FlexTensor, grad: FlexTensor, function: Function) -> FlexTensor {
        let x = x.to_contiguous();
        let mut grad = own(grad);
        let (x, grads) = (x.storage::<f32>(), grad.storage_mut::<f32>());
        if worth_threads(grads.len()) {
            grads
                .par_chunks_mut(TASK)
                .zip(x.par_chunks(TASK))
                .for_each(|(grad, x)| apply_backward(function, x, grad));
        } else {
            apply_backward(function, x, grads);
        }
        grad
    }

    fn gate_backward(value: FlexTensor, gate: FlexTensor, grad: FlexTensor) -> [FlexTensor; 2] {
        let gate = gate.to_contiguous();
        let (mut of_gate, mut of_value) = (own(value), own(grad));
        let gate = gate.storage::<f32>();
        let (grads, values) = (of_value.storage_mut::<f32>(), of_gate.storage_mut::<f32>());
        if worth_threads(grads.len()) {
            grads
                .par_chunks_mut(TASK)
                .zip(values.par_chunks_mut(TASK))
                .zip(gate.par_chunks(TASK))
                .for_each(|((grad, value), gate)| gate_gradients(value, gate, grad));
        } else {
            gate_gradients(values, gate, grads);
        }
        [of_value, of_gate]
    }
}
