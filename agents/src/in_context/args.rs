//! What PPO can be told, with the published hyper-parameters as defaults.

use burn::tensor::Device;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use burn::tensor::DeviceType;
use palaestra_world_models::StackConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{AgentContext, AgentError};

/// How the learning rate changes over the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// It does not.
    #[default]
    Constant,
    /// It falls linearly with the updates, to zero after the last.
    Linear,
}

/// How actions are chosen when the agent is evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evaluated {
    /// The most probable ones.
    #[default]
    MostProbable,
    /// Drawn from the policy, as in training: for agents that learn while they play, and must try things out for it.
    Drawn,
}

/// Where tensors live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// The processor: needs nothing, and gives equal bytes in equal runs.
    #[default]
    Cpu,
    /// A graphics card through Vulkan, Metal or DirectX 12, in programs built with the feature `wgpu`. GRU and LSTM run
    /// step by step; equal runs need not give equal bytes.
    Wgpu,
    /// The first card of CUDA, in programs built with the feature `cuda`; else as `wgpu`.
    Cuda,
}

impl DeviceKind {
    /// The device.
    ///
    /// # Errors
    /// [`AgentError::Env`] if the program was built without it, or if there is none here.
    pub fn device(self) -> Result<Device, AgentError> {
        #[cfg(not(all(feature = "wgpu", feature = "cuda")))]
        let missing = |name: &str| {
            let message = format!(
                "is `{name}`, but this program was built without it; build it with `--features {name}`"
            );
            AgentError::argument("device", message)
        };
        // Devices are opened when they are first used, and panic if they cannot be.
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        let here = |name: &str, kind: DeviceType, device: Device, needs: &str| {
            if Device::enumerate(kind).is_empty() {
                let message =
                    format!("is `{name}`, but there is no such device here; it needs {needs}");
                return Err(AgentError::argument("device", message));
            }
            Ok(device)
        };
        match self {
            Self::Cpu => Ok(Device::flex()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => here(
                "wgpu",
                DeviceType::Wgpu,
                Device::wgpu(burn::tensor::DeviceKind::default()),
                "a driver for Vulkan, Metal or DirectX 12",
            ),
            #[cfg(not(feature = "wgpu"))]
            Self::Wgpu => Err(missing("wgpu")),
            #[cfg(feature = "cuda")]
            Self::Cuda => here(
                "cuda",
                DeviceType::Cuda,
                Device::cuda(0),
                "NVIDIA's driver and a card of theirs",
            ),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda => Err(missing("cuda")),
        }
    }
}

/// Arguments of [`Ppo`](super::Ppo). The defaults are those of the released code of arXiv 2303.03982 for the memory
/// suite, with 64 rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PpoArgs {
    /// Name of the sequence core (`palaestra_world_models::registry`).
    pub core: String,
    /// Arguments of every layer of the core.
    pub core_args: Map<String, Value>,
    /// Layers of the core; 4 of `s5`, 1 of any other unless set. With 0 the agent remembers nothing: encoder and heads alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<usize>,
    /// Widths of the encoder's layers; the last is the core's.
    pub encoder: Vec<usize>,
    /// Widths of the hidden layers of actor and critic.
    pub heads: Vec<usize>,
    /// T, steps of every row between two updates; the run must have room for one.
    pub rollout: usize,
    /// How often each update goes through its rollout.
    pub epochs: usize,
    /// Parts of a rollout, each of whole rows; a divisor of their number.
    pub minibatches: usize,
    /// Learning rate.
    #[serde(deserialize_with = "number")]
    pub lr: f64,
    /// How it changes.
    pub lr_schedule: Schedule,
    /// γ, discount, in [0, 1].
    #[serde(deserialize_with = "number")]
    pub gamma: f64,
    /// λ of the advantage estimate, in [0, 1].
    #[serde(deserialize_with = "number")]
    pub lambda: f64,
    /// ε, of ratios and of values.
    #[serde(deserialize_with = "number")]
    pub clip: f64,
    /// Weight of the value loss.
    #[serde(deserialize_with = "number")]
    pub value_coef: f64,
    /// Weight of the entropy.
    #[serde(deserialize_with = "number")]
    pub entropy_coef: f64,
    /// Largest norm of the gradient of all parameters together.
    #[serde(deserialize_with = "number")]
    pub max_grad_norm: f64,
    /// ε of Adam.
    #[serde(deserialize_with = "number")]
    pub adam_eps: f64,
    /// How actions are chosen when it is evaluated.
    pub evaluated: Evaluated,
    /// Where tensors live.
    pub device: DeviceKind,
    /// Follow the released code also where it departs from the method: an episode cut by a time limit counts as ended
    /// (else the value of its last observation stands for the rest of it), and S5's eigenvalues are not kept from
    /// the right half-plane.
    pub parity: bool,
}

/// A number; `nan` of a file in TOML arrives as null, and is refused with the range that is asked for.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

impl Default for PpoArgs {
    fn default() -> Self {
        Self {
            core: "s5".into(),
            core_args: Map::new(),
            layers: None,
            encoder: vec![128, 256],
            heads: vec![128, 128],
            rollout: 1024,
            epochs: 30,
            minibatches: 8,
            lr: 5e-5,
            lr_schedule: Schedule::Constant,
            gamma: 0.99,
            lambda: 1.0,
            clip: 0.2,
            value_coef: 1.0,
            entropy_coef: 0.0,
            max_grad_norm: 0.5,
            adam_eps: 1e-5,
            evaluated: Evaluated::MostProbable,
            device: DeviceKind::Cpu,
            parity: false,
        }
    }
}

impl PpoArgs {
    /// Checks the arguments for an agent in `context`.
    ///
    /// # Errors
    /// [`AgentError::Env`] naming the argument.
    pub fn check(&self, context: &AgentContext) -> Result<(), AgentError> {
        let counts = [
            ("rollout", self.rollout),
            ("epochs", self.epochs),
            ("minibatches", self.minibatches),
        ];
        for (name, count) in counts {
            if count == 0 {
                return Err(AgentError::argument(name, "is 0; give at least 1"));
            }
        }
        if self.encoder.is_empty() {
            let message = "is empty; its last width is that of the core";
            return Err(AgentError::argument("encoder", message));
        }
        for (name, widths) in [("encoder", &self.encoder), ("heads", &self.heads)] {
            if widths.contains(&0) {
                return Err(AgentError::argument(name, "has a layer of width 0"));
            }
        }
        // Minibatches and rollouts are of no concern to who does not learn.
        if context.total_steps > 0 {
            self.check_update(context)?;
        }
        self.check_ranges()
    }

    /// Environment steps between two updates; `None` if they cannot be counted.
    fn steps_of_update(&self, rows: usize) -> Option<u64> {
        u64::try_from(rows.checked_mul(self.rollout)?).ok()
    }

    /// Updates that the run in `context` has room for.
    pub fn updates(&self, context: &AgentContext) -> u64 {
        let steps = self.steps_of_update(context.rows);
        steps.map_or(0, |steps| context.total_steps / steps.max(1))
    }

    fn check_update(&self, context: &AgentContext) -> Result<(), AgentError> {
        let (seats, players) = (context.seats(), context.players.len());
        if !seats.is_multiple_of(self.minibatches) {
            let counted = match players {
                1 => format!("the {seats} environments (`num_envs`)"),
                _ => format!("the {seats} seats ({players} players times `num_envs`)"),
            };
            let message = format!(
                "is {}, but {counted} cannot be dealt out evenly; minibatches are made of whole sequences, so give a \
                 divisor of {seats}",
                self.minibatches
            );
            return Err(AgentError::argument("minibatches", message));
        }
        if self.updates(context) == 0 {
            let (rows, total) = (context.rows, context.total_steps);
            let needed = (self.steps_of_update(rows))
                .map_or_else(|| "more than can be counted".into(), |n| n.to_string());
            let most = match total / rows.max(1) as u64 {
                0 => String::new(),
                most => format!("a `rollout` of at most {most}, or "),
            };
            let message = format!(
                "is {}: with {rows} environments (`num_envs`) an update needs {needed} environment steps, but the run has \
                 {total} (`total_env_steps`), so that nothing would be learned; give {most}a longer run",
                self.rollout
            );
            return Err(AgentError::argument("rollout", message));
        }
        Ok(())
    }

    fn check_ranges(&self) -> Result<(), AgentError> {
        let ranges = [
            ("lr", self.lr, f64::MIN_POSITIVE, f64::MAX),
            ("gamma", self.gamma, 0.0, 1.0),
            ("lambda", self.lambda, 0.0, 1.0),
            ("clip", self.clip, f64::MIN_POSITIVE, f64::MAX),
            ("value_coef", self.value_coef, 0.0, f64::MAX),
            ("entropy_coef", self.entropy_coef, 0.0, f64::MAX),
            (
                "max_grad_norm",
                self.max_grad_norm,
                f64::MIN_POSITIVE,
                f64::MAX,
            ),
            ("adam_eps", self.adam_eps, f64::MIN_POSITIVE, f64::MAX),
        ];
        for (name, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                let range = match (least > 0.0, most < f64::MAX) {
                    (true, _) => "a positive number",
                    (false, true) => "a number in [0, 1]",
                    (false, false) => "a number of at least 0",
                };
                return Err(AgentError::argument(
                    name,
                    format!("is {value}; give {range}"),
                ));
            }
        }
        Ok(())
    }

    /// The layers of sequence cores between encoder and heads.
    pub fn stack(&self) -> StackConfig {
        let mut args = self.core_args.clone();
        let s5 = self.core == "s5";
        if s5 && self.parity {
            args.entry("clip_eigenvalues").or_insert(Value::Bool(false));
        }
        StackConfig {
            core: self.core.clone(),
            width: self.encoder.last().copied().unwrap_or(0),
            layers: self.layers.unwrap_or(if s5 { 4 } else { 1 }),
            args: Value::Object(args),
        }
    }

    /// The learning rate of update `update`, from 0, of a run of `total`.
    pub fn learning_rate(&self, update: u64, total: u64) -> f64 {
        match self.lr_schedule {
            Schedule::Constant => self.lr,
            Schedule::Linear => self.lr * (1.0 - update as f64 / total.max(1) as f64).max(0.0),
        }
    }
}
