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
}
