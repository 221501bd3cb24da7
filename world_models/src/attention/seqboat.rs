//! SeqBoat: Ren et al., "Sparse modular activation for efficient sequence modeling" (arXiv 2306.11197). A cheap memory, a
//! damped moving average, sees every step; an attention unit is switched on only where a configurator asks for it.
//!
//! * Moving average (Mega, arXiv 2209.10655): for n dimensions of each channel p = σ(δ), q = 1 − p σ(α),
//!   h_t = q h_{t−1} + p β x_t, y = Σ γ h/√n + ω x; m = silu(y) of the normed input.
//! * Configurator: π = softmax(W m/τ), τ = e^θ; on where the second option wins, with gate max π, through which the
//!   gradient flows.
//! * Attention unit: (z, r, v) = silu(W m); q and k are scales and shifts of z; softmax attention over the last W *active*
//!   steps of the episode, times r, mapped back. out = silu(gate·unit + linear(m) + u).
//!
//! Inactive steps are masked, not taken out: the same numbers, in tensors of fixed shape. The state is the moving
//! average, then key, value and a flag of the last W active steps, newest last.

use burn::{
    module::{Module, Param},
    nn::{LayerNorm, LayerNormConfig, Linear},
    tensor::{Bool, Device, Tensor, TensorData, activation::softmax},
};
use rand::Rng;

use crate::{
    CoreError, SequenceCore,
    activation::{sigmoid, silu},
    core::{check_sequence, last_step, segments},
    init,
    scan::{GatedScan, ScanForm, gated_scan},
};

/// What a score becomes where attention is forbidden.
const FORBIDDEN: f32 = -1e9;

/// Arguments of [`SeqBoat`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SeqBoatConfig {
    /// Dimensions n of a channel's moving average.
    pub averages: usize,
    /// Width of queries and keys.
    pub key: usize,
    /// Width of values.
    pub value: usize,
    /// Active steps W seen, the current one included.
    pub window: usize,
}

impl Default for SeqBoatConfig {
    fn default() -> Self {
        Self {
            averages: 4,
            key: 64,
            value: 256,
            window: 64,
        }
    }
}

/// Mega's damped moving average of every channel.
#[derive(Module, Debug)]
struct MovingAverage {
    /// δ, `[D, n]`.
    delta: Param<Tensor<2>>,
    /// α, `[D, n]`.
    alpha: Param<Tensor<2>>,
    /// β, `[D, n]`.
    beta: Param<Tensor<2>>,
    /// γ, `[D, n]`.
    gamma: Param<Tensor<2>>,
    /// ω, `[D]`.
    omega: Param<Tensor<1>>,
}

impl MovingAverage {
    fn new(width: usize, n: usize, rng: &mut dyn Rng, device: &Device) -> Self {
        let count = width * n;
        let shape = [width, n];
        let alternating = (0..count).map(|i| if (i % n).is_multiple_of(2) { 1.0 } else { -1.0 });
        let noise = init::normal(rng, count, 0.02);
        let beta = alternating
            .zip(noise)
            .map(|(sign, x): (f32, f32)| sign + x)
            .collect();
        let mut draw = |sd: f64| init::normal(rng, count, sd);
        let (delta, alpha, gamma) = (draw(0.2), draw(0.2), draw(1.0));
        let omega = init::normal(rng, width, 1.0);
        Self {
            delta: init::param(delta, shape, device),
            alpha: init::param(alpha, shape, device),
            beta: init::param(beta, shape, device),
            gamma: init::param(gamma, shape, device),
            omega: init::param(omega, [width], device),
        }
    }

    /// Outputs `[B, T, D]` and the last averages `[B, D·n]`.
    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
        form: Option<ScanForm>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps, width] = input.dims();
        let n = self.delta.dims()[1];
        let p = sigmoid(self.delta.val());
        let q = (p.clone() * sigmoid(self.alpha.val())).neg() + 1.0;
        let put = (p * self.beta.val()).reshape([1, 1, width, n])
            * input.clone().reshape([batch, steps, width, 1]);
        let scan = GatedScan {
            decay: q
                .reshape([1, 1, width * n])
                .expand([batch, steps, width * n]),
            input: put.reshape([batch, steps, width * n]),
            resets,
            state,
        };
        let h = gated_scan(scan, form)?;
        let last = last_step(&h);
        let read = self
            .gamma
            .val()
            .div_scalar((n as f64).sqrt())
            .reshape([1, 1, width, n]);
        let y = (h.reshape([batch, steps, width, n]) * read).sum_dim(3);
        let through = input * self.omega.val().reshape([1, 1, width]);
        Ok((y.reshape([batch, steps, width]) + through, last))
    }
}

/// A SeqBoat layer.
#[derive(Module, Debug)]
pub struct SeqBoat {
    norm: LayerNorm,
    average: MovingAverage,
    configurator: Linear,
    /// θ of the temperature, `[1]`.
    temperature: Param<Tensor<1>>,
    linear: Linear,
    mixed: Linear,
    opened: Linear,
    value: Linear,
    /// Scale and shift of queries, then of keys, `[4, key]`.
    turns: Param<Tensor<2>>,
    output: Linear,
    window: usize,
}

impl SeqBoatConfig {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for sizes of 0.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<SeqBoat, CoreError> {
        for (name, value) in [
            ("averages", self.averages),
            ("key", self.key),
            ("value", self.value),
            ("window", self.window),
        ] {
            if value == 0 {
                return Err(CoreError::Argument {
                    core: "seqboat",
                    name,
                    reason: "0; at least 1".into(),
                });
            }
        }
        let average = MovingAverage::new(width, self.averages, rng, device);
        let turns = (0..4 * self.key)
            .zip(init::normal(rng, 4 * self.key, 0.02))
            // Scales start near 1, shifts near 0.
            .map(|(i, x)| {
                if (i / self.key).is_multiple_of(2) {
                    1.0 + x
                } else {
                    x
                }
            })
            .collect();
        let mut map = |inputs, outputs| init::linear(rng, inputs, outputs, true, device);
        Ok(SeqBoat {
            norm: LayerNormConfig::new(width).init(device),
            average,
            configurator: map(width, 2),
            temperature: init::constant(0.5 * (width as f32).ln(), [1], device),
            linear: map(width, width),
            mixed: map(width, self.key),
            opened: map(width, self.value),
            value: map(width, self.value),
            turns: init::param(turns, [4, self.key], device),
            output: map(self.value, width),
            window: self.window,
        })
    }
}

/// Where the attention unit is on.
struct Configuration {
    /// 1 where it is, `[B, T]`.
    active: Tensor<2>,
    /// The winning probability there, 0 elsewhere, `[B, T]`.
    gate: Tensor<2>,
}

/// From logits `[B, T, 2]`; the second option is "on".
fn configure(logits: Tensor<3>, temperature: Tensor<1>) -> Configuration {
    let [batch, steps, _] = logits.dims();
    let probabilities = softmax(logits / temperature.reshape([1, 1, 1]), 2);
    let option = |i: usize| {
        probabilities
            .clone()
            .narrow(2, i, 1)
            .reshape([batch, steps])
    };
    let active = option(1).greater(option(0)).float();
    Configuration {
        gate: option(1) * active.clone(),
        active,
    }
}

impl SeqBoat {
    fn key_width(&self) -> usize {
        self.turns.dims()[1]
    }

    fn value_width(&self) -> usize {
        self.output.weight.dims()[0]
    }

    fn token_width(&self) -> usize {
        self.key_width() + self.value_width() + 1
    }

    fn average_width(&self) -> usize {
        let [width, n] = self.average.delta.dims();
        width * n
    }
}

impl SequenceCore for SeqBoat {
    fn width(&self) -> usize {
        self.output.weight.dims()[1]
    }

    fn state_width(&self) -> usize {
        self.average_width() + self.window * self.token_width()
    }

    fn state_multiply_adds(&self) -> usize {
        // Scores and values of the window.
        self.window * self.token_width()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.state_width()], &self.output.weight.device())
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        let (keys, values, window) = (self.key_width(), self.value_width(), self.window);
        let (width, tokens, all) = (self.token_width(), self.average_width(), window + steps);
        let device = input.device();
        let average = state.clone().narrow(1, 0, tokens);
        let normed = self.norm.forward(input.clone());
        let (m, average) = self.average.scan(normed, resets.clone(), average, None)?;
        let m = silu(m);
        let Configuration { active, gate } = configure(
            self.configurator.forward(m.clone()),
            self.temperature.val().exp(),
        );
        // Every step as a row (key | value | 1 if active), behind those remembered.
        let z = silu(self.mixed.forward(m.clone()));
        let turn = |i: usize| {
            let row = |i: usize| self.turns.val().narrow(0, i, 1).reshape([1, 1, keys]);
            z.clone() * row(i) + row(i + 1)
        };
        let (query, key) = (turn(0), turn(2));
        let value = silu(self.value.forward(m.clone()));
        let flag = active.clone().reshape([batch, steps, 1]);
        let remembered = state
            .narrow(1, tokens, window * width)
            .reshape([batch, window, width]);
        let rows = Tensor::cat(vec![remembered, Tensor::cat(vec![key, value, flag], 2)], 1);
        let present = rows.clone().narrow(2, width - 1, 1).reshape([batch, all]);
        // Numbers of active steps: those remembered end with 0, new ones count from 1.
        let old: Vec<f32> = (0..window)
            .map(|i| i as f32 - (window as f32 - 1.0))
            .collect();
        let old = Tensor::<2>::from_data(TensorData::new(old, [1, window]), &device)
            .expand([batch, window]);
        let count = active.clone().cumsum(1);
        let number = Tensor::cat(vec![old, count.clone()], 1);
        let episode = segments(&resets);
        let before = Tensor::zeros([batch, window], &episode.device());
        let episodes = Tensor::cat(vec![before, episode.clone()], 1);
        let grid = [batch, steps, all];
        let now = |x: &Tensor<2>| x.clone().reshape([batch, steps, 1]).expand(grid);
        let then = |x: &Tensor<2>| x.clone().reshape([batch, 1, all]).expand(grid);
        let age = now(&count) - then(&number);
        let absent = then(&present).lower_scalar(0.5);
        let forbidden = now(&episode)
            .not_equal(then(&episodes))
            .bool_or(absent)
            .bool_or(age.clone().lower_scalar(0.0))
            .bool_or(age.greater_equal_scalar(window as f32));
        let scores = query
            .matmul(rows.clone().narrow(2, 0, keys).swap_dims(1, 2))
            .div_scalar((keys as f64).sqrt());
        let attention = softmax(scores.mask_fill(forbidden, FORBIDDEN), 2);
        let seen = attention.matmul(rows.clone().narrow(2, keys, values));
        let unit = self
            .output
            .forward(seen * silu(self.opened.forward(m.clone())));
        let gated = unit * gate.reshape([batch, steps, 1]);
        let y = silu(gated + self.linear.forward(m) + input);
        // What is remembered: the newest W active steps of the last episode, each picked by its number.
        let end = count.narrow(1, steps - 1, 1);
        let last = episode.narrow(1, steps - 1, 1).expand([batch, all]);
        let usable = present * episodes.equal(last).float();
        let place: Vec<f32> = (0..window).map(|i| (window - 1 - i) as f32).collect();
        let place = Tensor::<3>::from_data(TensorData::new(place, [1, window, 1]), &device);
        let wanted = end.reshape([batch, 1, 1]).expand([batch, window, 1])
            - place.expand([batch, window, 1]);
        let grid = [batch, window, all];
        let found = wanted
            .expand(grid)
            .equal(number.reshape([batch, 1, all]).expand(grid));
        let pick = found.float() * usable.reshape([batch, 1, all]);
        let kept = pick.matmul(rows).reshape([batch, window * width]);
        Ok((y, Tensor::cat(vec![average, kept], 1)))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel { core: "seqboat" })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{
        assert_close, assert_golden, check_core, flags, from, golden, noise, numbers, tensor,
        values,
    };

    #[test]
    fn moving_average_of_the_golden_channel() {
        let golden = golden("seqboat.json");
        let given = &golden["inputs"];
        let device = Device::flex();
        let mut average = MovingAverage::new(1, 2, &mut Stream::new(1, 0, "ema"), &device);
        let get = |key: &str| Param::from_tensor(tensor::<2>(&given[key], [1, 2], &device));
        (average.delta, average.alpha) = (get("delta"), get("alpha"));
        (average.beta, average.gamma) = (get("beta"), get("gamma"));
        average.omega = Param::from_tensor(tensor(&given["omega"], [1], &device));
        let resets = flags(&[0.0; 6], [1, 6], &device);
        let run = |input| {
            let zero = Tensor::zeros([1, 2], &device);
            average.scan(input, resets.clone(), zero, None).unwrap().0
        };
        assert_golden(
            &run(tensor(&given["u"], [1, 6, 1], &device)),
            &golden["ema_y"],
            1e-5,
        );
        let impulse = from(vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1, 6, 1], &device);
        let mut kernel = numbers(&golden["ema_kernel"]);
        kernel[0] += numbers(&given["omega"])[0];
        assert_close(&values(&run(impulse)), &kernel, 1e-5);
    }

    #[test]
    fn configurator_of_the_golden_sequence() {
        let golden = golden("seqboat.json");
        let given = &golden["inputs"];
        let device = Device::flex();
        let logits = tensor::<3>(&given["logits"], [1, 6, 2], &device);
        let temperature = tensor::<1>(&serde_json::json!([given["tau"]]), [1], &device);
        let found = configure(logits, temperature);
        assert_golden(&found.active, &golden["active"], 0.0);
        assert_golden(&found.gate, &golden["gate"], 1e-5);
        // Numbers of active steps are the places that compression would give them.
        let places = found.active.clone().cumsum(1) * found.active;
        assert_golden(&places, &golden["compress_index"], 0.0);
    }

    #[test]
    fn steps_scans_cuts_and_resets_agree() {
        let device = Device::flex();
        for window in [1, 3, 50] {
            let config = SeqBoatConfig {
                averages: 2,
                key: 3,
                value: 5,
                window,
            };
            let core = config
                .init(4, &mut Stream::new(1, 0, "seqboat"), &device)
                .unwrap();
            check_core(&core, 257, &device);
        }
    }

    /// The test above means something only where the unit is on at times, and off at others.
    #[test]
    fn the_unit_is_sometimes_on() {
        let device = Device::flex();
        let config = SeqBoatConfig {
            averages: 2,
            key: 3,
            value: 5,
            window: 3,
        };
        let core = config
            .init(4, &mut Stream::new(1, 0, "seqboat"), &device)
            .unwrap();
        let m = noise::<3>("input", [2, 33, 4], &device);
        let found = configure(core.configurator.forward(m), core.temperature.val().exp());
        let on = values(&found.active).iter().sum::<f64>();
        assert!((5.0..61.0).contains(&on), "{on} of 66");
    }
}
