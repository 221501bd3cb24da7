//! The real gated recurrence h_t = k_t f_t∘h_{t−1} + b_t with a decay f that changes from step to step: gated linear
//! attention, RG-LRU, moving averages, Birdie's gated state space. k_t is 0 at a reset and 1 elsewhere.

use burn::{
    backend::Dispatch,
    tensor::{Bool, Tensor},
};

use super::{ScanForm, delay, diagonal::add_to_first, fused::ScanBackend, keep_factor};
use crate::{CoreError, core::check_shape};

/// What [`gated_scan`] works on.
#[derive(Debug, Clone)]
pub struct GatedScan {
    /// f, `[B, T, N]`.
    pub decay: Tensor<3>,
    /// b, `[B, T, N]`.
    pub input: Tensor<3>,
    /// Where an episode begins, `[B, T]`.
    pub resets: Tensor<2, Bool>,
    /// h before the first step, `[B, N]`.
    pub state: Tensor<2>,
}

/// The states after every step, `[B, T, N]`. `form` is [`ScanForm::for_tensor`] if not given.
///
/// # Errors
/// Sequences without steps, shapes that do not fit, a form that the device cannot run.
pub fn gated_scan(scan: GatedScan, form: Option<ScanForm>) -> Result<Tensor<3>, CoreError> {
    let [batch, steps, width] = scan.input.dims();
    if steps == 0 {
        return Err(CoreError::EmptySequence);
    }
    check_shape("decay", scan.decay.dims(), [batch, steps, width])?;
    check_shape("resets", scan.resets.dims(), [batch, steps])?;
    check_shape("state", scan.state.dims(), [batch, width])?;
    let form = form
        .unwrap_or_else(|| ScanForm::for_tensor(&scan.input))
        .checked(&scan.input)?;
    Ok(match form {
        ScanForm::Loop => by_loop(scan),
        ScanForm::Doubling => by_doubling(scan),
        ScanForm::Fused => {
            let keep = keep_factor(&scan.resets);
            Tensor::from_dispatch(<Dispatch as ScanBackend>::gated_scan(
                scan.decay.into_dispatch(),
                scan.input.into_dispatch(),
                keep.into_dispatch(),
                scan.state.into_dispatch(),
            ))
        }
    })
}

fn by_loop(scan: GatedScan) -> Tensor<3> {
    let [batch, steps, width] = scan.input.dims();
    let mut state = scan.state;
    let mut states = Vec::with_capacity(steps);
    for t in 0..steps {
        let reset = scan.resets.clone().narrow(1, t, 1).expand([batch, width]);
        let decay = scan.decay.clone().narrow(1, t, 1).reshape([batch, width]);
        let input = scan.input.clone().narrow(1, t, 1).reshape([batch, width]);
        state = state.mask_fill(reset, 0.0) * decay + input;
        states.push(state.clone());
    }
    Tensor::stack(states, 1)
}

fn by_doubling(scan: GatedScan) -> Tensor<3> {
    let [batch, steps, width] = scan.input.dims();
    let keep = keep_factor(&scan.resets).reshape([batch, steps, 1]);
    let mut decay = scan.decay * keep;
    let carried = decay.clone().narrow(1, 0, 1) * scan.state.reshape([batch, 1, width]);
    let mut value = add_to_first(scan.input, carried);
    let mut stride = 1;
    while stride < steps {
        value = decay.clone() * delay(&value, stride, 0.0) + value;
        if 2 * stride < steps {
            decay = decay.clone() * delay(&decay, stride, 1.0);
        }
        stride *= 2;
    }
    value
}
