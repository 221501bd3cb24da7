//! What a trainer holds: some layers of one core, made from a configuration, saved and restored as a whole.

use burn::{
    module::Module,
    store::ModuleRecord,
    tensor::{Bool, Bytes, Device, Tensor},
};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    CoreError, SequenceCore,
    registry::{Core, find},
};

/// Which core, how wide, how deep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StackConfig {
    /// Name of the core.
    pub core: String,
    /// Numbers per step, of inputs as of outputs.
    pub width: usize,
    /// Layers, one after the other; none remembers nothing and passes its inputs on.
    #[serde(default = "one")]
    pub layers: usize,
    /// Arguments of every layer; what is not given has its default.
    #[serde(default)]
    pub args: Value,
}

fn one() -> usize {
    1
}

/// Layers of one core.
///
/// The state is that of the layers side by side.
#[derive(Module, Debug)]
pub struct Stack {
    layers: Vec<Core>,
    /// Where it was made; asked only where there is no layer to ask.
    #[module(skip)]
    device: Device,
    #[module(skip)]
    config: StackConfig,
}

impl StackConfig {
    /// Layers with fresh parameters. `args` is completed with the defaults, so that a checkpoint tells all of them.
    ///
    /// # Errors
    /// As [`CoreEntry::build`](crate::CoreEntry::build), and [`CoreError::UnknownCore`].
    pub fn init(&self, rng: &mut dyn Rng, device: &Device) -> Result<Stack, CoreError> {
        let entry = find(&self.core)?;
        let layers = (0..self.layers)
            .map(|_| entry.build(self.width, &self.args, rng, device))
            .collect::<Result<Vec<_>, _>>()?;
        let mut config = self.clone();
        let mut args = entry.defaults;
        if let (Some(all), Some(given)) = (args.as_object_mut(), self.args.as_object()) {
            all.extend(
                given
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone())),
            );
        }
        config.args = args;
        Ok(Stack {
            layers,
            device: device.clone(),
            config,
        })
    }
}

impl Stack {
    /// What it was made from, all arguments given.
    pub fn config(&self) -> &StackConfig {
        &self.config
    }

    /// Configuration and parameters: the length of the configuration (8 bytes, little-endian), the configuration as
    /// JSON, the parameters in Burn's format.
    ///
    /// # Errors
    /// [`CoreError::Checkpoint`] if Burn cannot write the parameters.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CoreError> {
        let config = serde_json::to_vec(&self.config).map_err(unreadable)?;
        let parameters = self
            .clone()
            .into_record()
            .into_bytes()
            .map_err(unreadable)?;
        let mut bytes = (config.len() as u64).to_le_bytes().to_vec();
        bytes.extend(config);
        bytes.extend_from_slice(&parameters);
        Ok(bytes)
    }

    /// Takes on the parameters of a checkpoint made by [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`CoreError::OtherCore`] and [`CoreError::OtherArguments`] if it is one of another stack,
    /// [`CoreError::Checkpoint`] if it cannot be read.
    pub fn restore(self, bytes: &[u8]) -> Result<Self, CoreError> {
        let short = || unreadable("it ends within its configuration");
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(unreadable)?;
        let (config, parameters) = rest.split_at_checked(length).ok_or_else(short)?;
        let saved: StackConfig = serde_json::from_slice(config).map_err(unreadable)?;
        if saved.core != self.config.core {
            return Err(CoreError::OtherCore {
                expected: self.config.core,
                found: saved.core,
            });
        }
        if saved != self.config {
            let tell = |config: &StackConfig| serde_json::to_string(config).unwrap_or_default();
            return Err(CoreError::OtherArguments {
                expected: tell(&self.config),
                found: tell(&saved),
                core: saved.core,
            });
        }
        let bytes = Bytes::from_bytes_vec(parameters.to_vec());
        let record = ModuleRecord::from_bytes(bytes).map_err(unreadable)?;
        self.try_load_record(record).map_err(unreadable)
    }

    /// Runs through the layers with `run`, each with its part of the state.
    fn through<X>(
        &self,
        input: X,
        state: Tensor<2>,
        mut run: impl FnMut(&Core, X, Tensor<2>) -> Result<(X, Tensor<2>), CoreError>,
    ) -> Result<(X, Tensor<2>), CoreError> {
        let [batch, width] = state.dims();
        crate::core::check_shape("state", [batch, width], [batch, self.state_width()])?;
        if self.layers.is_empty() {
            return Ok((input, state));
        }
        let mut x = input;
        let mut start = 0;
        let mut states = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let part = crate::core::part(&state, start, layer.state_width());
            start += layer.state_width();
            let (output, next) = run(layer, x, part)?;
            x = output;
            states.push(next);
        }
        Ok((x, Tensor::cat(states, 1)))
    }
}

fn unreadable(reason: impl std::fmt::Display) -> CoreError {
    CoreError::Checkpoint {
        reason: reason.to_string(),
    }
}

impl SequenceCore for Stack {
    fn width(&self) -> usize {
        self.config.width
    }

    fn state_width(&self) -> usize {
        self.layers.iter().map(SequenceCore::state_width).sum()
    }

    fn state_multiply_adds(&self) -> usize {
        let layers = self.layers.iter();
        layers.map(SequenceCore::state_multiply_adds).sum()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        if self.layers.is_empty() {
            return Tensor::zeros([batch, 0], &self.device);
        }
        let states = self.layers.iter().map(|layer| layer.initial_state(batch));
        Tensor::cat(states.collect(), 1)
    }

    fn step(
        &self,
        input: Tensor<2>,
        resets: Tensor<1, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<2>, Tensor<2>), CoreError> {
        self.through(input, state, |layer, x, part| {
            layer.step(x, resets.clone(), part)
        })
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        self.through(input, state, |layer, x, part| {
            layer.scan(x, resets.clone(), part)
        })
    }

    fn convolve(&self, input: Tensor<3>, state: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        let output = self.through(input, state, |layer, x, part| {
            Ok((layer.convolve(x, part.clone())?, part))
        })?;
        Ok(output.0)
    }

    fn check_stability(&self) -> Result<(), CoreError> {
        for (place, layer) in self.layers.iter().enumerate() {
            layer.check_stability().map_err(|error| match error {
                CoreError::Unstable { index, modulus, .. } => CoreError::Unstable {
                    layer: Some(place),
                    index,
                    modulus,
                },
                other => other,
            })?;
        }
        Ok(())
    }
}
