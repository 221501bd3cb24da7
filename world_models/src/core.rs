//! The seam between sequence models and everything that trains or acts with them.

use burn::tensor::{Bool, Tensor};

use crate::CoreError;

/// A model that maps a sequence of `D`-dimensional inputs to one of outputs, causally, and forgets at resets.
///
/// A reset at step t makes the core forget everything *before* it takes in input t. The memory of a core is one row of
/// numbers for each row of the batch, `[B, N]`, so that it can lie beside observations in a rollout, be saved with a
/// row, and be cut or joined by rows.
///
/// `scan` over T steps is the same as T calls of `step`, and as two scans, one after the other.
pub trait SequenceCore {
    /// D, the width of inputs and outputs.
    fn width(&self) -> usize;

    /// N, the numbers that a row remembers.
    fn state_width(&self) -> usize;

    /// Multiply-adds of a step between what is remembered and what is not a parameter, for one row: what a step costs
    /// beside its products with parameters, each of which takes part in one ([`Cost`](crate::Cost)).
    fn state_multiply_adds(&self) -> usize;

    /// What is remembered before anything has happened, `[batch, N]`.
    ///
    /// Differentiable where it is learned.
    fn initial_state(&self, batch: usize) -> Tensor<2>;

    /// One step, for acting.
    ///
    /// # Shapes
    /// `input` `[B, D]`, `resets` `[B]`, `state` `[B, N]` to output `[B, D]` and state `[B, N]`.
    ///
    /// # Errors
    /// [`CoreError::Shape`].
    fn step(
        &self,
        input: Tensor<2>,
        resets: Tensor<1, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<2>, Tensor<2>), CoreError> {
        let [batch, width] = input.dims();
        let flags = resets.dims()[0];
        let (output, state) = self.scan(
            input.reshape([batch, 1, width]),
            resets.reshape([flags, 1]),
            state,
        )?;
        Ok((output.reshape([batch, width]), state))
    }

    /// A whole sequence, for training.
    ///
    /// # Shapes
    /// `input` `[B, T, D]`, `resets` `[B, T]`, `state` `[B, N]` to output `[B, T, D]` and the state after the last step.
    ///
    /// # Errors
    /// [`CoreError::EmptySequence`], [`CoreError::Shape`].
    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError>;

    /// The same outputs by convolution with the core's kernel, for sequences without resets.
    ///
    /// # Shapes
    /// As [`scan`](Self::scan).
    ///
    /// # Errors
    /// [`CoreError::NoKernel`] for cores that are not linear and time-invariant.
    fn convolve(&self, input: Tensor<3>, state: Tensor<2>) -> Result<Tensor<3>, CoreError>;

    /// Whether the parameters still make a stable system: the moduli of a discretised linear transition.
    ///
    /// # Errors
    /// [`CoreError::Unstable`].
    fn check_stability(&self) -> Result<(), CoreError> {
        Ok(())
    }
}

/// Checks the shapes that [`SequenceCore::scan`] is given; returns batch and steps.
pub(crate) fn check_sequence(
    core: &impl SequenceCore,
    input: &Tensor<3>,
    resets: &Tensor<2, Bool>,
    state: &Tensor<2>,
) -> Result<[usize; 2], CoreError> {
    let [batch, steps, width] = input.dims();
    if steps == 0 {
        return Err(CoreError::EmptySequence);
    }
    check_shape("input", [width], [core.width()])?;
    check_shape("resets", resets.dims(), [batch, steps])?;
    check_shape("state", state.dims(), [batch, core.state_width()])?;
    Ok([batch, steps])
}

/// Checks the shapes that [`SequenceCore::step`] is given; returns the batch.
pub(crate) fn check_step(
    core: &impl SequenceCore,
    input: &Tensor<2>,
    resets: &Tensor<1, Bool>,
    state: &Tensor<2>,
) -> Result<usize, CoreError> {
    let [batch, width] = input.dims();
    check_shape("input", [width], [core.width()])?;
    check_shape("resets", resets.dims(), [batch])?;
    check_shape("state", state.dims(), [batch, core.state_width()])?;
    Ok(batch)
}

pub(crate) fn check_shape<const D: usize>(
    what: &'static str,
    found: [usize; D],
    expected: [usize; D],
) -> Result<(), CoreError> {
    if found == expected {
        return Ok(());
    }
    Err(CoreError::Shape {
        what,
        expected: expected.to_vec(),
        found: found.to_vec(),
    })
}

/// `state`, zero in the rows that begin an episode.
pub(crate) fn forget(state: Tensor<2>, resets: Tensor<1, Bool>) -> Tensor<2> {
    let [batch, width] = state.dims();
    state.mask_fill(resets.reshape([batch, 1]).expand([batch, width]), 0.0)
}

/// The last of `[B, T, N]`, `[B, N]`.
pub(crate) fn last_step(states: &Tensor<3>) -> Tensor<2> {
    let [batch, steps, width] = states.dims();
    states
        .clone()
        .narrow(1, steps - 1, 1)
        .reshape([batch, width])
}

/// Columns `start..start + width` of a state, also where a part of a core remembers nothing, which `narrow` refuses.
pub(crate) fn part(state: &Tensor<2>, start: usize, width: usize) -> Tensor<2> {
    if width == 0 {
        return Tensor::zeros([state.dims()[0], 0], &state.device());
    }
    state.clone().narrow(1, start, width)
}

/// How far beyond one a modulus may be.
const ROUNDING: f32 = 1e-6;

/// Finds the first modulus above one. Eigenvalues next to the unit circle have moduli that round to one, and a little
/// beyond.
pub(crate) fn check_moduli(moduli: Tensor<1>) -> Result<(), CoreError> {
    let values = moduli
        .try_into_vec_as::<f32>()
        .map_err(|error| CoreError::Read {
            reason: error.to_string(),
        })?;
    match (values.iter()).position(|m| m.is_nan() || *m > 1.0 + ROUNDING) {
        None => Ok(()),
        Some(index) => Err(CoreError::Unstable {
            layer: None,
            index,
            modulus: values[index],
        }),
    }
}

/// The number of resets until each step: equal numbers are steps of one episode.
///
/// # Shapes
/// `[B, T]` to `[B, T]`.
pub(crate) fn segments(resets: &Tensor<2, Bool>) -> Tensor<2> {
    resets.clone().float().cumsum(1)
}

/// The last `length` inputs of the episode at every step, oldest first, zeros where there are fewer; `state` holds the
/// `length − 1` before the sequence.
///
/// # Shapes
/// `input` `[B, T, D]`, `resets` `[B, T]`, `state` `[B, (length − 1)·D]` to `[B, T, length·D]`.
pub(crate) fn window(
    input: Tensor<3>,
    resets: &Tensor<2, Bool>,
    state: Tensor<2>,
    length: usize,
) -> Tensor<3> {
    let [batch, steps, width] = input.dims();
    let before = length - 1;
    let episode = segments(resets);
    // What lies before the sequence belongs to episode 0, as does what comes before its first reset.
    let old = Tensor::zeros([batch, before], &episode.device());
    let episodes = Tensor::cat(vec![old, episode.clone()], 1);
    let all = Tensor::cat(vec![state.reshape([batch, before, width]), input], 1);
    let frames = (0..length)
        .map(|start| {
            let of = episodes.clone().narrow(1, start, steps);
            let other = of.not_equal(episode.clone()).reshape([batch, steps, 1]);
            all.clone()
                .narrow(1, start, steps)
                .mask_fill(other.expand([batch, steps, width]), 0.0)
        })
        .collect();
    Tensor::cat(frames, 2)
}
