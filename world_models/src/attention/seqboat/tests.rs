use burn::tensor::Device;
use palaestra_envs::stream::Stream;

use super::*;
use crate::testing::{
    assert_close, assert_golden, assert_same, check_core, flags, from, golden, noise, numbers,
    random_resets, tensor, values,
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

/// Moving active steps to the front changes no number, whether none, few or all are: outputs, memories, gradients.
#[test]
fn compression_changes_nothing() {
    let device = Device::flex().autodiff();
    for (window, shift) in [(3, -9.0), (3, -0.5), (40, -0.5), (3, 0.0), (3, 9.0)] {
        let config = SeqBoatConfig {
            averages: 2,
            key: 3,
            value: 5,
            window,
        };
        let mut core = config
            .init(4, &mut Stream::new(1, 0, "seqboat"), &device)
            .unwrap();
        core.configurator.bias = Some(Param::from_tensor(Tensor::from_data([0.0, shift], &device)));
        let before = noise("before", [3, 9, 4], &device);
        let none = random_resets(3, 9, 0.0, &device);
        let (_, state) = core.scan(before, none, core.initial_state(3)).unwrap();
        let state = state.detach();
        let run = |largest_share: f64| {
            let input = noise::<3>("input", [3, 65, 4], &device).require_grad();
            let state = state.clone().require_grad();
            let resets = random_resets(3, 65, 0.05, &device);
            let (y, last) = core
                .run(input.clone(), resets, state.clone(), largest_share)
                .unwrap();
            let loss = (y.clone() * noise("w", [3, 65, 4], &device)).sum() + last.clone().sum();
            let grads = loss.backward();
            let to_state = state.grad(&grads).unwrap();
            let to_value = core.value.weight.val().grad(&grads);
            (y, last, input.grad(&grads).unwrap(), to_state, to_value)
        };
        let (masked, compressed) = (run(-1.0), run(1.0));
        assert_same(&compressed.0, &masked.0, 1e-6);
        assert_same(&compressed.1, &masked.1, 1e-6);
        assert_same(&compressed.2, &masked.2, 1e-5);
        assert_same(&compressed.3, &masked.3, 1e-5);
        assert_same(&compressed.4.unwrap(), &masked.4.unwrap(), 1e-5);
    }
}
