//! The diagonal complex recurrence x_t = k_t λ∘x_{t−1} + b_t of S4D, S5 and the LRU; k_t is 0 at a reset and 1
//! elsewhere. Complex numbers are packed: real parts, then imaginary ones, on the last axis.

use burn::{
    backend::Dispatch,
    tensor::{Bool, Tensor},
};

use super::{ScanForm, delay, fused::ScanBackend, keep_factor};
use crate::{CoreError, complex::Complex, core::check_shape};

/// What [`diagonal_scan`] works on.
#[derive(Debug, Clone)]
pub struct DiagonalScan {
    /// λ, packed, `[2N]`.
    pub transition: Tensor<1>,
    /// b, packed, `[B, T, 2N]`.
    pub input: Tensor<3>,
    /// Where an episode begins, `[B, T]`.
    pub resets: Tensor<2, Bool>,
    /// x before the first step, packed, `[B, 2N]`.
    pub state: Tensor<2>,
}

/// The states after every step, packed, `[B, T, 2N]`. `form` is [`ScanForm::for_tensor`] if not given.
///
/// # Errors
/// Sequences without steps, shapes that do not fit, a form that the device cannot run.
pub fn diagonal_scan(scan: DiagonalScan, form: Option<ScanForm>) -> Result<Tensor<3>, CoreError> {
    let [batch, steps, width] = scan.input.dims();
    if steps == 0 {
        return Err(CoreError::EmptySequence);
    }
    check_shape("transition", scan.transition.dims(), [width / 2 * 2])?;
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
            Tensor::from_dispatch(<Dispatch as ScanBackend>::diagonal_scan(
                scan.transition.into_dispatch(),
                scan.input.into_dispatch(),
                keep.into_dispatch(),
                scan.state.into_dispatch(),
            ))
        }
    })
}

fn by_loop(scan: DiagonalScan) -> Tensor<3> {
    let [batch, steps, width] = scan.input.dims();
    let lambda = Complex::unpack(scan.transition.reshape([1, width]));
    let mut state = scan.state;
    let mut states = Vec::with_capacity(steps);
    for t in 0..steps {
        let reset = scan.resets.clone().narrow(1, t, 1).expand([batch, width]);
        let input = scan.input.clone().narrow(1, t, 1).reshape([batch, width]);
        let carried = Complex::unpack(state.mask_fill(reset, 0.0));
        state = carried.mul(lambda.clone()).pack() + input;
        states.push(state.clone());
    }
    Tensor::stack(states, 1)
}

fn by_doubling(scan: DiagonalScan) -> Tensor<3> {
    let [batch, steps, width] = scan.input.dims();
    let keep = keep_factor(&scan.resets).reshape([batch, steps, 1]);
    let lambda = Complex::unpack(scan.transition.reshape([1, 1, width]));
    let mut decay = lambda.scale(keep);
    let mut value = Complex::unpack(scan.input);
    // The state carried in is one more element before the first.
    let first = Complex::new(
        decay.re.clone().narrow(1, 0, 1),
        decay.im.clone().narrow(1, 0, 1),
    );
    let carried = first.mul(Complex::unpack(scan.state.reshape([batch, 1, width])));
    value = Complex::new(
        add_to_first(value.re, carried.re),
        add_to_first(value.im, carried.im),
    );
    let mut stride = 1;
    while stride < steps {
        let earlier = Complex::new(delay(&value.re, stride, 0.0), delay(&value.im, stride, 0.0));
        value = decay.clone().mul(earlier).add(value);
        if 2 * stride < steps {
            let before = Complex::new(delay(&decay.re, stride, 1.0), delay(&decay.im, stride, 0.0));
            decay = decay.mul(before);
        }
        stride *= 2;
    }
    value.pack()
}

/// `values` with `extra`, `[B, 1, N]`, added to its first step.
pub(super) fn add_to_first(values: Tensor<3>, extra: Tensor<3>) -> Tensor<3> {
    let [_, steps, _] = values.dims();
    let first = values.clone().narrow(1, 0, 1) + extra;
    if steps == 1 {
        return first;
    }
    Tensor::cat(vec![first, values.narrow(1, 1, steps - 1)], 1)
}
