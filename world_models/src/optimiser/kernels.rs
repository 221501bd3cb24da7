//! The step and the norm in one pass over memory each, on Burn's CPU device.

use burn::{
    backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor},
    tensor::{Bytes, DType, Shape, Tensor},
};
use burn_flex::{FlexTensor, Layout};
use multiversion::multiversion;

use super::Step;
use crate::buffers::own;

/// Numbers that are added side by side, so that a sum can use vectors.
const LANES: usize = 32;

#[backend_extension(Flex)]
pub(crate) trait OptimiserBackend: Backend {
    /// Value and moments after a step, all of one shape.
    fn step(
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: Step,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// Σ x², `[1]`.
    fn square_sum(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// Value and moments after a step, by one operation.
pub(super) fn step<const D: usize>(
    value: Tensor<D>,
    gradient: Tensor<D>,
    [first, second]: [Tensor<D>; 2],
    step: Step,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let (value, first, second) = <Dispatch as OptimiserBackend>::step(
        value.into_dispatch(),
        gradient.into_dispatch(),
        first.into_dispatch(),
        second.into_dispatch(),
        step,
    );
    let moments = [first, second].map(Tensor::from_dispatch);
    (Tensor::from_dispatch(value), moments)
}

/// Σ x² by one operation.
pub(super) fn square_sum<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as OptimiserBackend>::square_sum(
        x.into_dispatch(),
    ))
}

/// Makes the next value of the gradient.
#[multiversion(targets("x86_64+avx2"))]
fn walk(value: &[f32], gradient: &mut [f32], first: &mut [f32], second: &mut [f32], step: Step) {
    let n = value.len();
    let (gradient, first, second) = (&mut gradient[..n], &mut first[..n], &mut second[..n]);
    for i in 0..n {
        (gradient[i], first[i], second[i]) = step.of(value[i], gradient[i], first[i], second[i]);
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn squares(x: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().map(|x| x * x).sum();
    for x in chunks {
        for j in 0..LANES {
            lanes[j] += x[j] * x[j];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

impl OptimiserBackend for Flex {
    fn step(
        value: FlexTensor,
        gradient: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        step: Step,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        // Others may hold the value, nobody else the rest.
        let value = value.to_contiguous();
        let (mut next, mut first, mut second) = (own(gradient), own(first), own(second));
        walk(
            value.storage(),
            next.storage_mut(),
            first.storage_mut(),
            second.storage_mut(),
            step,
        );
        (next, first, second)
    }

    fn square_sum(x: FlexTensor) -> FlexTensor {
        let sum = squares(x.to_contiguous().storage());
        let layout = Layout::contiguous(Shape::from([1]));
        FlexTensor::new(Bytes::from_elems(vec![sum]), layout, DType::F32)
    }
}
