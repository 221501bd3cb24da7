//! The closed gradient is that of the plain form in tensor operations, and the terms are the formulas.

use burn::tensor::{Bool, Device, Tensor, TensorData, activation::log_softmax};
use palaestra_envs::{space::Space, stream::Stream};
use palaestra_world_models::init;

use super::*;
use crate::in_context::rollout::{flags, tensor};

fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

#[track_caller]
fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
    }
}

/// A batch of N steps, whatever the network saw.
fn batch(n: usize, device: &Device) -> Batch {
    Batch {
        observation: Tensor::zeros([1, n, 1], device),
        starts: flags(vec![false; n], [1, n], device),
        memory: Tensor::zeros([1, 0], device),
        mask: Vec::new(),
        action: Vec::new(),
        log_prob: vec![0.0; n],
        value: vec![0.0; n],
        advantage: vec![0.0; n],
        target: vec![0.0; n],
        acting: Vec::new(),
    }
}

/// ln π(a) and the entropy, `[N]`, in tensor operations.
fn evaluate(
    actions: &Distribution,
    policy: Tensor<2>,
    log_std: Tensor<1>,
    batch: &Batch,
) -> (Tensor<1>, Tensor<1>) {
    let [n, width] = policy.dims();
    let device = &policy.device();
    let chosen: Tensor<2> = tensor(batch.action.clone(), [n, actions.action_width()], device);
    let Distribution::Categorical { sizes, .. } = actions else {
        let log_std = log_std.reshape([1, width]);
        let z = (chosen - policy) / log_std.clone().exp();
        let half_ln_2_pi = 0.5 * std::f32::consts::TAU.ln();
        let log_prob = (z.square() * -0.5 - log_std.clone() - half_ln_2_pi).sum_dim(1);
        let entropy = (log_std + (half_ln_2_pi + 0.5)).sum_dim(1).expand([n, 1]);
        return (log_prob.reshape([n]), entropy.reshape([n]));
    };
    let logits = if batch.mask.is_empty() {
        policy
    } else {
        let forbidden = batch.mask.iter().map(|m| *m == 0).collect();
        policy.mask_fill(flags::<2>(forbidden, [n, width], device), -1e9)
    };
    let (mut first, mut log_prob) = (0, Tensor::<2>::zeros([n, 1], device));
    let mut entropy = log_prob.clone();
    for (i, size) in sizes.iter().enumerate() {
        let log_p = log_softmax(logits.clone().narrow(1, first, *size), 1);
        first += size;
        entropy = entropy - (log_p.clone().exp() * log_p.clone()).sum_dim(1);
        log_prob = log_prob + log_p.gather(1, chosen.clone().narrow(1, i, 1).int());
    }
    (log_prob.reshape([n]), entropy.reshape([n]))
}

/// The loss in tensor operations.
fn plain(
    args: &PpoArgs,
    actions: &Distribution,
    policy: Tensor<2>,
    log_std: Tensor<1>,
    value: Tensor<1>,
    batch: &Batch,
) -> Tensor<1> {
    let n = value.dims();
    let device = &value.device();
    let constant = |x: &[f32]| -> Tensor<1> { tensor(x.to_vec(), n, device) };
    let acts = |i: usize| batch.acting.get(i) != Some(&false);
    let choices = (0..n[0]).filter(|i| acts(*i)).count() as f32;
    let weight: Vec<f32> = (0..n[0])
        .map(|i| if acts(i) { 1.0 / choices } else { 0.0 })
        .collect();
    let mean = |x: Tensor<1>| (x * constant(&weight)).sum();
    let (log_prob, entropy) = evaluate(actions, policy, log_std, batch);
    let forced: Tensor<1, Bool> = flags((0..n[0]).map(|i| !acts(i)).collect(), n, device);
    let ratio = (log_prob - constant(&batch.log_prob))
        .mask_fill(forced, 0.0)
        .exp();
    let advantage = constant(&batch.advantage);
    let clipped = ratio.clone().clamp(1.0 - args.clip, 1.0 + args.clip);
    let surrogate = mean((ratio * advantage.clone()).min_pair(clipped * advantage));
    let (old, target) = (constant(&batch.value), constant(&batch.target));
    let change = (value.clone() - old.clone()).clamp(-args.clip, args.clip);
    let value_loss = (value - target.clone())
        .square()
        .max_pair((old + change - target).square())
        .mean();
    value_loss * (0.5 * args.value_coef) - surrogate - mean(entropy) * args.entropy_coef
}

/// One integer, several with masks and steps without a choice, and real numbers.
#[test]
fn the_closed_gradient_is_that_of_the_plain_form() {
    let args = PpoArgs {
        value_coef: 0.7,
        entropy_coef: 0.3,
        ..PpoArgs::default()
    };
    let device = Device::flex().autodiff();
    let n = 60;
    let integers = Space::MultiDiscrete { nvec: vec![3, 2] };
    for space in [Space::discrete(4), integers, Space::vector(3, -1.0, 1.0)] {
        let actions = Distribution::of(&space).unwrap();
        let (width, action_width) = (actions.width(), actions.action_width());
        let mut rng = Stream::new(1, 0, "test");
        let mut normal = |count: usize| init::normal(&mut rng, count, 1.0);
        let mut batch = batch(n, &device);
        let policy = normal(n * width);
        let log_std = if actions.is_real() {
            batch.action = normal(n * action_width);
            vec![0.3, -0.2, 0.1]
        } else {
            batch.action = (0..n * action_width).map(|i| (i % 2) as f32).collect();
            Vec::new()
        };
        if action_width == 2 {
            // The third choice of the first integer is forbidden now and then.
            let allowed = |i: usize| u8::from(i % 5 != 2 || i.is_multiple_of(3));
            batch.mask = (0..n * width).map(allowed).collect();
            batch.acting = (0..n).map(|i| i % 4 != 1).collect();
        }
        let mut told = Vec::new();
        actions.differentiate(
            policy.clone(),
            &log_std,
            &batch.action,
            &batch.mask,
            |_, p, _| {
                told.push(p);
                [0.0; 2]
            },
        );
        // Ratios and values on both sides of their clips.
        batch.log_prob = told
            .iter()
            .zip(normal(n))
            .map(|(p, x)| p - 0.3 * x)
            .collect();
        batch.advantage = normal(n);
        let value = normal(n);
        batch.value = value
            .iter()
            .zip(normal(n))
            .map(|(v, x)| v - 0.3 * x)
            .collect();
        batch.target = normal(n);

        let found = loss(&args, &actions, policy.clone(), &log_std, &value, &batch);
        let on = |x: Vec<f32>| -> Tensor<1> {
            let shape = [x.len()];
            Tensor::from_data(TensorData::new(x, shape), &device).require_grad()
        };
        let [policy, value] = [policy, value].map(on);
        let log_std = on(if log_std.is_empty() {
            vec![0.0]
        } else {
            log_std
        });
        let expected = plain(
            &args,
            &actions,
            policy.clone().reshape([n, width]),
            log_std.clone(),
            value.clone(),
            &batch,
        );
        let LossTerms {
            policy_loss,
            value_loss,
            entropy,
            ..
        } = found.terms;
        let whole = policy_loss + args.value_coef * value_loss - args.entropy_coef * entropy;
        close(&[whole as f32], &read(expected.clone()));
        let grads = expected.backward();
        close(&found.policy, &read(policy.grad(&grads).unwrap()));
        close(&found.value, &read(value.grad(&grads).unwrap()));
        if actions.is_real() {
            close(&found.log_std, &read(log_std.grad(&grads).unwrap()));
        }
    }
}

/// Steps with ratios and values on both sides of their clips.
#[test]
fn the_terms_are_the_formulas() {
    let args = PpoArgs::default();
    let actions = Distribution::of(&Space::discrete(2)).unwrap();
    let log_ratio = [0.0, 0.5, -0.5, 0.1, 0.5, -0.5_f32];
    let advantage = [1.0, 1.5, -2.0, 0.5, -1.0, 2.0_f32];
    let change = [0.0, 0.5, -0.5, 0.1, 0.3, -0.1_f32];
    let error = [0.3, -0.4, 0.6, 1.0, 0.1, -0.2_f32];
    let value = [0.5, 1.0, -0.5, 0.2, 0.0, 2.0_f32];
    let minus =
        |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
    let mut batch = batch(6, &Device::flex());
    batch.action = vec![0.0, 1.0, 1.0, 0.0, 0.0, 1.0];
    batch.log_prob = minus(&[0.5_f32.ln(); 6], &log_ratio);
    batch.advantage = advantage.to_vec();
    batch.value = minus(&value, &change);
    batch.target = minus(&value, &error);
    let terms = loss(&args, &actions, vec![0.7; 12], &[], &value, &batch).terms;

    let mean = |f: &dyn Fn(usize) -> f32| (0..6).map(f).sum::<f32>() / 6.0;
    let ratio = |i: usize| log_ratio[i].exp();
    let policy_loss =
        -mean(&|i| (ratio(i) * advantage[i]).min(ratio(i).clamp(0.8, 1.2) * advantage[i]));
    let value_loss = 0.5
        * mean(&|i| {
            let clipped = batch.value[i] + change[i].clamp(-0.2, 0.2) - batch.target[i];
            error[i].powi(2).max(clipped.powi(2))
        });
    let close = |found: f64, expected: f32| {
        assert!(
            (found - f64::from(expected)).abs() < 1e-5,
            "{found} for {expected}"
        );
    };
    close(terms.policy_loss, policy_loss);
    close(terms.value_loss, value_loss);
    close(terms.entropy, 2.0_f32.ln());
    close(terms.approx_kl, mean(&|i| ratio(i) - 1.0 - log_ratio[i]));
    close(terms.clip_fraction, 4.0 / 6.0);
}

/// Where a seat had nothing to choose, the policy is not judged, even by a ratio beyond all bounds; values are.
#[test]
fn steps_without_a_choice_count_for_values_only() {
    let args = PpoArgs::default();
    let actions = Distribution::of(&Space::discrete(3)).unwrap();
    let found = |log_prob: [f32; 4], advantage: [f32; 4], target: [f32; 4]| {
        let batch = Batch {
            action: vec![0.0, 0.0, 0.0, 2.0],
            log_prob: log_prob.to_vec(),
            advantage: advantage.to_vec(),
            target: target.to_vec(),
            acting: vec![true, false, false, true],
            ..batch(4, &Device::flex())
        };
        loss(&args, &actions, vec![0.5; 12], &[], &[0.0; 4], &batch)
    };
    let expected = found([-1.0, 0.0, 0.0, -1.2], [1.0, 0.0, 0.0, -2.0], [0.0; 4]);
    let strange = found(
        [-1.0, -900.0, 900.0, -1.2],
        [1.0, 1e9, -1e9, -2.0],
        [0.0; 4],
    );
    assert_eq!(strange.terms, expected.terms);
    assert_eq!(strange.policy, expected.policy);
    // Means are over the two choices: the loss is that of both by themselves.
    let ratio = |at: f32| (-(3.0_f32.ln()) - at).exp();
    let by_hand = -0.5
        * ((ratio(-1.0) * 1.0).min(ratio(-1.0).clamp(0.8, 1.2))
            + (ratio(-1.2) * -2.0).min(ratio(-1.2).clamp(0.8, 1.2) * -2.0));
    assert!((expected.terms.policy_loss - f64::from(by_hand)).abs() < 1e-5);
    assert!((expected.terms.entropy - 3.0_f64.ln()).abs() < 1e-5);
    let paid = found([0.0; 4], [0.0; 4], [0.0, 3.0, 0.0, 0.0]);
    assert!(paid.terms.value_loss > 0.5 && paid.value[1] < 0.0);
}

/// What the network says may be no number; then the gradient is none, and is seen not to be.
#[test]
fn what_is_no_number_stays_none() {
    let args = PpoArgs::default();
    let actions = Distribution::of(&Space::discrete(2)).unwrap();
    let mut batch = batch(2, &Device::flex());
    batch.action = vec![0.0, 1.0];
    batch.advantage = vec![1.0, -1.0];
    let policy = vec![0.0, 0.0, f32::NAN, 0.0];
    let found = loss(&args, &actions, policy, &[], &[f32::NAN, 0.0], &batch);
    assert!(found.policy[2].is_nan() && found.policy[..2].iter().all(|x| x.is_finite()));
    assert!(found.value[0].is_nan() && found.value[1].is_finite());
}
