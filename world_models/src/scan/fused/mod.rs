//! The fused forms: operations of our own on Burn's CPU device and on graphics cards, with closed gradients.
//!
//! [`ScanBackend`] is what a tensor reaches through Burn's dispatch; [`ScanKernels`] is what a device must offer for
//! it, each recurrence with its reverse. Gradients of gradients do not exist: the reverse is not itself differentiable.

mod autodiff;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod cube;
mod delta;
mod diagonal;
mod flex;
mod gated;
mod rows;
mod selective;

use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

/// Differentiable scans. Shapes as in [`DiagonalScan`](super::DiagonalScan), [`GatedScan`](super::GatedScan),
/// [`SelectiveScan`](super::SelectiveScan) and [`DeltaScan`](super::DeltaScan); `keep`, `[B, T]`, is 0 where an episode begins and 1 elsewhere.
#[backend_extension(Autodiff, Flex, Cube: cfg(any(feature = "wgpu", feature = "cuda")))]
pub(super) trait ScanBackend: Backend {
    /// All states of the complex diagonal recurrence.
    fn diagonal_scan(
        transition: FloatTensor<Self>,
        input: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        state: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// All states of the real gated recurrence.
    fn gated_scan(
        decay: FloatTensor<Self>,
        input: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        state: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Outputs, then the last state, `[B, T·E + E·N]`.
    fn selective_scan(
        delta: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        input: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        state: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Outputs, then the last memory, `[R, T·P + P·N]`.
    fn delta_scan(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        decay: FloatTensor<Self>,
        write: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        state: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// A device that can run the scans and their reverses.
pub(super) trait ScanKernels: ScanBackend {
    /// Gradients of transition, input and state, given the states and their gradient.
    fn diagonal_scan_backward(
        saved: DiagonalSaved<Self>,
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3];

    /// Gradients of decay, input and state, given the states and their gradient.
    fn gated_scan_backward(
        saved: DiagonalSaved<Self>,
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3];

    /// Gradients of delta, a, b, c, input and state, given that of the output.
    fn selective_scan_backward(
        saved: SelectiveSaved<Self>,
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 6];

    /// Gradients of query, key, value, decay, write and state, given that of the output.
    fn delta_scan_backward(
        saved: DeltaSaved<Self>,
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 6];
}

/// What the reverse of a recurrence with a diagonal transition needs.
#[derive(Debug, Clone)]
pub(super) struct DiagonalSaved<B: Backend> {
    transition: FloatTensor<B>,
    keep: FloatTensor<B>,
    state: FloatTensor<B>,
    states: FloatTensor<B>,
}

/// What the reverse of the selective scan needs: its inputs.
#[derive(Debug, Clone)]
pub(super) struct SelectiveSaved<B: Backend> {
    delta: FloatTensor<B>,
    a: FloatTensor<B>,
    b: FloatTensor<B>,
    c: FloatTensor<B>,
    input: FloatTensor<B>,
    keep: FloatTensor<B>,
    state: FloatTensor<B>,
}

/// What the reverse of the delta rule needs: its inputs.
#[derive(Debug, Clone)]
pub(super) struct DeltaSaved<B: Backend> {
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    decay: FloatTensor<B>,
    write: FloatTensor<B>,
    keep: FloatTensor<B>,
    state: FloatTensor<B>,
}
