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
//! Where few steps are active the unit sees only those, moved to the front of their rows (`compress.rs`); otherwise
//! inactive ones are masked. Both give the same numbers. The state is the moving average, then key, value and a flag of the
//! last W active steps, newest last.

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

mod compress;

use compress::{Compression, End, LARGEST_SHARE, Seen};

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

    /// [`SequenceCore::scan`], compressed if no row has a share of more than `largest_share` of its steps active.
    fn run(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
        largest_share: f64,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        let (width, tokens) = (self.token_width(), self.average_width());
        let average = state.clone().narrow(1, 0, tokens);
        let normed = self.norm.forward(input.clone());
        let (m, average) = self.average.scan(normed, resets.clone(), average, None)?;
        let m = silu(m);
        let Configuration { active, gate } = configure(
            self.configurator.forward(m.clone()),
            self.temperature.val().exp(),
        );
        let remembered =
            state
                .narrow(1, tokens, self.window * width)
                .reshape([batch, self.window, width]);
        let number = active.clone().cumsum(1);
        let episode = segments(&resets);
        let end = End {
            number: number.clone().narrow(1, steps - 1, 1),
            episode: episode.clone().narrow(1, steps - 1, 1),
        };
        let all = Seen {
            m: m.clone(),
            active,
            number,
            episode,
        };
        let (unit, kept) = match Compression::of(&all.active, largest_share)? {
            Some(compression) => {
                let (unit, kept) = self.unit(compression.compress(all), remembered, end);
                (compression.extract(unit), kept)
            }
            None => self.unit(all, remembered, end),
        };
        let gated = unit * gate.reshape([batch, steps, 1]);
        let y = silu(gated + self.linear.forward(m) + input);
        Ok((y, Tensor::cat(vec![average, kept], 1)))
    }

    /// Outputs of the attention unit at the given steps, `[B, K, D]`, and the rows (key | value | flag) of the newest W
    /// active steps, `[B, W·row]`, from those remembered before, `[B, W, row]`.
    fn unit(&self, seen: Seen, remembered: Tensor<3>, end: End) -> (Tensor<3>, Tensor<2>) {
        let Seen {
            m,
            active,
            number,
            episode,
        } = seen;
        let [batch, steps, _] = m.dims();
        let (keys, values, window) = (self.key_width(), self.value_width(), self.window);
        let (width, all) = (self.token_width(), window + steps);
        let device = m.device();
        // Every step as a row (key | value | 1 if active), behind those remembered.
        let z = silu(self.mixed.forward(m.clone()));
        let turn = |i: usize| {
            let row = |i: usize| self.turns.val().narrow(0, i, 1).reshape([1, 1, keys]);
            z.clone() * row(i) + row(i + 1)
        };
        let (query, key) = (turn(0), turn(2));
        let value = silu(self.value.forward(m.clone()));
        let flag = active.reshape([batch, steps, 1]);
        let rows = Tensor::cat(vec![remembered, Tensor::cat(vec![key, value, flag], 2)], 1);
        let present = rows.clone().narrow(2, width - 1, 1).reshape([batch, all]);
        // Numbers of active steps: those remembered end with 0, new ones count from 1.
        let old: Vec<f32> = (0..window)
            .map(|i| i as f32 - (window as f32 - 1.0))
            .collect();
        let old = Tensor::<2>::from_data(TensorData::new(old, [1, window]), &device)
            .expand([batch, window]);
        let numbers = Tensor::cat(vec![old, number.clone()], 1);
        let before = Tensor::zeros([batch, window], &episode.device());
        let episodes = Tensor::cat(vec![before, episode.clone()], 1);
        let grid = [batch, steps, all];
        let now = |x: &Tensor<2>| x.clone().reshape([batch, steps, 1]).expand(grid);
        let then = |x: &Tensor<2>| x.clone().reshape([batch, 1, all]).expand(grid);
        let age = now(&number) - then(&numbers);
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
        let found = attention.matmul(rows.clone().narrow(2, keys, values));
        let unit = self.output.forward(found * silu(self.opened.forward(m)));
        // What is remembered: the newest W active steps of the last episode, each picked by its number.
        let usable = present * episodes.equal(end.episode.expand([batch, all])).float();
        let place: Vec<f32> = (0..window).map(|i| (window - 1 - i) as f32).collect();
        let place = Tensor::<3>::from_data(TensorData::new(place, [1, window, 1]), &device);
        let wanted = end.number.reshape([batch, 1, 1]).expand([batch, window, 1])
            - place.expand([batch, window, 1]);
        let grid = [batch, window, all];
        let found = wanted
            .expand(grid)
            .equal(numbers.reshape([batch, 1, all]).expand(grid));
        let pick = found.float() * usable.reshape([batch, 1, all]);
        let kept = pick.matmul(rows).reshape([batch, window * width]);
        (unit, kept)
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
        self.run(input, resets, state, LARGEST_SHARE)
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel { core: "seqboat" })
    }
}

#[cfg(test)]
mod tests;
