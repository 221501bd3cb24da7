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
            place: 0,
        };
        core.visit(&mut along_parameters);
        exact += along_parameters.product;
        let at = |step: f32| {
            let moved = core.clone().map(&mut Move { step, place: 0 });
            let input = input.clone() + to_input.clone().mul_scalar(step);
            let state = state.clone() + to_state.clone().mul_scalar(step);
            along(loss(&moved, input, state))
        };
        let errors = STEPS.map(|step| {
            let numeric = (at(step) - at(-step)) / f64::from(2.0 * step);
            (exact - numeric).abs() / exact.abs().max(1.0)
        });
        let best = errors.iter().copied().fold(f64::INFINITY, f64::min);
        // The perceptron's rectifiers have kinks within these steps.
        let most = if entry.name == "frame_stack" {
            0.03
        } else {
            3e-3
        };
        assert!(best < most, "{}: {exact}, off by {errors:?}", entry.name);
    }
}

/// The direction that belongs to a parameter, by its place among them.
fn direction<const D: usize>(param: &Param<Tensor<D>>, place: usize) -> Tensor<D> {
    let value = param.val();
    let device = value.device().inner();
    noise(&format!("parameter {place}"), value.dims(), &device).mul_scalar(0.1)
}

/// Adds up gradient times direction.
struct Along<'a> {
    grads: &'a GradientsParams,
    product: f64,
    place: usize,
}

impl ModuleVisitor for Along<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.place += 1;
        if let Some(grad) = self.grads.get::<D>(param.id) {
            let along = direction(param, self.place);
            let product = (grad * along).sum().into_scalar::<f32>();
            self.product += f64::from(product);
        }
    }
}

/// Moves every parameter along its direction.
struct Move {
    step: f32,
    place: usize,
}

impl ModuleMapper for Move {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.place += 1;
        let along = direction(&param, self.place);
        let step = self.step;
        param.map(|x| Tensor::from_inner(x.inner() + along.mul_scalar(step)).require_grad())
    }
}

/// Arguments with which a core, or a part of it, remembers nothing.
#[test]
fn cores_may_remember_nothing() {
    let device = Device::flex().autodiff();
    let cases = [
        ("frame_stack", json!({"frames": 1})),
        ("transformer", json!({"window": 1})),
        ("mamba", json!({"taps": 1, "state": 4})),
        (
            "mamba2",
            json!({"taps": 1, "state": 4, "head": 8, "chunk": 4}),
        ),
    ];
    for (name, args) in cases {
        let core = stack(name, 2, args)
            .init(&mut Stream::new(1, 0, name), &device)
            .unwrap();
        check_core(&core, 21, &device);
    }
}

/// A state that is not finite does not outlive its episode, in any recurrence.
#[test]
fn infinities_end_at_a_reset() {
    let device = Device::flex();
    for entry in registry() {
        // Attention multiplies what it masks by 0; its state holds inputs, which are finite. So do the chunks of Mamba-2.
        if matches!(entry.name, "transformer" | "seqboat" | "miras" | "mamba2") {
            continue;
        }
        let core = stack(entry.name, 1, small(entry.name))
            .init(&mut Stream::new(1, 0, entry.name), &device)
            .unwrap();
        let state = Tensor::full([1, core.state_width()], f32::INFINITY, &device);
        let input = noise::<3>("input", [1, 9, 16], &device);
        let resets = flags(
            &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [1, 9],
            &device,
        );
        let (y, last) = core.scan(input.clone(), resets, state).unwrap();
        let none = flags(&[0.0; 7], [1, 7], &device);
        let (alone, end) = core
            .scan(input.narrow(1, 2, 7), none, core.initial_state(1))
            .unwrap();
        assert_same(&y.narrow(1, 2, 7), &alone, 1e-5);
        assert_same(&last, &end, 1e-5);
    }
}

/// What a core keeps of its parameters while it acts is forgotten when they change.
#[test]
fn what_is_derived_from_parameters_follows_them() {
    let device = Device::flex();
    for entry in registry() {
        let core = stack(entry.name, 1, small(entry.name))
            .init(&mut Stream::new(1, 0, entry.name), &device)
            .unwrap();
        let step = |core: &crate::Stack| {
            let input = noise::<2>("input", [2, 16], &device);
            let resets = flags(&[0.0; 2], [2], &device);
            core.step(input, resets, core.initial_state(2)).unwrap().0
        };
        let (first, again) = (step(&core), step(&core));
        assert_same(&again, &first, 0.0);
        let moved = core.clone().map(&mut Move {
            step: 0.5,
            place: 0,
        });
        let input = noise::<2>("input", [2, 16], &device).reshape([2, 1, 16]);
        let resets = flags(&[0.0; 2], [2, 1], &device);
        let (scanned, _) = moved.scan(input, resets, moved.initial_state(2)).unwrap();
        let stepped = step(&moved);
        assert_same(&stepped, &scanned.reshape([2, 16]), 1e-4);
        assert!(values(&stepped) != values(&first), "{}", entry.name);
        // And what was saved of others.
        let restored = core.restore(&moved.to_bytes().unwrap()).unwrap();
        assert_same(&step(&restored), &stepped, 1e-6);
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

/// Lets the third mode of layer 1 of S5 grow.
struct Grow(Vec<String>);

impl ModuleMapper for Grow {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.0.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.0.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.0.join(".") != "layers.1.S5.lambda_re" {
            return param;
        }
        param.map(|x| x.slice_fill(2..3, 4.0))
    }
}

/// Which mode of which layer: a stack tells both, a core alone only the mode.
#[test]
fn unstable_modes_are_told_with_their_layer() {
    let device = Device::flex();
    let args = json!({"state": 8, "clip_eigenvalues": false});
    let config = stack("s5", 3, args);
    let core = config.init(&mut Stream::new(1, 0, "s5"), &device).unwrap();
    core.check_stability().unwrap();
    let error = core
        .map(&mut Grow(Vec::new()))
        .check_stability()
        .unwrap_err();
    let CoreError::Unstable {
        layer: Some(1),
        index: 2,
        modulus,
    } = error
    else {
        panic!("{error}");
    };
    assert!(modulus > 1.0);
    let told = error.to_string();
    assert!(
        told.starts_with("mode 2 of the discretised transition of layer 1 has modulus 1."),
        "{told}"
    );
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
