//! The functions as recorded operations: the input is kept, the reverse computes value and derivative in one pass.

use burn::backend::{
    Autodiff,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind, unary},
    },
    tensor::FloatTensor,
};

use super::{ActivationBackend, ActivationKernels, Function};

#[derive(Debug)]
struct Reverse;

impl<B: ActivationKernels> Backward<B, 1> for Reverse {
    type State = (FloatTensor<B>, Function);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, function) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |grad| {
            B::activate_backward(x, grad, function)
        });
    }
}

#[derive(Debug)]
struct GateReverse;

impl<B: ActivationKernels> Backward<B, 3> for GateReverse {
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let [value, gate] = ops.state;
        let [value_node, gate_node, skip_node] = ops.parents;
        if value_node.is_some() || gate_node.is_some() {
            let parts = B::gate_backward(value, gate, grad.clone());
            for (node, part) in [value_node, gate_node].into_iter().zip(parts) {
                if let Some(node) = node {
                    grads.register::<B>(node.id, part);
                }
            }
        }
        if let Some(node) = skip_node {
            grads.register::<B>(node.id, grad);
        }
    }
}

impl<B: ActivationKernels, C: CheckpointStrategy> ActivationBackend for Autodiff<B, C> {
    fn activate(x: FloatTensor<Self>, function: Function) -> FloatTensor<Self> {
        let node = x.node();
        let x = x.into_primitive();
        match Reverse.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::activate(x.clone(), function);
                prep.finish((x, function), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::activate(x, function)),
        }
    }
    fn gate(
        value: FloatTensor<Self>,
        gate: FloatTensor<Self>,
        skip: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [value.node(), gate.node(), skip.node()];
        let (value, gate) = (value.into_primitive(), gate.into_primitive());
        let skip = skip.into_primitive();
        match GateReverse.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::gate(value.clone(), gate.clone(), skip);
                prep.finish([value, gate], y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::gate(value, gate, skip)),
        }
    }
}
