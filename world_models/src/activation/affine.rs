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

/// f of all of `y`.
#[multiversion(targets("x86_64+avx2"))]
fn rectify(rectifier: Rectifier, y: &mut [f32]) {
    match rectifier {
        Rectifier::None => {}
        Rectifier::Leaky => y.iter_mut().for_each(|y| {
            *y = if *y < 0.0 { SLOPE * *y } else { *y };
        }),
        // What is no number stays none.
        Rectifier::Plain => y.iter_mut().for_each(|y| {
            *y = if *y < 0.0 { 0.0 } else { *y };
        }),
    }
}

/// Multiplies `grad` by the derivatives where f is `y`.
#[multiversion(targets("x86_64+avx2"))]
fn rectify_backward(rectifier: Rectifier, y: &[f32], grad: &mut [f32]) {
    let each = grad.iter_mut().zip(y);
    match rectifier {
        Rectifier::None => {}
        Rectifier::Leaky => each.for_each(|(grad, y)| {
            *grad = if *y < 0.0 { SLOPE * *grad } else { *grad };
        }),
        Rectifier::Plain => each.for_each(|(grad, y)| {
            *grad = if *y > 0.0 { *grad } else { 0.0 };
        }),
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
mod tests {
    use burn::{
        module::Param,
        tensor::{Device, Tensor},
    };

    use super::*;
    use crate::testing::{assert_same, noise, values};

    /// Small, a single output, and large enough for several tasks.
    const SHAPES: [[usize; 4]; 3] = [[2, 3, 5, 4], [3, 7, 6, 1], [4, 300, 20, 64]];

    /// Values and gradients are those of Burn's operations.
    #[test]
    fn a_layer_is_its_parts() {
        let device = Device::flex().autodiff();
        for [batch, steps, inner, outer] in SHAPES {
            let layer = Linear {
                weight: Param::from_tensor(noise("weight", [inner, outer], &device)),
                bias: Some(Param::from_tensor(noise("bias", [outer], &device))),
            };
            let by = noise::<3>("by", [batch, steps, outer], &device);
            for rectifier in [Rectifier::None, Rectifier::Leaky, Rectifier::Plain] {
                let plain = |x: Tensor<3>| match rectifier {
                    Rectifier::None => layer.forward(x),
                    Rectifier::Leaky => activation::leaky_relu(layer.forward(x), 0.01),
                    Rectifier::Plain => activation::relu(layer.forward(x)),
                };
                let fused = |x| linear(&layer, x, rectifier);
                let [found, expected] =
                    [&fused as &dyn Fn(Tensor<3>) -> Tensor<3>, &plain].map(|run| {
                        let x = noise::<3>("x", [batch, steps, inner], &device).require_grad();
                        let y = run(x.clone());
                        let grads = (y.clone() * by.clone()).sum().backward();
                        let bias = layer.bias.as_ref().unwrap().val();
                        (
                            y.inner(),
                            x.grad(&grads).unwrap(),
                            layer.weight.val().grad(&grads).unwrap(),
                            bias.grad(&grads).unwrap(),
                        )
                    });
                assert_same(&found.0, &expected.0, 1e-5);
                assert_same(&found.1, &expected.1, 1e-5);
                assert_same(&found.2, &expected.2, 1e-4);
                assert_same(&found.3, &expected.3, 1e-4);
            }
        }
    }

    #[test]
    fn a_base_of_the_result_s_shape_is_added() {
        let device = Device::flex().autodiff();
        let [base, x] = ["base", "x"].map(|name| noise::<2>(name, [40, 6], &device));
        let weight = noise::<2>("weight", [6, 6], &device).require_grad();
        let by = noise::<2>("by", [40, 6], &device);
        let run = |fused: bool| {
            let (base, x) = (base.clone().require_grad(), x.clone().require_grad());
            let y = if fused {
                plus_product(base.clone(), x.clone(), weight.clone())
            } else {
                base.clone() + x.clone().matmul(weight.clone())
            };
            let grads = (y.clone() * by.clone()).sum().backward();
            [
                y.inner(),
                base.grad(&grads).unwrap(),
                x.grad(&grads).unwrap(),
                weight.grad(&grads).unwrap(),
            ]
        };
        for (found, expected) in run(true).iter().zip(&run(false)) {
            assert_same(found, expected, 1e-5);
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let device = Device::flex();
        let layer = Linear {
            weight: Param::from_tensor(Tensor::ones([1, 1], &device)),
            bias: Some(Param::from_tensor(Tensor::zeros([1], &device))),
        };
        let x = Tensor::<2>::from_data([[f32::NAN], [f32::INFINITY]], &device);
        for rectifier in [Rectifier::None, Rectifier::Leaky, Rectifier::Plain] {
            let y = values(&linear(&layer, x.clone(), rectifier));
            assert!(y[0].is_nan() && y[1] == f64::INFINITY);
        }
    }
}
