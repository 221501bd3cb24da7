use burn::{
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
        "s4" | "s4d" | "s5" => json!({"state": 8}),
        "lru" => json!({"state": 8}),
        "mamba2" => json!({"state": 4, "head": 8, "chunk": 4}),
        "mamba" | "lssl" | "spacetime" => json!({"state": 4}),
        "rg_lru" | "gated_ssm" => json!({"state": 8}),
        "seqboat" => json!({"key": 4, "value": 8, "window": 4}),
        "transformer" => json!({"window": 4}),
        "frame_stack" => json!({"hidden": 8}),
        _ => Value::Null,
    }
}
