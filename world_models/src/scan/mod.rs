//! Linear recurrences over a sequence, with resets.
//!
//! Every recurrence has one call and several forms of the same mathematics:
//!
//! * [`ScanForm::Loop`]: a few tensor operations per step. The reference.
//! * [`ScanForm::Doubling`]: ⌈log₂ T⌉ rounds in which each element is combined with the one 1, 2, 4, … steps before
//!   it (Kogge–Stone). Nothing but tensor operations, so it runs and differentiates on any device.
//! * [`ScanForm::Fused`]: one operation that walks through time, parallel over rows and channels, whose gradient is
//!   the closed reverse recurrence. For `f32` on Burn's CPU device and on graphics cards.
//!
//! A reset at step t makes the state zero *before* input t is taken in: the flag belongs to the first step of the new
//! episode. Where rows are combined the decay of such a step is zero; the loop and the fused form select instead of
//! multiplying, so that an infinite state does not outlive its episode.
//!
//! Source: Blelloch, "Prefix sums and their applications"; Lu et al., "Structured state space models for in-context
//! reinforcement learning" (arXiv 2303.03982), appendix A, for the resettable operator.

mod delta;
#[cfg(all(test, feature = "wgpu"))]
mod devices;
mod diagonal;
mod fused;
mod gated;
mod selective;
#[cfg(test)]
mod tests;

use burn::{
    backend::DispatchDevice,
    tensor::{Bool, DType, Device, Tensor},
};

pub use self::{
    delta::{DeltaScan, delta_scan},
    diagonal::{DiagonalScan, diagonal_scan},
    gated::{GatedScan, gated_scan},
    selective::{SelectiveScan, selective_scan},
};
use crate::CoreError;

/// How a scan is computed. All forms agree up to rounding; Doubling adds in another order than the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanForm {
    /// Step by step with tensor operations.
    Loop,
    /// In ⌈log₂ T⌉ rounds of tensor operations.
    Doubling,
    /// By one operation of its own.
    Fused,
}

impl ScanForm {
    /// The fastest form that runs where `tensor` lives.
    pub fn for_tensor<const D: usize>(tensor: &Tensor<D>) -> Self {
        if scans_fused(tensor) {
            Self::Fused
        } else {
            Self::Doubling
        }
    }

    fn checked<const D: usize>(self, tensor: &Tensor<D>) -> Result<Self, CoreError> {
        if self == Self::Fused && !scans_fused(tensor) {
            return Err(CoreError::Form {
                form: "fused",
                device: format!("{:?} in {:?}", tensor.device(), tensor.dtype()),
            });
        }
        Ok(self)
    }
}

/// Whether the fused forms of scans run where the tensor lives.
fn scans_fused<const D: usize>(tensor: &Tensor<D>) -> bool {
    if tensor.dtype() != DType::F32 {
        return false;
    }
    match tensor.device().inner().as_dispatch() {
        DispatchDevice::Flex(_) => true,
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        DispatchDevice::Cube(_) => true,
        _ => false,
    }
}

/// Whether all operations of this crate's own run where the tensor lives: other than scans, they are for Burn's CPU
/// device alone.
pub(crate) fn runs_fused<const D: usize>(tensor: &Tensor<D>) -> bool {
    let device: Device = tensor.device().inner();
    tensor.dtype() == DType::F32 && matches!(device.as_dispatch(), DispatchDevice::Flex(_))
}

/// 0 at resets, 1 elsewhere.
pub(crate) fn keep_factor<const D: usize>(resets: &Tensor<D, Bool>) -> Tensor<D> {
    resets.clone().bool_not().float()
}

/// `values` moved `by` steps later in time, the gap filled with `fill`.
///
/// # Shapes
/// `[B, T, N]` to the same, with `by < T`.
fn delay(values: &Tensor<3>, by: usize, fill: f32) -> Tensor<3> {
    let [batch, steps, width] = values.dims();
    let gap = Tensor::full([batch, by, width], fill, &values.device());
    Tensor::cat(vec![gap, values.clone().narrow(1, 0, steps - by)], 1)
}
