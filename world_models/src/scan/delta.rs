//! The gated delta rule (Yang, Kautz and Hatamizadeh, "Gated delta networks", arXiv 2412.06464): a matrix memory that
//! first takes back what it holds under a key, then writes. For each row (a head of an environment), with k_t = 0 at a
//! reset and 1 elsewhere,
//!
//! S_t = k_t α_t S_{t−1}(I − β_t kₜkₜᵀ) + β_t v_t kₜᵀ, y_t = S_t q_t.
//!
//! The transition is a full matrix, so there is no doubling form: the loop and the fused one.

use burn::{
    backend::Dispatch,
    tensor::{Bool, Tensor},
};

use super::{ScanForm, fused::ScanBackend, keep_factor, scans_fused};
use crate::{CoreError, core::check_shape};

/// What [`delta_scan`] works on: `R` rows, keys of `N` and values of `P` numbers.
#[derive(Debug, Clone)]
pub struct DeltaScan {
    /// q, `[R, T, N]`.
    pub query: Tensor<3>,
    /// k, `[R, T, N]`; of length 1 for a stable memory.
    pub key: Tensor<3>,
    /// v, `[R, T, P]`.
    pub value: Tensor<3>,
    /// α, `[R, T]`, in (0, 1].
    pub decay: Tensor<2>,
    /// β, `[R, T]`, in [0, 1]; 0 leaves the memory as it is.
    pub write: Tensor<2>,
    /// Where an episode begins, `[R, T]`.
    pub resets: Tensor<2, Bool>,
    /// S before the first step, `[R, P·N]`.
    pub state: Tensor<2>,
}

/// The outputs y, `[R, T, P]`, and S after the last step, `[R, P·N]`. `form` is the fused one where it runs, if not
/// given.
///
/// # Errors
/// Sequences without steps, shapes that do not fit, a form that the device cannot run (doubling never).
pub fn delta_scan(
    scan: DeltaScan,
    form: Option<ScanForm>,
) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
    let [rows, steps, p] = scan.value.dims();
    let n = scan.key.dims()[2];
    if steps == 0 {
        return Err(CoreError::EmptySequence);
    }
    check_shape("query", scan.query.dims(), [rows, steps, n])?;
    check_shape("key", scan.key.dims(), [rows, steps, n])?;
    check_shape("decay", scan.decay.dims(), [rows, steps])?;
    check_shape("write", scan.write.dims(), [rows, steps])?;
    check_shape("resets", scan.resets.dims(), [rows, steps])?;
    check_shape("state", scan.state.dims(), [rows, p * n])?;
    let form = match form {
        Some(form) => form.checked(&scan.value)?,
        None if scans_fused(&scan.value) => ScanForm::Fused,
        None => ScanForm::Loop,
    };
    match form {
        ScanForm::Doubling => Err(CoreError::Form {
            form: "doubling",
            device: "any device: the delta rule has none".into(),
        }),
        ScanForm::Loop => Ok(by_loop(scan)),
        ScanForm::Fused => {
            let keep = keep_factor(&scan.resets);
            let packed: Tensor<2> = Tensor::from_dispatch(<Dispatch as ScanBackend>::delta_scan(
                scan.query.into_dispatch(),
                scan.key.into_dispatch(),
                scan.value.into_dispatch(),
                scan.decay.into_dispatch(),
                scan.write.into_dispatch(),
                keep.into_dispatch(),
                scan.state.into_dispatch(),
            ));
            let y = packed
                .clone()
                .narrow(1, 0, steps * p)
                .reshape([rows, steps, p]);
            Ok((y, packed.narrow(1, steps * p, p * n)))
        }
    }
}

fn by_loop(scan: DeltaScan) -> (Tensor<3>, Tensor<2>) {
    let [rows, steps, p] = scan.value.dims();
    let n = scan.key.dims()[2];
    let mut memory = scan.state.reshape([rows, p, n]);
    let mut outputs = Vec::with_capacity(steps);
    for t in 0..steps {
        let reset = scan.resets.clone().narrow(1, t, 1).reshape([rows, 1, 1]);
        let scalar = |x: &Tensor<2>| x.clone().narrow(1, t, 1).reshape([rows, 1, 1]);
        let query = scan.query.clone().narrow(1, t, 1).reshape([rows, n, 1]);
        let key = scan.key.clone().narrow(1, t, 1);
        let value = scan.value.clone().narrow(1, t, 1).reshape([rows, p, 1]);
        let kept = memory.mask_fill(reset.expand([rows, p, n]), 0.0) * scalar(&scan.decay);
        let held = kept.clone().matmul(key.clone().swap_dims(1, 2));
        let change = (value - held) * scalar(&scan.write);
        memory = kept + change.matmul(key);
        outputs.push(memory.clone().matmul(query).reshape([rows, p]));
    }
    (Tensor::stack(outputs, 1), memory.reshape([rows, p * n]))
}
