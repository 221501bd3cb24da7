//! What can go wrong with a sequence core, as values.

use palaestra_envs::EnvError;

/// An error of a sequence core, its construction or its checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// A sequence of no steps.
    #[error("the sequence has no steps; give at least one")]
    EmptySequence,
    /// A tensor whose shape does not fit.
    #[error("{what} has shape {found:?}, expected {expected:?}")]
    Shape {
        /// Which tensor.
        what: &'static str,
        /// The shape that fits.
        expected: Vec<usize>,
        /// The shape it has.
        found: Vec<usize>,
    },
    /// A transform length that the Fourier transform cannot do.
    #[error(
        "a Fourier transform of length {length} is asked for, but only powers of two are possible; pad to {padded}"
    )]
    TransformLength {
        /// The length asked for.
        length: usize,
        /// The next power of two.
        padded: usize,
    },
    /// A transition that makes the state grow without bound.
    #[error(
        "mode {index} of the discretised transition{} has modulus {modulus}, outside the unit disc; lower the learning \
         rate, or keep S5's eigenvalues in the left half-plane (`clip_eigenvalues`)",
        layer.map_or_else(String::new, |layer| format!(" of layer {layer}"))
    )]
    Unstable {
        /// Position among the layers of a stack, from 0; `None` if the core was asked by itself.
        layer: Option<usize>,
        /// Position among the modes.
        index: usize,
        /// Its modulus (NaN if it is no number).
        modulus: f32,
    },
    /// A gradient that is not finite, or whose norm is not.
    #[error(
        "the gradient of parameter `{parameter}` is not finite, or so large that its norm is not; the parameters were not \
         changed"
    )]
    Gradient {
        /// Path of the parameter within the module.
        parameter: String,
    },
    /// Numbers that the device does not give back.
    #[error("the device did not return its numbers: {reason}")]
    Read {
        /// What it says.
        reason: String,
    },
    /// A core that is not registered.
    #[error("there is no sequence core `{name}`{}", hint(suggestion.as_deref()))]
    UnknownCore {
        /// The name asked for.
        name: String,
        /// The registered name most like it.
        suggestion: Option<String>,
    },
    /// An argument out of its range.
    #[error("argument `{name}` of sequence core `{core}`: {reason}")]
    Argument {
        /// The core.
        core: &'static str,
        /// The argument.
        name: &'static str,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// Arguments that cannot be read.
    #[error(transparent)]
    Arguments(#[from] EnvError),
    /// A core without a convolution kernel (it depends on its input, or is not linear).
    #[error("sequence core `{core}` has no convolution kernel; use `scan`")]
    NoKernel {
        /// The core.
        core: &'static str,
    },
    /// A form of a scan that the device cannot run.
    #[error("the {form} form of a scan does not run on {device}; use `ScanForm::for_tensor`")]
    Form {
        /// The form.
        form: &'static str,
        /// What it was asked to run on.
        device: String,
    },
    /// A checkpoint of another core.
    #[error("the checkpoint holds the sequence core `{found}`, not `{expected}`")]
    OtherCore {
        /// The core to restore.
        expected: String,
        /// The core saved.
        found: String,
    },
    /// A checkpoint of the same core with other arguments.
    #[error(
        "the checkpoint was written by `{core}` with other arguments: saved {found}, asked for {expected}"
    )]
    OtherArguments {
        /// The core.
        core: String,
        /// Its arguments, as JSON.
        expected: String,
        /// The arguments saved.
        found: String,
    },
    /// Moments of an optimiser that are not those of the parameters.
    #[error(
        "the saved moments of the optimiser do not belong to these parameters: {reason}; take up a checkpoint of the same \
         network, or begin without moments"
    )]
    Moments {
        /// What does not fit.
        reason: String,
    },
    /// A checkpoint that cannot be read.
    #[error("the checkpoint cannot be read: {reason}")]
    Checkpoint {
        /// What the reader says.
        reason: String,
    },
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
