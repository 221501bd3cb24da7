use burn::tensor::Device;
use palaestra_envs::stream::Stream;

use super::*;
use crate::{
    scan::{GatedScan, ScanForm, gated_scan},
    testing::{
        assert_close, assert_golden, assert_same, check_core, check_long, flags, from, golden,
        noise, random_resets, tensor, values,
    },
};

#[test]
fn chunks_of_the_golden_head() {
    let golden = golden("mamba2_ssd.json");
    let given = &golden["inputs"];
    let device = Device::flex();
    let get = |key: &str| tensor::<3>(&given[key], [1, 8, 2], &device);
    let dt = tensor::<4>(&given["dt"], [1, 8, 1, 1], &device);
    for chunk in [1, 3, 4, 8] {
        let head = Duality {
            input: get("X").reshape([1, 8, 1, 2]) * dt.clone(),
            log_decay: tensor(&given["dA_log"], [1, 8, 1], &device),
            b: get("B"),
            c: get("C"),
            resets: flags(&[0.0; 8], [1, 8], &device),
            state: Tensor::zeros([1, 1, 2, 2], &device),
        };
        let (y, last) = state_space_duality(head, chunk);
        assert_golden(&y, &golden["Y"], 1e-5);
        assert_golden(&last, &golden["final_state_PxN"], 1e-5);
    }
}

/// Every size of chunk is the recurrence S_t = α S_{t−1} + x bᵀ, with resets and a carried state.
#[test]
fn recurrence_quadratic_and_chunked_forms_agree() {
    let device = Device::flex();
    let [batch, steps, heads, p, n] = [2, 29, 3, 2, 4];
    let given = Duality {
        input: noise("x", [batch, steps, heads, p], &device),
        log_decay: noise("a", [batch, steps, heads], &device).abs().neg(),
        b: noise("b", [batch, steps, n], &device),
        c: noise("c", [batch, steps, n], &device),
        resets: random_resets(batch, steps, 0.1, &device),
        state: noise("s", [batch, heads, p, n], &device),
    };
    let wide = [batch, steps, heads * p * n];
    let decay = given
        .log_decay
        .clone()
        .exp()
        .reshape([batch, steps, heads, 1]);
    let put = given.input.clone().reshape([batch, steps, heads * p, 1])
        * given.b.clone().reshape([batch, steps, 1, n]);
    let scan = GatedScan {
        decay: decay.expand([batch, steps, heads, p * n]).reshape(wide),
        input: put.reshape(wide),
        resets: given.resets.clone(),
        state: given.state.clone().reshape([batch, heads * p * n]),
    };
    let states = gated_scan(scan, Some(ScanForm::Loop)).unwrap();
    let read = states.clone().reshape([batch, steps, heads * p, n])
        * given.c.clone().reshape([batch, steps, 1, n]);
    let expected = read.sum_dim(3).reshape([batch, steps, heads, p]);
    let end = crate::core::last_step(&states).reshape([batch, heads, p, n]);
    for chunk in [1, 4, 8, steps] {
        let (y, last) = state_space_duality(given.clone(), chunk);
        assert_same(&y, &expected, 1e-5);
        assert_same(&last, &end, 1e-5);
    }
}

#[test]
fn steps_scans_cuts_and_resets_agree() {
    let device = Device::flex();
    let config = Mamba2Config {
        state: 3,
        head: 4,
        chunk: 16,
        ..Mamba2Config::default()
    };
    let mamba = config
        .init(4, &mut Stream::new(1, 0, "mamba2"), &device)
        .unwrap();
    check_core(&mamba, 257, &device);
}

/// Among decays that are nearly 1 stand some that leave nothing: what comes behind them keeps its digits.
#[test]
fn steep_decays_do_not_blur_their_neighbours() {
    let device = Device::flex();
    let [steps, p, n] = [64, 2, 3];
    let input = noise::<4>("x", [1, steps, 1, p], &device);
    let (b, c) = (
        noise::<3>("b", [1, steps, n], &device),
        noise::<3>("c", [1, steps, n], &device),
    );
    let decays: Vec<f64> = (0..steps)
        .map(|t| if t % 9 == 3 { -1600.0 } else { -0.003 })
        .collect();
    let mut marks = vec![0.0; steps];
    marks[40] = 1.0;
    let given = Duality {
        input: input.clone(),
        log_decay: from(decays.clone(), [1, steps, 1], &device),
        b: b.clone(),
        c: c.clone(),
        resets: flags(&marks, [1, steps], &device),
        state: noise("s", [1, 1, p, n], &device),
    };
    let (x, b, c) = (values(&input), values(&b), values(&c));
    let mut state = values(&given.state);
    let mut expected = Vec::new();
    for t in 0..steps {
        let keep = if marks[t] > 0.0 { 0.0 } else { decays[t].exp() };
        for i in 0..p {
            for j in 0..n {
                let put = x[t * p + i] * b[t * n + j];
                state[i * n + j] = keep * state[i * n + j] + put;
            }
            let read = (0..n).map(|j| state[i * n + j] * c[t * n + j]);
            expected.push(read.sum::<f64>());
        }
    }
    for chunk in [1, 7, steps] {
        let (y, last) = state_space_duality(given.clone(), chunk);
        assert_close(&values(&y), &expected, 1e-5);
        assert_close(&values(&last), &state, 1e-5);
    }
}

/// Steps that have been learned to be 10, with A down to −16: nothing overflows, not even in gradients, and steps
/// are still a scan.
#[test]
fn large_learned_steps_stay_finite() {
    let device = Device::flex().autodiff();
    let config = Mamba2Config {
        state: 3,
        head: 4,
        chunk: 16,
        ..Mamba2Config::default()
    };
    let mut mamba = config
        .init(4, &mut Stream::new(1, 0, "mamba2"), &device)
        .unwrap();
    mamba.step_bias = Param::from_tensor(Tensor::full([2], 10.0, &device));
    mamba.log_a = Param::from_tensor(Tensor::full([2], 16.0_f32.ln(), &device));
    check_core(&mamba, 65, &device);
    let input = noise::<3>("input", [2, 65, 4], &device).require_grad();
    let resets = random_resets(2, 65, 0.1, &device);
    let (y, last) = mamba
        .scan(input.clone(), resets, mamba.initial_state(2))
        .unwrap();
    let grads = (y.square().sum() + last.square().sum()).backward();
    let found = [
        values(&input.grad(&grads).unwrap()),
        values(&mamba.step_bias.val().grad(&grads).unwrap()),
        values(&mamba.log_a.val().grad(&grads).unwrap()),
    ];
    assert!(found.concat().iter().all(|x| x.is_finite()), "{found:?}");
}

/// Long sequences with extreme steps stay finite: silence, and one impulse.
#[test]
fn nothing_overflows_over_eight_thousand_steps() {
    let device = Device::flex();
    for step in [1e-4, 1e-3, 0.1, 1.0, 10.0] {
        let config = Mamba2Config {
            state: 8,
            head: 4,
            min_step: step,
            max_step: step,
            ..Mamba2Config::default()
        };
        let mut rng = Stream::new(1, 0, "mamba2");
        check_long(&config.init(4, &mut rng, &device).unwrap(), &device);
    }
}

#[test]
fn parameters_are_as_many_as_in_the_published_block() {
    let mamba = Mamba2Config::default()
        .init(256, &mut Stream::new(1, 0, "m"), &Device::flex())
        .unwrap();
    assert_eq!(mamba.num_params(), 465_176);
}
