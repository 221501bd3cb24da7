//! Birdie: Blouir et al., "Birdie: advancing state space models with reward-driven objectives and curricula" (arXiv
//! 2411.01030). Two things of it are here.
//!
//! * Its gated state-space layer: i = σ(W_i x), z = W_z x, o = gelu(W_o x), f = σ(W_f x); h_t = f∘h_{t−1} + i∘z;
//!   y = W_out(o∘h) + x. It is the sequence core `gated_ssm`.
//! * The prefix-bidirectional scan, [`prefix_bidirectional`], in which half of the channels run backwards through a prefix:
//!   for whole sequences only, since what comes later is read.

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Bool, Device, Tensor},
};
use rand::Rng;

use crate::{
    CoreError, SequenceCore,
    activation::{gelu, sigmoid},
    core::{check_sequence, check_shape, last_step},
    init,
    scan::{GatedScan, ScanForm, gated_scan},
};

/// Arguments of [`GatedSsm`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GatedSsmConfig {
    /// Channels N of the recurrence; even, for the bidirectional form.
    pub state: usize,
}

impl Default for GatedSsmConfig {
    fn default() -> Self {
        Self { state: 256 }
    }
}

/// Birdie's gated state-space layer.
#[derive(Module, Debug)]
pub struct GatedSsm {
    input_gate: Linear,
    input: Linear,
    output_gate: Linear,
    forget_gate: Linear,
    output: Linear,
}

impl GatedSsmConfig {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for an odd number of channels.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<GatedSsm, CoreError> {
        let n = self.state;
        if n == 0 || !n.is_multiple_of(2) {
            return Err(CoreError::Argument {
                core: "gated_ssm",
                name: "state",
                reason: format!("{n} is not even and positive"),
            });
        }
        let mut map = || init::linear(rng, width, n, true, device);
        let [input_gate, input, output_gate, forget_gate] = [map(), map(), map(), map()];
        Ok(GatedSsm {
            input_gate,
            input,
            output_gate,
            forget_gate,
            output: init::linear(rng, n, width, true, device),
        })
    }
}

/// Which tokens of a sequence open a sample, and which belong to its suffix.
#[derive(Debug, Clone)]
pub struct PrefixMask {
    /// The first token of every sample, `[B, T]`.
    pub starts: Tensor<2, Bool>,
    /// Tokens of suffixes, the separator before them included, `[B, T]`.
    pub suffix: Tensor<2, Bool>,
}

/// How the backward half treats the last token of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// As described: it still receives the first token of the suffix, a constant separator.
    Separator,
    /// It receives nothing: for suffixes whose first token is data.
    Strict,
}

/// h of both halves, `[B, T, N]`: the first N/2 channels run forwards and begin anew with every sample; the others run
/// backwards through the prefix, and in suffixes (and over the border of samples) remember nothing.
///
/// # Shapes
/// `decay` and `input` `[B, T, N]`.
///
/// # Errors
/// As [`gated_scan`].
pub fn prefix_bidirectional(
    decay: Tensor<3>,
    input: Tensor<3>,
    mask: &PrefixMask,
    border: Border,
    form: Option<ScanForm>,
) -> Result<Tensor<3>, CoreError> {
    let [batch, steps, width] = input.dims();
    if steps == 0 {
        return Err(CoreError::EmptySequence);
    }
    check_shape("decay", decay.dims(), [batch, steps, width])?;
    check_shape("starts", mask.starts.dims(), [batch, steps])?;
    check_shape("suffix", mask.suffix.dims(), [batch, steps])?;
    let half = width / 2;
    let rest = width - half;
    let device = input.device();
    let forwards = gated_scan(
        GatedScan {
            decay: decay.clone().narrow(2, 0, half),
            input: input.clone().narrow(2, 0, half),
            resets: mask.starts.clone(),
            state: Tensor::zeros([batch, half], &device),
        },
        form,
    )?;
    // Seen backwards a token forgets where it is part of a suffix; and, strictly, where the next one is.
    let cut = match border {
        Border::Separator => mask.suffix.clone(),
        Border::Strict => mask.suffix.clone().bool_or(next(&mask.suffix)),
    };
    // Where the next token opens a sample, what lies after it is another's.
    let cut = cut.bool_or(next(&mask.starts));
    let backwards = gated_scan(
        GatedScan {
            decay: decay.narrow(2, half, rest).flip([1]),
            input: input.narrow(2, half, rest).flip([1]),
            resets: cut.flip([1]),
            state: Tensor::zeros([batch, rest], &device),
        },
        form,
    )?;
    Ok(Tensor::cat(vec![forwards, backwards.flip([1])], 2))
}

/// Flags of the token after each, false at the end.
fn next(flags: &Tensor<2, Bool>) -> Tensor<2, Bool> {
    let [batch, steps] = flags.dims();
    let never = Tensor::<2>::zeros([batch, 1], &flags.device()).greater_scalar(0.5);
    Tensor::cat(vec![flags.clone().narrow(1, 1, steps - 1), never], 1)
}

impl GatedSsm {
    /// f, i∘z and o.
    fn gates(&self, input: &Tensor<3>) -> [Tensor<3>; 3] {
        let through = |map: &Linear| map.forward(input.clone());
        [
            sigmoid(through(&self.forget_gate)),
            sigmoid(through(&self.input_gate)) * through(&self.input),
            gelu(through(&self.output_gate)),
        ]
    }

    /// A whole sequence of samples with the second half of the channels running backwards through prefixes.
    ///
    /// # Errors
    /// As [`prefix_bidirectional`].
    pub fn prefix_scan(
        &self,
        input: Tensor<3>,
        mask: &PrefixMask,
        border: Border,
    ) -> Result<Tensor<3>, CoreError> {
        let width = input.dims()[2];
        check_shape("input", [width], [self.width()])?;
        let [forget, drive, open] = self.gates(&input);
        let h = prefix_bidirectional(forget, drive, mask, border, None)?;
        Ok(self.output.forward(open * h) + input)
    }
}

impl SequenceCore for GatedSsm {
    fn width(&self) -> usize {
        self.output.weight.dims()[1]
    }

    fn state_width(&self) -> usize {
        self.output.weight.dims()[0]
    }

    fn state_multiply_adds(&self) -> usize {
        // f∘h and i∘z.
        2 * self.state_width()
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
        check_sequence(self, &input, &resets, &state)?;
        let [decay, drive, open] = self.gates(&input);
        let scan = GatedScan {
            decay,
            input: drive,
            resets,
            state,
        };
        let h = gated_scan(scan, None)?;
        let last = last_step(&h);
        Ok((self.output.forward(open * h) + input, last))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel { core: "gated_ssm" })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{
        assert_golden, assert_same, check_core, flags, golden, noise, numbers, tensor,
    };

    #[test]
    fn both_halves_of_the_golden_sequence() {
        let golden = golden("birdie_prefix_bidir.json");
        let given = &golden["inputs"];
        let device = Device::flex();
        let marks = numbers(&given["mask"]);
        let of = |kind: f64| {
            let marks: Vec<f64> = marks
                .iter()
                .map(|m| f64::from(u8::from(*m == kind)))
                .collect();
            flags(&marks, [1, 6], &device)
        };
        let mask = PrefixMask {
            starts: of(1.0),
            suffix: of(2.0),
        };
        for form in [ScanForm::Loop, ScanForm::Doubling, ScanForm::Fused] {
            for (border, key) in [
                (Border::Separator, "h_reverse_as_described"),
                (Border::Strict, "h_reverse_strict"),
            ] {
                let f = tensor(&given["f"], [1, 6, 4], &device);
                let x = tensor(&given["x"], [1, 6, 4], &device);
                let h = prefix_bidirectional(f, x, &mask, border, Some(form)).unwrap();
                assert_golden(&h.clone().narrow(2, 0, 2), &golden["h_forward"], 1e-5);
                assert_golden(&h.narrow(2, 2, 2), &golden[key], 1e-5);
            }
        }
    }

    /// Nothing of a suffix reaches its prefix, and no sample another.
    #[test]
    fn strict_prefixes_do_not_see_what_follows() {
        let device = Device::flex();
        let core = GatedSsmConfig { state: 4 }
            .init(3, &mut Stream::new(1, 0, "birdie"), &device)
            .unwrap();
        let starts = flags(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0], [1, 7], &device);
        let suffix = flags(&[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0], [1, 7], &device);
        let mask = PrefixMask { starts, suffix };
        let input = noise("input", [1, 7, 3], &device);
        let whole = core
            .prefix_scan(input.clone(), &mask, Border::Strict)
            .unwrap();
        // Change the suffix and the second sample.
        let other = Tensor::cat(
            vec![
                input.clone().narrow(1, 0, 2),
                noise("other", [1, 5, 3], &device),
            ],
            1,
        );
        let changed = core.prefix_scan(other, &mask, Border::Strict).unwrap();
        assert_same(
            &changed.narrow(1, 0, 2),
            &whole.clone().narrow(1, 0, 2),
            1e-6,
        );
        // Change the first sample: the second stays.
        let other = Tensor::cat(
            vec![noise("other", [1, 4, 3], &device), input.narrow(1, 4, 3)],
            1,
        );
        let changed = core.prefix_scan(other, &mask, Border::Strict).unwrap();
        assert_same(&changed.narrow(1, 4, 3), &whole.narrow(1, 4, 3), 1e-6);
    }

    #[test]
    fn steps_scans_cuts_and_resets_agree() {
        let device = Device::flex();
        let core = GatedSsmConfig { state: 6 }
            .init(4, &mut Stream::new(1, 0, "gated"), &device)
            .unwrap();
        check_core(&core, 257, &device);
    }
}
