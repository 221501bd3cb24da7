//! Every sequence core by name, with its arguments and their defaults.

use burn::{
    module::Module,
    tensor::{Bool, Device, Tensor},
};
use palaestra_envs::registry::{nearest, parse_args};
use rand::Rng;
use schemars::Schema;
use serde_json::Value;

use crate::{CoreError, SequenceCore, attention, recurrent, ssm};

type BuildFn = fn(usize, &Value, &mut dyn Rng, &Device) -> Result<Core, CoreError>;

/// A registered core.
#[derive(Debug, Clone)]
pub struct CoreEntry {
    /// Its name, e.g. `s5`.
    pub name: &'static str,
    /// One sentence for people.
    pub summary: &'static str,
    /// Default arguments.
    pub defaults: Value,
    /// JSON Schema of the arguments.
    pub schema: Schema,
    build: BuildFn,
}

impl CoreEntry {
    /// A new core that maps `width` numbers to `width` numbers, from its arguments (JSON null: the defaults).
    ///
    /// # Errors
    /// [`CoreError::Arguments`] for arguments that cannot be read, [`CoreError::Argument`] for one out of range.
    pub fn build(
        &self,
        width: usize,
        args: &Value,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<Core, CoreError> {
        if width == 0 {
            return Err(CoreError::Argument {
                core: self.name,
                name: "width",
                reason: "0; at least 1".into(),
            });
        }
        (self.build)(width, args, rng, device)
    }
}

/// Declares the enum of all cores, its delegation, and the table of entries.
macro_rules! cores {
    ($($variant:ident($core:ty, $config:ty) = $name:literal, $summary:literal;)*) => {
        /// Any registered core.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "tensors are handles; a core is built once and seldom moved")]
        pub enum Core {
            $(#[doc = $summary] $variant($core),)*
        }

        impl Core {
            /// The name it is registered under.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }
        }

        impl SequenceCore for Core {
            fn width(&self) -> usize {
                match self { $(Self::$variant(core) => core.width(),)* }
            }

            fn state_width(&self) -> usize {
                match self { $(Self::$variant(core) => core.state_width(),)* }
            }

            fn state_multiply_adds(&self) -> usize {
                match self { $(Self::$variant(core) => core.state_multiply_adds(),)* }
            }

            fn initial_state(&self, batch: usize) -> Tensor<2> {
                match self { $(Self::$variant(core) => core.initial_state(batch),)* }
            }

            fn step(
                &self,
                input: Tensor<2>,
                resets: Tensor<1, Bool>,
                state: Tensor<2>,
            ) -> Result<(Tensor<2>, Tensor<2>), CoreError> {
                match self { $(Self::$variant(core) => core.step(input, resets, state),)* }
            }

            fn scan(
                &self,
                input: Tensor<3>,
                resets: Tensor<2, Bool>,
                state: Tensor<2>,
            ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
                match self { $(Self::$variant(core) => core.scan(input, resets, state),)* }
            }

            fn convolve(&self, input: Tensor<3>, state: Tensor<2>) -> Result<Tensor<3>, CoreError> {
                match self { $(Self::$variant(core) => core.convolve(input, state),)* }
            }

            fn check_stability(&self) -> Result<(), CoreError> {
                match self { $(Self::$variant(core) => core.check_stability(),)* }
            }
        }

        /// All cores, by name.
        pub fn registry() -> Vec<CoreEntry> {
            let mut entries = vec![$(CoreEntry {
                name: $name,
                summary: $summary,
                defaults: serde_json::to_value(<$config>::default()).unwrap_or(Value::Null),
                schema: schemars::schema_for!($config),
                build: |width, args, rng, device| {
                    let config: $config = parse_args(args)?;
                    Ok(Core::$variant(config.init(width, rng, device)?))
                },
            },)*];
            entries.sort_by_key(|entry| entry.name);
            entries
        }
    };
}

cores! {
    Lssl(ssm::lssl::Lssl, ssm::lssl::LsslConfig) = "lssl",
        "A dense HiPPO system for each channel (LSSL), the slow reference.";
    Mamba(ssm::mamba::Mamba, ssm::mamba::MambaConfig) = "mamba",
        "A selective state space with a short convolution (Mamba, S6).";
    Mamba2(ssm::mamba2::Mamba2, ssm::mamba2::Mamba2Config) = "mamba2",
        "A selective state space with one decay for each head, in chunks (Mamba-2, SSD).";
    S4(ssm::s4::S4, ssm::s4::S4Config) = "s4",
        "A diagonal-plus-low-rank system for each channel (S4).";
    S4d(ssm::s4d::S4d, ssm::s4d::S4dConfig) = "s4d",
        "A diagonal system for each channel (S4D).";
    SpaceTime(ssm::spacetime::SpaceTime, ssm::spacetime::SpaceTimeConfig) = "spacetime",
        "A companion matrix for each channel, with closed-loop forecasts (SpaceTime).";
    S5(ssm::s5::S5, ssm::s5::S5Config) = "s5",
        "A diagonal system of many inputs and outputs, with resets (S5).";
    LinearAttention(attention::linear::LinearAttention, attention::linear::LinearAttentionConfig) = "linear_attention",
        "Linear attention with elu + 1 features (FART).";
    Gla(attention::gla::Gla, attention::gla::GlaConfig) = "gla",
        "Gated linear attention.";
    GatedDelta(attention::gated_delta::GatedDelta, attention::gated_delta::GatedDeltaConfig) = "gated_delta",
        "A gated delta network.";
    RgLru(attention::rg_lru::RgLru, attention::rg_lru::RgLruConfig) = "rg_lru",
        "A real gated linear recurrent unit (Hawk).";
    GatedSsm(attention::birdie::GatedSsm, attention::birdie::GatedSsmConfig) = "gated_ssm",
        "A gated state space (Birdie), with a prefix-bidirectional form.";
    Mom(attention::mom::Mom, attention::mom::MomConfig) = "mom",
        "A mixture of memories.";
    Miras(attention::miras::Miras, attention::miras::MirasConfig) = "miras",
        "A memory that learns while it is used (Moneta, Yaad, Memora).";
    SeqBoat(attention::seqboat::SeqBoat, attention::seqboat::SeqBoatConfig) = "seqboat",
        "A moving average with sparsely activated attention (SeqBoat).";
    Transformer(attention::transformer::Transformer, attention::transformer::TransformerConfig) = "transformer",
        "A causal transformer block with a window.";
    Gru(recurrent::gru::Gru, recurrent::gru::GruConfig) = "gru",
        "A gated recurrent unit.";
    Lstm(recurrent::lstm::Lstm, recurrent::lstm::LstmConfig) = "lstm",
        "Long short-term memory.";
    Lru(recurrent::lru::Lru, recurrent::lru::LruConfig) = "lru",
        "A linear recurrent unit.";
    FrameStack(recurrent::frame_stack::FrameStack, recurrent::frame_stack::FrameStackConfig) = "frame_stack",
        "A perceptron on the last few inputs.";
}

/// The entry of that name.
///
/// # Errors
/// [`CoreError::UnknownCore`] with the nearest name.
pub fn find(name: &str) -> Result<CoreEntry, CoreError> {
    let entries = registry();
    let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
    match names.iter().position(|known| *known == name) {
        Some(at) => Ok(entries[at].clone()),
        None => Err(CoreError::UnknownCore {
            name: name.to_owned(),
            suggestion: nearest(name, names),
        }),
    }
}

#[cfg(test)]
mod tests;
