//! From continuous to discrete time, for diagonal systems.

use burn::tensor::Tensor;

use crate::{CoreError, complex::Complex};

/// Largest Δ that makes sense; beyond it rounding leaves nothing.
const LARGEST_STEP: f64 = 1e3;

/// Checks the range of initial steps Δ.
pub(super) fn check_steps(core: &'static str, least: f64, most: f64) -> Result<(), CoreError> {
    if (1e-12..=LARGEST_STEP).contains(&most) && (1e-12..=most).contains(&least) {
        return Ok(());
    }
    Err(CoreError::Argument {
        core,
        name: "min_step",
        reason: format!(
            "10⁻¹² ≤ min_step = {least} ≤ max_step = {most} ≤ {LARGEST_STEP} is to hold"
        ),
    })
}

/// The rule by which x' = λx + bu becomes x_t = λ̄ x_{t−1} + g·b u_t.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Discretisation {
    /// Zero-order hold: λ̄ = e^{λΔ}, g = (λ̄ − 1)/λ. λ must not be 0.
    #[default]
    Zoh,
    /// Bilinear (Tustin): λ̄ = (1 + λΔ/2)/(1 − λΔ/2), g = Δ/(1 − λΔ/2).
    Bilinear,
}

impl Discretisation {
    /// λ̄ and g for eigenvalues λ and steps Δ of one shape.
    pub fn apply<const D: usize>(
        self,
        lambda: Complex<D>,
        step: Tensor<D>,
    ) -> (Complex<D>, Complex<D>) {
        match self {
            Self::Zoh => {
                let exponent = lambda.clone().scale(step);
                let gain = exponent.clone().exp_m1().mul(lambda.recip());
                (exponent.exp(), gain)
            }
            Self::Bilinear => {
                let half = lambda.scale(step.clone().mul_scalar(0.5));
                let below =
                    Complex::new(half.re.clone().neg() + 1.0, half.im.clone().neg()).recip();
                let above = Complex::new(half.re + 1.0, half.im);
                (above.mul(below.clone()), below.scale(step))
            }
        }
    }
}
