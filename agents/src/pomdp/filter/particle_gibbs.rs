//! PaRIS particle Gibbs: Cardoso, El Idrissi, Le Corff, Moulines, Olsson, *State and Parameter Learning with PaRIS
//! Particle Gibbs* (arXiv 2301.00900).
//!
//! A sweep is a particle filter in which one particle is tied to a given path, with PaRIS statistics for all. The next
//! path is read from the backward draws, from a particle drawn by weight at the end. The estimates of the sweeps after a
//! burn-in are averaged. From the paper's abstract: the bias falls geometrically with the number of sweeps, at the same
//! cost a sweep. How the paths are drawn is our reading of it, not checked against the authors' code.

use palaestra_envs::stream::Stream;
use serde::{Deserialize, Serialize};

use super::{Depleted, Paris, ParisSettings, StateSpaceModel};

/// Settings of [`particle_gibbs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticleGibbsSettings {
    /// Particles and backward draws of a sweep; the tied particle counts.
    pub paris: ParisSettings,
    /// `k`, sweeps.
    pub sweeps: usize,
    /// `k₀`, sweeps that do not count.
    pub burn_in: usize,
}

impl Default for ParticleGibbsSettings {
    fn default() -> Self {
        Self {
            paris: ParisSettings::default(),
            sweeps: 8,
            burn_in: 4,
        }
    }
}

/// Smoothed sums `[functionals]` of all measurements, and the last path, with which another call can go on.
///
/// Without a `path` the first one is drawn from a sweep whose tied path comes from the prior.
///
/// # Errors
/// [`Depleted`] if no particle explains a measurement.
pub fn particle_gibbs<M: StateSpaceModel>(
    model: &M,
    settings: ParticleGibbsSettings,
    path: Option<Vec<M::State>>,
    rng: &mut Stream,
) -> Result<(Vec<f64>, Vec<M::State>), Depleted> {
    let mut path = path
        .filter(|path| path.len() == model.steps())
        .unwrap_or_else(|| prior(model, rng));
    let mut sum = vec![0.0; model.functionals()];
    let sweeps = settings.sweeps.max(1);
    let burn_in = settings.burn_in.min(sweeps - 1);
    for sweep in 0..sweeps {
        let estimate;
        (estimate, path) = one_sweep(model, settings.paris, &path, rng)?;
        if sweep >= burn_in {
            sum.iter_mut().zip(estimate).for_each(|(s, e)| *s += e);
        }
    }
    sum.iter_mut().for_each(|s| *s /= (sweeps - burn_in) as f64);
    Ok((sum, path))
}

/// A path that knows nothing of the measurements.
fn prior<M: StateSpaceModel>(model: &M, rng: &mut Stream) -> Vec<M::State> {
    let mut path = vec![model.start(rng)];
    for t in 0..model.steps().saturating_sub(1) {
        path.push(model.propagate(t, path[t], rng));
    }
    path
}

fn one_sweep<M: StateSpaceModel>(
    model: &M,
    settings: ParisSettings,
    path: &[M::State],
    rng: &mut Stream,
) -> Result<(Vec<f64>, Vec<M::State>), Depleted> {
    let mut all = Paris::start(model, settings, Some(path[0]), rng)?;
    for &state in &path[1..] {
        all.advance(model, Some(state), rng)?;
    }
    let mut at = all.draw(rng);
    let mut next = vec![all.states[at]];
    for (ancestors, states) in all.ancestors.iter().zip(&all.history).rev() {
        at = ancestors[at] as usize;
        next.push(states[at]);
    }
    next.reverse();
    Ok((all.estimate(), next))
}

/// Parameters with the path that goes with them.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned<S> {
    /// The parameters.
    pub parameters: Vec<f64>,
    /// The last path.
    pub path: Vec<S>,
}

/// Climbs the likelihood by Fisher's identity: the score is the smoothed sum of `∂ log m + ∂ log g`, which are the
/// functionals `score` of the model. Iteration `n ≥ 1` moves the parameters by `step / √n` times the score.
///
/// `model` makes a model of parameters, which it may have to keep in their range.
///
/// # Errors
/// [`Depleted`] if no particle explains a measurement.
pub fn ascend_score<M: StateSpaceModel>(
    model: impl Fn(&mut [f64]) -> M,
    start: &[f64],
    score: std::ops::Range<usize>,
    (iterations, step): (u32, f64),
    settings: ParticleGibbsSettings,
    rng: &mut Stream,
) -> Result<Learned<M::State>, Depleted> {
    let mut parameters = start.to_vec();
    let mut path = None;
    for n in 1..=iterations {
        let (sums, next) = particle_gibbs(&model(&mut parameters), settings, path, rng)?;
        let rate = step / f64::from(n).sqrt();
        let moves = parameters.iter_mut().zip(&sums[score.clone()]);
        moves.for_each(|(parameter, gradient)| *parameter += rate * gradient);
        path = Some(next);
    }
    // Once more, so that the result is in its range.
    let last = model(&mut parameters);
    Ok(Learned {
        parameters,
        path: path.unwrap_or_else(|| prior(&last, rng)),
    })
}
