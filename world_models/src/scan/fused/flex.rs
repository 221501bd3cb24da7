//! The kernels on tensors of Burn's CPU device: makes them contiguous, and wraps what the kernels return.

use burn::{
    backend::Flex,
    tensor::{Bytes, DType, Shape},
};
use burn_flex::{FlexTensor, Layout};

use super::{
    DeltaSaved, DiagonalSaved, ScanBackend, ScanKernels, SelectiveSaved, delta, diagonal, gated,
    rows::Dims, selective,
};
use crate::buffers::own;

fn wrap<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::from(shape));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

fn dims(tensor: &FlexTensor) -> Dims {
    let shape = tensor.layout().shape();
    Dims {
        batch: shape[0],
        steps: shape[1],
        width: shape[2],
    }
}

/// The elements in order. `f32` is checked before the operation is chosen.
macro_rules! slices {
    ($($name:ident),*) => {
        $(
            let $name = $name.to_contiguous();
            let $name: &[f32] = &$name.storage::<f32>()[..$name.layout().shape().num_elements()];
        )*
    };
}

impl ScanBackend for Flex {
    fn diagonal_scan(
        transition: FlexTensor,
        input: FlexTensor,
        keep: FlexTensor,
        state: FlexTensor,
    ) -> FlexTensor {
        let dims = dims(&input);
        slices!(transition, keep, state);
        let mut states = own(input);
        diagonal::forward(dims, transition, states.storage_mut(), keep, state);
        states
    }

    fn gated_scan(
        decay: FlexTensor,
        input: FlexTensor,
        keep: FlexTensor,
        state: FlexTensor,
    ) -> FlexTensor {
        let dims = dims(&input);
        slices!(decay, input, keep, state);
        let states = gated::forward(dims, decay, input, keep, state);
        wrap(states, [dims.batch, dims.steps, dims.width])
    }

    fn selective_scan(
        delta: FlexTensor,
        a: FlexTensor,
        b: FlexTensor,
        c: FlexTensor,
        input: FlexTensor,
        keep: FlexTensor,
        state: FlexTensor,
    ) -> FlexTensor {
        let dims = dims(&input);
        let states = a.layout().shape()[1];
        slices!(delta, a, b, c, input, keep, state);
        let inputs = selective::Inputs {
            dims,
            states,
            delta,
            a,
            b,
            c,
            input,
            keep,
            state,
        };
        let row = dims.steps * dims.width + dims.width * states;
        wrap(selective::forward(&inputs), [dims.batch, row])
    }

    fn delta_scan(
        query: FlexTensor,
        key: FlexTensor,
        value: FlexTensor,
        decay: FlexTensor,
        write: FlexTensor,
        keep: FlexTensor,
        state: FlexTensor,
    ) -> FlexTensor {
        let dims = dims(&value);
        let keys = key.layout().shape()[2];
        slices!(query, key, value, decay, write, keep, state);
        let inputs = delta::Inputs {
            dims,
            keys,
            query,
            key,
            value,
            decay,
            write,
            keep,
            state,
        };
        let row = dims.steps * dims.width + dims.width * keys;
        wrap(delta::forward(&inputs), [dims.batch, row])
    }
}

impl ScanKernels for Flex {
    fn diagonal_scan_backward(saved: DiagonalSaved<Self>, grad: FlexTensor) -> [FlexTensor; 3] {
        let DiagonalSaved {
            transition,
            keep,
            state,
            states,
        } = saved;
        let dims = dims(&states);
        slices!(transition, keep, state, states);
        let mut input = own(grad);
        let values = input.storage_mut();
        let grads = diagonal::backward(dims, transition, keep, state, states, values);
        [
            wrap(grads.transition, [dims.width]),
            input,
            wrap(grads.state, [dims.batch, dims.width]),
        ]
    }

    fn gated_scan_backward(saved: DiagonalSaved<Self>, grad: FlexTensor) -> [FlexTensor; 3] {
        let DiagonalSaved {
            transition: decay,
            keep,
            state,
            states,
        } = saved;
        let dims = dims(&states);
        slices!(decay, keep, state, states, grad);
        let grads = gated::backward(dims, decay, keep, state, states, grad);
        [
            wrap(grads.decay, [dims.batch, dims.steps, dims.width]),
            wrap(grads.input, [dims.batch, dims.steps, dims.width]),
            wrap(grads.state, [dims.batch, dims.width]),
        ]
    }

    fn selective_scan_backward(saved: SelectiveSaved<Self>, grad: FlexTensor) -> [FlexTensor; 6] {
        let SelectiveSaved {
            delta,
            a,
            b,
            c,
            input,
            keep,
            state,
        } = saved;
        let dims = dims(&input);
        let states = a.layout().shape()[1];
        slices!(delta, a, b, c, input, keep, state, grad);
        let inputs = selective::Inputs {
            dims,
            states,
            delta,
            a,
            b,
            c,
            input,
            keep,
            state,
        };
        let grads = selective::backward(&inputs, grad);
        let Dims {
            batch,
            steps,
            width,
        } = dims;
        [
            wrap(grads.delta, [batch, steps, width]),
            wrap(grads.a, [width, states]),
            wrap(grads.b, [batch, steps, states]),
            wrap(grads.c, [batch, steps, states]),
            wrap(grads.input, [batch, steps, width]),
            wrap(grads.state, [batch, width * states]),
        ]
    }

    fn delta_scan_backward(saved: DeltaSaved<Self>, grad: FlexTensor) -> [FlexTensor; 6] {
        let DeltaSaved {
            query,
            key,
            value,
            decay,
            write,
            keep,
            state,
        } = saved;
        let dims = dims(&value);
        let keys = key.layout().shape()[2];
        slices!(query, key, value, decay, write, keep, state, grad);
        let inputs = delta::Inputs {
            dims,
            keys,
            query,
            key,
            value,
            decay,
            write,
            keep,
            state,
        };
        let grads = delta::backward(&inputs, grad);
        let Dims {
            batch,
            steps,
            width,
        } = dims;
        [
            wrap(grads.query, [batch, steps, keys]),
            wrap(grads.key, [batch, steps, keys]),
            wrap(grads.value, [batch, steps, width]),
            wrap(grads.decay, [batch, steps]),
            wrap(grads.write, [batch, steps]),
            wrap(grads.state, [batch, width * keys]),
        ]
    }
}
