//! The selective scan of Mamba (Gu and Dao, "Mamba: linear-time sequence modeling with selective state spaces", arXiv
//! 2312.00752, algorithm 2): every channel e has N states with transitions a_e < 0, driven by steps Δ_t, and input and
//! output maps b_t, c_t that depend on the input:
//!
//! h_t = k_t exp(Δ_t a)∘h_{t−1} + (Δ_t u_t) b_t, y_t = c_t·h_t. k_t is 0 at a reset and 1 elsewhere.
//!
//! The fused form never holds the states of all channels at all times: its gradient computes those of one channel
//! again, in a buffer of T·N numbers.

use burn::{
    backend::Dispatch,
    tensor::{Bool, Tensor},
};

use super::{GatedScan, ScanForm, fused::ScanBackend, gated_scan, keep_factor};
use crate::{CoreError, core::check_shape};

/// What [`selective_scan`] works on; `E` channels with `N` states each.
#[derive(Debug, Clone)]
pub struct SelectiveScan {
    /// Δ > 0, `[B, T, E]`.
    pub delta: Tensor<3>,
    /// a, `[E, N]`.
    pub a: Tensor<2>,
    /// b, `[B, T, N]`.
    pub b: Tensor<3>,
    /// c, `[B, T, N]`.
    pub c: Tensor<3>,
    /// u, `[B, T, E]`.
    pub input: Tensor<3>,
    /// Where an episode begins, `[B, T]`.
    pub resets: Tensor<2, Bool>,
    /// h before the first step, `[B, E·N]`.
    pub state: Tensor<2>,
}

/// The outputs y, `[B, T, E]`, and h after the last step, `[B, E·N]`. `form` is [`ScanForm::for_tensor`] if not given.
///
/// # Errors
/// Sequences without steps, shapes that do not fit, a form that the device cannot run.
pub fn selective_scan(
    scan: SelectiveScan,
    form: Option<ScanForm>,
) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
    let [batch, steps, channels] = scan.input.dims();
    let [_, states] = scan.a.dims();
    if steps == 0 {
        return Err(CoreError::EmptySequence);
    }
    check_shape("delta", scan.delta.dims(), [batch, steps, channels])?;
    check_shape("a", scan.a.dims(), [channels, states])?;
    check_shape("b", scan.b.dims(), [batch, steps, states])?;
    check_shape("c", scan.c.dims(), [batch, steps, states])?;
    check_shape("resets", scan.resets.dims(), [batch, steps])?;
    check_shape("state", scan.state.dims(), [batch, channels * states])?;
    let form = form
        .unwrap_or_else(|| ScanForm::for_tensor(&scan.input))
        .checked(&scan.input)?;
    if form != ScanForm::Fused {
        return expanded(scan, form);
    }
    let keep = keep_factor(&scan.resets);
    // One output for each operation: y, then the last state, in one row.
    let packed: Tensor<2> = Tensor::from_dispatch(<Dispatch as ScanBackend>::selective_scan(
        scan.delta.into_dispatch(),
        scan.a.into_dispatch(),
        scan.b.into_dispatch(),
        scan.c.into_dispatch(),
        scan.input.into_dispatch(),
        keep.into_dispatch(),
        scan.state.into_dispatch(),
    ));
    let output = packed.clone().narrow(1, 0, steps * channels);
    let last = packed.narrow(1, steps * channels, channels * states);
    Ok((output.reshape([batch, steps, channels]), last))
}

/// Through the gated recurrence over `E·N` channels.
fn expanded(scan: SelectiveScan, form: ScanForm) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
    let [batch, steps, channels] = scan.input.dims();
    let [_, states] = scan.a.dims();
    let delta = scan.delta.reshape([batch, steps, channels, 1]);
    let decay = (delta.clone() * scan.a.reshape([1, 1, channels, states])).exp();
    let drive = delta * scan.input.reshape([batch, steps, channels, 1]);
    let input = drive * scan.b.reshape([batch, steps, 1, states]);
    let all = gated_scan(
        GatedScan {
            decay: decay.reshape([batch, steps, channels * states]),
            input: input.reshape([batch, steps, channels * states]),
            resets: scan.resets,
            state: scan.state,
        },
        Some(form),
    )?;
    let last = all
        .clone()
        .narrow(1, steps - 1, 1)
        .reshape([batch, channels * states]);
    let read =
        all.reshape([batch, steps, channels, states]) * scan.c.reshape([batch, steps, 1, states]);
    Ok((read.sum_dim(3).reshape([batch, steps, channels]), last))
}
