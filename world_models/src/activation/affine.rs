//! `f(base + x W)` as one operation on Burn's CPU device: a layer with its bias and what follows it, or a product beside a
//! skip connection.
//!
//! The product is added to the base where that lies, f works in place, and the reverse needs f's values alone; so a layer
//! takes one buffer instead of three, and passes over it once instead of four times.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    nn::Linear,
    tensor::{Bytes, DType, Shape, Tensor, activation},
};
use burn_flex::{FlexTensor, Layout};
use multiversion::multiversion;
use rayon::prelude::*;

use super::{
    kernels::{SLOPE, TASK, worth_threads},
    leaky_relu,
};
use crate::{
    buffers::own,
    products::{Matrix, add_product, product},
    scan::runs_fused,
};

/// What follows a layer; the derivative of each is known from its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rectifier {
    /// x.
    None,
    /// max(x, x/100).
    Leaky,
    /// max(x, 0).
    Plain,
}

/// Differentiable `f(base + x W)`.
#[backend_extension(Autodiff, Flex)]
pub(crate) trait AffineBackend: Backend {
    /// `x` `[…, I]`, `weight` `[I, O]`, `base` `[O]` if `is_row`, else of the result's shape `[…, O]`.
    fn affine(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        base: FloatTensor<Self>,
        is_row: bool,
        rectifier: Rectifier,
    ) -> FloatTensor<Self>;
}

/// What the reverse needs.
#[derive(Debug, Clone)]
pub(crate) struct Saved<B: Backend> {
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    /// The values, where the derivative depends on them.
    output: Option<FloatTensor<B>>,
    rectifier: Rectifier,
    /// Whether the base is one row for all.
    is_row: bool,
}

/// A device that has the reverse, too.
pub(crate) trait AffineKernels: AffineBackend {
    /// Gradients of `x`, `weight` and `base`, those that are wanted.
    fn affine_backward(
        saved: Saved<Self>,
        grad: FloatTensor<Self>,
        wanted: [bool; 3],
    ) -> [Option<FloatTensor<Self>>; 3];
}

fn affine<const D: usize, const E: usize>(
    base: Tensor<E>,
    x: Tensor<D>,
    weight: Tensor<2>,
    rectifier: Rectifier,
) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as AffineBackend>::affine(
        x.into_dispatch(),
        weight.into_dispatch(),
        base.into_dispatch(),
        E == 1,
        rectifier,
    ))
}

/// The layer's output, rectified.
///
/// # Shapes
/// `x` `[…, I]` to `[…, O]` for a layer of I inputs and O outputs.
pub fn linear<const D: usize>(layer: &Linear, x: Tensor<D>, rectifier: Rectifier) -> Tensor<D> {
    match &layer.bias {
        Some(bias) if D > 1 && runs_fused(&x) => {
            affine(bias.val(), x, layer.weight.val(), rectifier)
        }
        _ => {
            let y = layer.forward(x);
            match rectifier {
                Rectifier::None => y,
                Rectifier::Leaky => leaky_relu(y),
                Rectifier::Plain => activation::relu(y),
            }
        }
    }
}

/// `base + x W`, with `base` `[N, O]`, `x` `[N, I]`, `weight` `[I, O]`.
pub(crate) fn plus_product(base: Tensor<2>, x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    if runs_fused(&x) && runs_fused(&base) {
        affine(base, x, weight, Rectifier::None)
    } else {
        base + x.matmul(weight)
    }
}

#[derive(Debug)]
struct Reverse;

impl<B: AffineKernels> Backward<B, 3> for Reverse {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let wanted = [0, 1, 2].map(|i| ops.parents[i].is_some());
        let parts = B::affine_backward(ops.state, grad, wanted);
        for (parent, part) in ops.parents.into_iter().zip(parts) {
            if let (Some(parent), Some(part)) = (parent, part) {
                grads.register::<B>(parent.id, part);
            }
        }
    }
}

impl<B: AffineKernels, C: CheckpointStrategy> AffineBackend for Autodiff<B, C> {
    fn affine(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        base: FloatTensor<Self>,
        is_row: bool,
        rectifier: Rectifier,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), base.node()];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let base = base.into_primitive();
        match Reverse.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let output = B::affine(x.clone(), weight.clone(), base, is_row, rectifier);
                let kept = (rectifier != Rectifier::None).then(|| output.clone());
                let saved = Saved {
                    x,
                    weight,
                    output: kept,
                    rectifier,
                    is_row,
                };
                prep.finish(saved, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::affine(x, weight, base, is_row, rectifier)),
        }
    }
}

fn wrap(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(
        Bytes::from_elems(values),
        Layout::contiguous(shape),
        DType::F32,
    )
}

/// `shape` with another last axis.
fn with_last(shape: &Shape, last: usize) -> Shape {
    let axes = shape.num_dims();
    let sizes = (0..axes).map(|i| if i + 1 == axes { last } else { shape[i] });
    Shape::from(sizes.collect::<Vec<_>>())
}

/// f of all of `y`; what is no number stays none, and −∞, of which a plain rectifier would make 0, becomes none.
///
/// Every number is multiplied and written, changed or not: compilers make of anything else stores that skip some, which take
/// many times as long on some processors.
#[multiversion(targets("x86_64+avx2"))]
fn rectify(rectifier: Rectifier, y: &mut [f32]) {
    let slope = match rectifier {
        Rectifier::None => return,
        Rectifier::Leaky => SLOPE,
        Rectifier::Plain => 0.0,
    };
    for y in y {
        *y *= if *y < 0.0 { slope } else { 1.0 };
    }
}

/// Multiplies `grad` by the derivatives where f is `y`.
#[multiversion(targets("x86_64+avx2"))]
fn rectify_backward(rectifier: Rectifier, y: &[f32], grad: &mut [f32]) {
    let n = grad.len().min(y.len());
    let (y, grad) = (&y[..n], &mut grad[..n]);
    match rectifier {
        Rectifier::None => {}
        Rectifier::Leaky => {
            for i in 0..n {
                grad[i] *= if y[i] < 0.0 { SLOPE } else { 1.0 };
            }
        }
        Rectifier::Plain => {
            for i in 0..n {
                grad[i] *= if y[i] > 0.0 { 1.0 } else { 0.0 };
            }
        }
    }
}

/// Adds all rows of `grad` to `sums`.
#[multiversion(targets("x86_64+avx2"))]
fn add_rows(grad: &[f32], sums: &mut [f32]) {
    for row in grad.chunks_exact(sums.len()) {
        for (sum, grad) in sums.iter_mut().zip(row) {
            *sum += grad;
        }
    }
}

impl AffineBackend for Flex {
    fn affine(
        x: FlexTensor,
        weight: FlexTensor,
        base: FlexTensor,
        is_row: bool,
        rectifier: Rectifier,
    ) -> FlexTensor {
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let inner = weight.layout().shape()[0];
        let outer = weight.layout().shape()[1];
        let shape = with_last(x.layout().shape(), outer);
        assert_eq!(*x.layout().shape(), with_last(&shape, inner));
        let rows = shape.num_elements() / outer.max(1);
        let mut y = if is_row {
            let base = base.to_contiguous();
            assert_eq!(base.layout().shape().num_elements(), outer);
            wrap(base.storage::<f32>().repeat(rows), shape)
        } else {
            assert_eq!(*base.layout().shape(), shape);
            own(base)
        };
        let values = y.storage_mut::<f32>();
        let weight = Matrix::new(weight.storage(), inner, outer);
        add_product(values, Matrix::new(x.storage(), rows, inner), weight);
        if worth_threads(values.len()) {
            (values.par_chunks_mut(TASK)).for_each(|values| rectify(rectifier, values));
        } else {
            rectify(rectifier, values);
        }
        y
    }
}

impl AffineKernels for Flex {
    fn affine_backward(
        saved: Saved<Self>,
        grad: FlexTensor,
        wanted: [bool; 3],
    ) -> [Option<FlexTensor>; 3] {
        let (x, weight) = (saved.x.to_contiguous(), saved.weight.to_contiguous());
        let inner = weight.layout().shape()[0];
        let outer = weight.layout().shape()[1];
        let rows = x.layout().shape().num_elements() / inner.max(1);
        let mut grad = if saved.output.is_some() {
            own(grad)
        } else {
            grad.to_contiguous()
        };
        // In the order of tasks, whose size does not depend on the number of threads.
        let task = TASK.div_ceil(outer.max(1)) * outer;
        let mut sums = vec![0.0; outer];
        let wants_sums = saved.is_row && wanted[2] && outer > 0;
        let sum = |grad: &[f32]| {
            let mut sums = vec![0.0; outer];
            if wants_sums {
                add_rows(grad, &mut sums);
            }
            sums
        };
        let parts: Vec<_> = match &saved.output {
            Some(output) => {
                let output = output.to_contiguous();
                let (output, grad) = (output.storage::<f32>(), grad.storage_mut::<f32>());
                let step = |(grad, y): (&mut [f32], &[f32])| {
                    rectify_backward(saved.rectifier, y, grad);
                    sum(grad)
                };
                if worth_threads(grad.len()) {
                    let tasks = grad.par_chunks_mut(task).zip(output.par_chunks(task));
                    tasks.map(step).collect()
                } else {
                    let tasks = grad.chunks_mut(task.max(1)).zip(output.chunks(task.max(1)));
                    tasks.map(step).collect()
                }
            }
            None if wants_sums => {
                let grad = grad.storage::<f32>();
                if worth_threads(grad.len()) {
                    grad.par_chunks(task).map(sum).collect()
                } else {
                    grad.chunks(task).map(sum).collect()
                }
            }
            None => Vec::new(),
        };
        for part in parts {
            add_rows(&part, &mut sums);
        }
        let of_y = Matrix::new(grad.storage(), rows, outer);
        let of_x = wanted[0].then(|| {
            let weight = Matrix::new(weight.storage(), inner, outer).transposed();
            wrap(product(of_y, weight), x.layout().shape().clone())
        });
        let of_weight = wanted[1].then(|| {
            let x = Matrix::new(x.storage(), rows, inner).transposed();
            wrap(product(x, of_y), Shape::from(vec![inner, outer]))
        });
        let of_base = wanted[2].then(|| {
            if saved.is_row {
                wrap(sums, Shape::from(vec![outer]))
            } else {
                grad.clone()
            }
        });
        [of_x, of_weight, of_base]
    }
}

#[cfg(test)]
mod tests;
