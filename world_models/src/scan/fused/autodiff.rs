//! The scans as recorded operations: the forward kernel saves what the reverse kernel needs.

use burn::backend::{
    Autodiff,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

use super::{DeltaSaved, DiagonalSaved, ScanBackend, ScanKernels, SelectiveSaved};

#[derive(Debug)]
struct DiagonalReverse;

#[derive(Debug)]
struct GatedReverse;

#[derive(Debug)]
struct SelectiveReverse;

#[derive(Debug)]
struct DeltaReverse;

impl<B: ScanKernels> Backward<B, 3> for DiagonalReverse {
    type State = DiagonalSaved<B>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let parts = B::diagonal_scan_backward(ops.state, grad);
        for (parent, part) in ops.parents.into_iter().zip(parts) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, part);
            }
        }
    }
}

impl<B: ScanKernels> Backward<B, 3> for GatedReverse {
    type State = DiagonalSaved<B>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let parts = B::gated_scan_backward(ops.state, grad);
        for (parent, part) in ops.parents.into_iter().zip(parts) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, part);
            }
        }
    }
}

impl<B: ScanKernels> Backward<B, 6> for SelectiveReverse {
    type State = SelectiveSaved<B>;

    fn backward(self, ops: Ops<Self::State, 6>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let parts = B::selective_scan_backward(ops.state, grad);
        for (parent, part) in ops.parents.into_iter().zip(parts) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, part);
            }
        }
    }
}

impl<B: ScanKernels> Backward<B, 6> for DeltaReverse {
    type State = DeltaSaved<B>;

    fn backward(self, ops: Ops<Self::State, 6>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let parts = B::delta_scan_backward(ops.state, grad);
        for (parent, part) in ops.parents.into_iter().zip(parts) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, part);
            }
        }
    }
}

impl<B: ScanKernels, C: CheckpointStrategy> ScanBackend for Autodiff<B, C> {
    fn diagonal_scan(
        transition: FloatTensor<Self>,
        input: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        state: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [transition.node(), input.node(), state.node()];
        let (transition, state) = (transition.into_primitive(), state.into_primitive());
        let keep = keep.into_primitive();
        let states = B::diagonal_scan(
            transition.clone(),
            input.into_primitive(),
            keep.clone(),
            state.clone(),
        );
        match DiagonalReverse
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let saved = DiagonalSaved {
                    transition,
                    keep,
                    state,
                    states: states.clone(),
                };
                prep.finish(saved, states)
            }
            OpsKind::UnTracked(prep) => prep.finish(states),
        }
    }

    fn gated_scan(
        decay: FloatTensor<Self>,
        input: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        state: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [decay.node(), input.node(), state.node()];
        let (decay, state) = (decay.into_primitive(), state.into_primitive());
        let keep = keep.into_primitive();
        let states = B::gated_scan(
            decay.clone(),
            input.into_primitive(),
            keep.clone(),
            state.clone(),
        );
        match GatedReverse.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let saved = DiagonalSaved {
                    transition: decay,
                    keep,
                    state,
                    states: states.clone(),
                };
                prep.finish(saved, states)
            }
            OpsKind::UnTracked(prep) => prep.finish(states),
        }
    }

    fn selective_scan(
        delta: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        input: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        state: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [
            delta.node(),
            a.node(),
            b.node(),
            c.node(),
            input.node(),
            state.node(),
        ];
        let saved = SelectiveSaved {
            delta: delta.into_primitive(),
            a: a.into_primitive(),
            b: b.into_primitive(),
            c: c.into_primitive(),
            input: input.into_primitive(),
            keep: keep.into_primitive(),
            state: state.into_primitive(),
        };
        let given = saved.clone();
        let output = B::selective_scan(
            given.delta,
            given.a,
            given.b,
            given.c,
            given.input,
            given.keep,
            given.state,
        );
        match SelectiveReverse
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(saved, output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn delta_scan(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        decay: FloatTensor<Self>,
        write: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        state: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [
            query.node(),
            key.node(),
            value.node(),
            decay.node(),
            write.node(),
            state.node(),
        ];
        let saved = DeltaSaved {
            query: query.into_primitive(),
            key: key.into_primitive(),
            value: value.into_primitive(),
            decay: decay.into_primitive(),
            write: write.into_primitive(),
            keep: keep.into_primitive(),
            state: state.into_primitive(),
        };
        let given = saved.clone();
        let output = B::delta_scan(
            given.query,
            given.key,
            given.value,
            given.decay,
            given.write,
            given.keep,
            given.state,
        );
        match DeltaReverse.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(saved, output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}
