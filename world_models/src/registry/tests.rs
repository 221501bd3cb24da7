use burn::{
    module::{ModuleMapper, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Device, Tensor},
};
use palaestra_envs::{EnvError, stream::Stream};
use serde_json::json;

use super::*;
use crate::{
    StackConfig, check_gradients,
    testing::{assert_same, check_core, flags, noise, random_resets, values},
};

fn stack(core: &str, layers: usize, args: Value) -> StackConfig {
    StackConfig {
        core: core.into(),
        width: 16,
        layers,
        args,
    }
}

/// Every registered core, by name, with small arguments.
#[test]
fn every_core_trains_by_name() {
    let device = Device::flex().autodiff();
    for entry in registry() {
        let config = stack(entry.name, 2, small(entry.name));
        let core = config
            .init(&mut Stream::new(1, 0, entry.name), &device)
            .unwrap();
        let input = noise("input", [2, 9, 16], &device);
        let resets = random_resets(2, 9, 0.2, &device);
        let (y, _) = core.scan(input, resets, core.initial_state(2)).unwrap();
        let grads = GradientsParams::from_grads(y.powi_scalar(2).mean().backward(), &core);
        check_gradients(&core, &grads).unwrap();
        assert!(grads.len() > 1, "{} has gradients", entry.name);
        core.check_stability().unwrap();
    }
}

/// Every core's gradients, by a central difference along a random direction of input, state and all parameters.
#[test]
fn gradients_of_every_core_are_those_of_differences() {
    // Rounding spoils small steps; large ones may cross a kink, or a token's way to another memory.
    const STEPS: [f32; 3] = [2e-3, 5e-4, 1e-4];
    let device = Device::flex().autodiff();
    for entry in registry() {
        let config = stack(entry.name, 1, small(entry.name));
        let core = config
            .init(&mut Stream::new(1, 0, entry.name), &device)
            .unwrap();
        let input = noise::<3>("input", [2, 9, 16], &device)
            .mul_scalar(0.5)
            .detach();
        let resets = random_resets(2, 9, 0.2, &device);
        let weights = noise::<3>("weights", [2, 9, 16], &device);
        let state = core.initial_state(2).detach();
        let to_input = noise::<3>("along", [2, 9, 16], &device);
        let to_state = noise::<2>("to state", state.dims(), &device).mul_scalar(0.1);
        let loss = |core: &crate::Stack, input: Tensor<3>, state: Tensor<2>| {
            let (y, last) = core.scan(input, resets.clone(), state).unwrap();
            (y * weights.clone()).sum() + last.square().sum().mul_scalar(0.1)
        };
        let (input, state) = (input.require_grad(), state.require_grad());
        let grads = loss(&core, input.clone(), state.clone()).backward();
        let along = |x: Tensor<1>| f64::from(x.into_scalar::<f32>());
        let mut exact = along((input.grad(&grads).unwrap() * to_input.clone().inner()).sum())
            + along((state.grad(&grads).unwrap() * to_state.clone().inner()).sum());
        let grads = GradientsParams::from_grads(grads, &core);
        let mut along_parameters = Along {
            grads: &grads,
            product: 0.0,
        };
        core.visit(&mut along_parameters);
        exact += along_parameters.product;
        let at = |step: f32| {
            let moved = core.clone().map(&mut Move { step });
            let input = input.clone() + to_input.clone().mul_scalar(step);
            let state = state.clone() + to_state.clone().mul_scalar(step);
            along(loss(&moved, input, state))
        };
        let errors = STEPS.map(|step| {
            let numeric = (at(step) - at(-step)) / f64::from(2.0 * step);
            (exact - numeric).abs() / exact.abs().max(1.0)
        });
        let best = errors.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(best < 0.02, "{}: {exact}, off by {errors:?}", entry.name);
    }
}

/// The direction that belongs to a parameter.
fn direction<const D: usize>(param: &Param<Tensor<D>>) -> Tensor<D> {
    let shape = param.val().dims();
    noise(&format!("{shape:?}"), shape, &param.val().device().inner()).mul_scalar(0.1)
}

/// Adds up gradient times direction.
struct Along<'a> {
    grads: &'a GradientsParams,
    product: f64,
}

impl ModuleVisitor for Along<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.get::<D>(param.id) {
            let product = (grad * direction(param)).sum().into_scalar::<f32>();
            self.product += f64::from(product);
        }
    }
}

/// Moves every parameter along its direction.
struct Move {
    step: f32,
}

impl ModuleMapper for Move {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let along = direction(&param);
        let step = self.step;
        param.map(|x| Tensor::from_inner(x.inner() + along.mul_scalar(step)).require_grad())
    }
}

/// Two layers of every registered core, through the seam.
#[test]
fn every_core_steps_as_it_scans() {
    let device = Device::flex();
    for entry in registry() {
        let config = stack(entry.name, 2, small(entry.name));
        let core = config
            .init(&mut Stream::new(1, 0, entry.name), &device)
            .unwrap();
        check_core(&core, 21, &device);
    }
}

#[test]
fn every_core_is_restored_as_it_was_saved() {
    let device = Device::flex();
    for entry in registry() {
        let config = stack(entry.name, 2, small(entry.name));
        let saved = config.init(&mut Stream::new(1, 0, "one"), &device).unwrap();
        let other = config
            .init(&mut Stream::new(2, 0, "other"), &device)
            .unwrap();
        let restored = other.restore(&saved.to_bytes().unwrap()).unwrap();
        let run = |core: &crate::Stack| {
            let input = noise("input", [2, 5, 16], &device);
            let resets = flags(&[0.0; 10], [2, 5], &device);
            core.scan(input, resets, core.initial_state(2)).unwrap().0
        };
        assert_same(&run(&restored), &run(&saved), 0.0);
    }
}

#[test]
fn checkpoints_of_others_are_refused() {
    let device = Device::flex();
    let mut rng = Stream::new(1, 0, "cores");
    let gru = stack("gru", 1, Value::Null)
        .init(&mut rng, &device)
        .unwrap();
    let s5 = |state: usize| {
        let config = stack("s5", 1, json!({"state": state}));
        config.init(&mut Stream::new(1, 0, "s5"), &device).unwrap()
    };
    let bytes = gru.to_bytes().unwrap();
    let error = s5(8).restore(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the checkpoint holds the sequence core `gru`, not `s5`"
    );
    let error = s5(8).restore(&s5(16).to_bytes().unwrap()).unwrap_err();
    assert!(matches!(error, CoreError::OtherArguments { .. }), "{error}");
    // Cut anywhere, a checkpoint is an error and no panic.
    for cut in [0, 7, 8, 30, bytes.len() / 2, bytes.len() - 1] {
        let gru = stack("gru", 1, Value::Null)
            .init(&mut rng, &device)
            .unwrap();
        let error = gru.restore(&bytes[..cut]).unwrap_err();
        assert!(
            matches!(error, CoreError::Checkpoint { .. }),
            "{cut}: {error}"
        );
    }
}

#[test]
fn names_and_arguments_are_checked() {
    let device = Device::flex();
    let init = |core: &str, args: Value| {
        let error = stack(core, 1, args).init(&mut Stream::new(1, 0, "x"), &device);
        error.unwrap_err().to_string()
    };
    assert_eq!(
        init("gruu", Value::Null),
        "there is no sequence core `gruu`; did you mean `gru`?"
    );
    let error = init("s5", json!({"state": "many"}));
    assert!(error.contains("state"), "{error}");
    let error = stack("s5", 1, json!({"sate": 8})).init(&mut Stream::new(1, 0, "x"), &device);
    let Err(CoreError::Arguments(EnvError::Argument { suggestion, .. })) = error else {
        panic!("{error:?}");
    };
    assert_eq!(suggestion.as_deref(), Some("state"));
}

#[test]
fn gradients_that_are_not_finite_are_named() {
    let device = Device::flex().autodiff();
    let core = stack("gru", 1, Value::Null)
        .init(&mut Stream::new(1, 0, "x"), &device)
        .unwrap();
    let input = noise("input", [1, 3, 16], &device);
    let resets = flags(&[0.0; 3], [1, 3], &device);
    let (y, _) = core.scan(input, resets, core.initial_state(1)).unwrap();
    let loss: Tensor<1> = (y * f32::NAN).sum();
    assert!(values(&loss)[0].is_nan());
    let grads = GradientsParams::from_grads(loss.backward(), &core);
    let error = check_gradients(&core, &grads).unwrap_err().to_string();
    assert!(error.contains("layers.0.Gru."), "{error}");
}

/// Arguments that make a core small.
fn small(name: &str) -> Value {
    match name {
        "s4" | "s4d" | "s5" | "lru" | "rg_lru" | "gated_ssm" => json!({"state": 8}),
        "mamba2" => json!({"state": 4, "head": 8, "chunk": 4}),
        "mamba" | "lssl" | "spacetime" => json!({"state": 4}),
        "seqboat" => json!({"key": 4, "value": 8, "window": 4}),
        "transformer" => json!({"window": 4}),
        "frame_stack" => json!({"hidden": 8}),
        _ => Value::Null,
    }
}
