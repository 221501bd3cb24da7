//! Where systems of S4 start: Gu et al., "How to train your HiPPO" (arXiv 2206.12037).

use std::sync::Arc;

use burn::tensor::Device;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::{
    super::{
        hippo::{C64, Measure, Spectrum},
        s4d::{DiagonalStart, check_arguments},
    },
    S4,
};
use crate::{CoreError, derived::Derived, init};

/// Where the systems start.
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
pub enum S4Start {
    /// Scaled Legendre.
    #[default]
    Legs,
    /// Translated Legendre, of rank 2.
    Legt,
    /// Truncated Fourier.
    Fout,
    /// Scaled Legendre without its low-rank part.
    Legsd,
    /// Fourier without its low-rank part.
    Foud,
    /// Half of the channels `legs`, half `fout`.
    Hippo,
    /// Half of the channels `inv`, half `lin` of S4D, with B = 1 and no low-rank part.
    Diag,
    /// −½ ± i·e^z with z standard normal for every mode, B = 1, P complex normal with variance 1.
    Random,
}

/// Arguments of [`S4`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct S4Config {
    /// States N of a channel; N/2 are stored. Even.
    pub state: usize,
    /// Where the systems start.
    pub start: S4Start,
    /// Smallest initial Δ.
    pub min_step: f64,
    /// Largest initial Δ.
    pub max_step: f64,
    /// Whether the imaginary parts of B start within ±2, as in the released code. They depend on the phases of the
    /// eigenvectors, whose first component is real there as here.
    pub clip_b: bool,
}

impl Default for S4Config {
    fn default() -> Self {
        Self {
            state: 64,
            start: S4Start::Legs,
            min_step: 1e-3,
            max_step: 0.1,
            clip_b: true,
        }
    }
}

/// The largest imaginary part of B if it is clipped.
const LARGEST_B: f64 = 2.0;

impl S4Config {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for a state or steps out of range.
    pub fn init(&self, width: usize, rng: &mut dyn Rng, device: &Device) -> Result<S4, CoreError> {
        check_arguments("s4", self.state, self.min_step, self.max_step)?;
        let (size, half) = (self.state, self.state / 2);
        let channels = self.spectra(width, rng);
        let gather = |f: &dyn Fn(&Spectrum, usize) -> f64, n: usize| -> Vec<f32> {
            let of =
                |channel: &Spectrum| (0..n).map(|i| f(channel, i) as f32).collect::<Vec<f32>>();
            channels.iter().flat_map(|channel| of(channel)).collect()
        };
        // The normal parts of FouT and LegT have real part 0; such modes would never decay.
        let decay = |s: &Spectrum, i: usize| (-s.lambda[i].re).max(1e-4).ln();
        let packed = |z: &[C64], i: usize| if i < half { z[i].re } else { z[i - half].im };
        let largest = if self.clip_b {
            LARGEST_B
        } else {
            f64::INFINITY
        };
        let b = |s: &Spectrum, i: usize| match packed(&s.b, i) {
            im if i >= half => im.clamp(-largest, largest),
            re => re,
        };
        let rank = channels.iter().map(|s| s.p.len()).max().unwrap_or(0).max(1);
        let column = |r: usize| gather(&|s, i| s.p.get(r).map_or(0.0, |p| packed(p, i)), size);
        let p = (0..rank).flat_map(column).collect();
        let c = init::normal(rng, width * size, 0.5_f64.sqrt());
        let d = init::normal(rng, width, 1.0);
        let log_step = init::log_step(rng, width, self.min_step, self.max_step);
        Ok(S4 {
            log_decay: init::param(gather(&decay, half), [width, half], device),
            frequency: init::param(gather(&|s, i| s.lambda[i].im, half), [width, half], device),
            p: init::param(p, [rank, width, size], device),
            b: init::param(gather(&b, size), [width, size], device),
            c: init::param(c, [width, size], device),
            d: init::param(d, [width], device),
            log_step: init::param(log_step, [width], device),
            output: init::linear(rng, width, 2 * width, true, device),
            acting: Derived::default(),
        })
    }

    /// Eigenvalues, P and B of every channel; eigenvectors where there are any.
    fn spectra(&self, width: usize, rng: &mut dyn Rng) -> Vec<Arc<Spectrum>> {
        let (size, half) = (self.state, self.state / 2);
        let normal = |measure: Measure| {
            let mut spectrum = Spectrum::clone(&measure.spectrum(size));
            spectrum.p.clear();
            Arc::new(spectrum)
        };
        // As in the spectra, the modes with negative imaginary parts are stored.
        let diagonal = |of: Vec<(f64, f64)>, p: Vec<Vec<C64>>| {
            Arc::new(Spectrum {
                lambda: of.into_iter().map(|(re, im)| C64::new(re, -im)).collect(),
                vectors: Vec::new(),
                b: vec![C64::new(1.0, 0.0); half],
                p,
            })
        };
        let halves = |first: Arc<Spectrum>, second: Arc<Spectrum>| {
            let of = |channel: usize| if channel < width / 2 { &first } else { &second };
            (0..width).map(|channel| Arc::clone(of(channel))).collect()
        };
        let all = |spectrum: Arc<Spectrum>| vec![spectrum; width];
        match self.start {
            S4Start::Legs => all(Measure::Legs.spectrum(size)),
            S4Start::Legt => all(Measure::Legt.spectrum(size)),
            S4Start::Fout => all(Measure::Fout.spectrum(size)),
            S4Start::Legsd => all(normal(Measure::Legs)),
            S4Start::Foud => all(normal(Measure::Foud)),
            S4Start::Hippo => halves(Measure::Legs.spectrum(size), Measure::Fout.spectrum(size)),
            S4Start::Diag => {
                let all = DiagonalStart::Diag.eigenvalues(width, size, rng);
                all.into_iter().map(|of| diagonal(of, Vec::new())).collect()
            }
            S4Start::Random => {
                let all = DiagonalStart::Random.eigenvalues(width, size, rng);
                let part = 0.5_f64.sqrt();
                let mut z = || part * rng.sample::<f64, _>(StandardNormal);
                let mut p = || (0..half).map(|_| C64::new(z(), z())).collect();
                all.into_iter().map(|of| diagonal(of, vec![p()])).collect()
            }
        }
    }
}
