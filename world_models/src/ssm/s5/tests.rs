use burn::tensor::Device;
use palaestra_envs::stream::Stream;

use super::*;
use crate::testing::{
    assert_close, assert_golden, assert_relative, assert_same, check_core, check_long, complex,
    flags, from, golden, noise, numbers, random_resets, tensor, values,
};

fn layer(width: usize, config: &S5Config, device: &Device) -> S5 {
    config
        .init(width, &mut Stream::new(3, 0, "s5"), device)
        .unwrap()
}

#[test]
fn start_of_eigenvalues_and_their_discretisation() {
    let golden = golden("s5_init_p8.json");
    let device = Device::flex();
    for (rule, bar, gain) in [
        (Discretisation::Zoh, "lambda_bar_zoh", "zoh_gain"),
        (
            Discretisation::Bilinear,
            "lambda_bar_bilinear",
            "bilinear_gain",
        ),
    ] {
        let config = S5Config {
            state: 8,
            discretisation: rule,
            ..S5Config::default()
        };
        let mut s5 = layer(3, &config, &device);
        assert_golden(&s5.lambda_re.val(), &golden["lambda_half"]["re"], 1e-6);
        assert_golden(&s5.lambda_im.val(), &golden["lambda_half"]["im"], 1e-6);
        s5.log_step = Param::from_tensor(tensor(&golden["inputs"]["log_step"], [4], &device));
        let (lambda, g) = s5.discretised();
        assert_golden(&lambda.re, &golden[bar]["re"], 1e-6);
        assert_golden(&lambda.im, &golden[bar]["im"], 1e-6);
        // Gains of a thousandth: relative.
        let relative = |found: Vec<f64>, known: Vec<f64>| {
            found
                .iter()
                .zip(known)
                .map(|(f, k)| f / k)
                .collect::<Vec<f64>>()
        };
        assert_close(
            &relative(values(&g.re), numbers(&golden[gain]["re"])),
            &[1.0; 4],
            2e-6,
        );
        assert_close(
            &relative(values(&g.im), numbers(&golden[gain]["im"])),
            &[1.0; 4],
            2e-6,
        );
    }
}

/// Two modes, two channels, eight steps, resets, a carried state: outputs and every gradient.
#[test]
fn resettable_scan_and_gradients_of_the_golden_system() {
    let golden = golden("s5_reset_scan.json");
    let given = &golden["inputs"];
    let device = Device::flex().autodiff();
    let config = S5Config {
        state: 4,
        activation: Activation::Gelu,
        ..S5Config::default()
    };
    for form in [ScanForm::Loop, ScanForm::Doubling, ScanForm::Fused] {
        let mut s5 = layer(2, &config, &device);
        let lambda = complex(&given["lambda"], [2], &device);
        s5.lambda_re = Param::from_tensor(lambda.re);
        s5.lambda_im = Param::from_tensor(lambda.im);
        s5.log_step = Param::from_tensor(tensor::<1>(&given["dt"], [2], &device).log());
        let b = complex::<2>(&given["B_tilde"], [2, 2], &device);
        s5.b = Param::from_tensor(Complex::new(b.re.transpose(), b.im.transpose()).pack());
        let c = complex::<2>(&given["C_tilde"], [2, 2], &device);
        s5.c = Param::from_tensor(Tensor::cat(vec![c.re.transpose(), c.im.transpose()], 0));
        s5.d = Param::from_tensor(tensor(&given["D"], [2], &device));
        let input = tensor::<3>(&given["u"], [1, 8, 2], &device).require_grad();
        let resets = flags(&numbers(&given["resets"]), [1, 8], &device);
        let state = complex::<2>(&given["x0"], [1, 2], &device)
            .pack()
            .require_grad();
        let (y, last) = s5
            .state_space(input.clone(), resets, state.clone(), Some(form))
            .unwrap();
        assert_golden(&y, &golden["y"], 1e-5);
        let end = |part: &str| numbers(&golden["x"][part])[14..].to_vec();
        assert_close(&values(&last), &[end("re"), end("im")].concat(), 1e-5);
        let loss = (y * tensor(&given["W"], [1, 8, 2], &device)).sum();
        assert_close(&values(&loss), &[0.650_705_429_618_567], 1e-5);
        let grads = loss.backward();
        let to_input = values(&input.grad(&grads).unwrap());
        assert_relative(&to_input, &numbers(&golden["grad_u"]), 1e-4);
        let to_state = values(&state.grad(&grads).unwrap());
        let x0 = |part: &str| numbers(&golden["grad_x0"][part]);
        assert_relative(&to_state, &[x0("re"), x0("im")].concat(), 1e-4);
    }
}

/// The gradients of Λ̄ and B̄ themselves, which a layer only sees through its parameters.
#[test]
fn gradients_of_the_discretised_system() {
    let golden = golden("s5_reset_scan.json");
    let given = &golden["inputs"];
    let device = Device::flex().autodiff();
    for form in [ScanForm::Loop, ScanForm::Doubling, ScanForm::Fused] {
        let transition = complex::<1>(&golden["lambda_bar"], [2], &device)
            .pack()
            .require_grad();
        let b = complex::<2>(&golden["B_bar"], [2, 2], &device);
        let b = Complex::new(b.re.transpose(), b.im.transpose())
            .pack()
            .require_grad();
        let input = tensor::<2>(&given["u"], [8, 2], &device).matmul(b.clone());
        let scan = DiagonalScan {
            transition: transition.clone(),
            input: input.reshape([1, 8, 4]),
            resets: flags(&numbers(&given["resets"]), [1, 8], &device),
            state: complex::<2>(&given["x0"], [1, 2], &device).pack(),
        };
        let states = diagonal_scan(scan, Some(form)).unwrap().reshape([8, 4]);
        let c = complex::<2>(&given["C_tilde"], [2, 2], &device);
        let read = Tensor::cat(vec![c.re.transpose(), c.im.transpose().neg()], 0).mul_scalar(2.0);
        let y = states.matmul(read);
        let grads = (y * tensor(&given["W"], [8, 2], &device)).sum().backward();
        let lambda = values(&transition.grad(&grads).unwrap());
        let known = |key: &str, part: &str| numbers(&golden[key][part]);
        let expected = [
            known("grad_lambda_bar", "re"),
            known("grad_lambda_bar", "im"),
        ]
        .concat();
        assert_relative(&lambda, &expected, 1e-4);
        let to_b = Complex::unpack(b.grad(&grads).unwrap());
        assert_relative(
            &values(&to_b.re.transpose()),
            &known("grad_B_bar", "re"),
            1e-4,
        );
        assert_relative(
            &values(&to_b.im.transpose()),
            &known("grad_B_bar", "im"),
            1e-4,
        );
    }
}

#[test]
fn steps_scans_cuts_and_resets_agree() {
    let device = Device::flex();
    let plain = S5Config {
        state: 16,
        ..S5Config::default()
    };
    let normed = S5Config {
        blocks: 2,
        activation: Activation::HalfGlu2,
        pre_norm: true,
        inner_norm: true,
        post_norm: true,
        discretisation: Discretisation::Bilinear,
        ..plain.clone()
    };
    for config in [plain, normed] {
        check_core(&layer(6, &config, &device), 257, &device);
    }
}

#[test]
fn parameters_are_as_many_as_in_the_published_layer() {
    let s5 = layer(256, &S5Config::default(), &Device::flex());
    assert_eq!(s5.num_params(), 263_296);
}

#[test]
fn forms_of_the_layer_agree_in_gradients() {
    let device = Device::flex().autodiff();
    let config = S5Config {
        state: 32,
        ..S5Config::default()
    };
    let s5 = layer(8, &config, &device);
    let resets = random_resets(3, 65, 0.05, &device);
    let gradients = |form| {
        let input = noise("u", [3, 65, 8], &device).require_grad();
        let (y, _) = s5
            .scan_by(
                input.clone(),
                resets.clone(),
                s5.initial_state(3),
                Some(form),
            )
            .unwrap();
        let grads = (y * noise("w", [3, 65, 8], &device)).sum().backward();
        let of = |p: &Param<Tensor<1>>| p.val().grad(&grads).unwrap();
        (
            input.grad(&grads).unwrap(),
            of(&s5.lambda_re),
            of(&s5.lambda_im),
            of(&s5.log_step),
        )
    };
    let reference = gradients(ScanForm::Loop);
    for form in [ScanForm::Doubling, ScanForm::Fused] {
        let found = gradients(form);
        assert_same(&found.0, &reference.0, 1e-5);
        assert_same(&found.1, &reference.1, 1e-4);
        assert_same(&found.2, &reference.2, 1e-4);
        assert_same(&found.3, &reference.3, 1e-4);
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let device = Device::flex();
    let s5 = layer(
        4,
        &S5Config {
            state: 8,
            ..S5Config::default()
        },
        &device,
    );
    let scan = |steps: usize, width: usize| {
        let resets = flags(&vec![0.0; 2 * steps], [2, steps], &device);
        s5.scan(
            Tensor::zeros([2, steps, width], &device),
            resets,
            s5.initial_state(2),
        )
        .unwrap_err()
        .to_string()
    };
    assert_eq!(scan(0, 4), "the sequence has no steps; give at least one");
    assert_eq!(scan(3, 5), "input has shape [5], expected [4]");
    let odd = S5Config {
        state: 9,
        ..S5Config::default()
    };
    let error = odd
        .init(4, &mut Stream::new(0, 0, "x"), &device)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "argument `state` of sequence core `s5`: 9 is no positive multiple of 2·blocks = 2"
    );
}

#[test]
fn unstable_eigenvalues_are_found_or_clipped() {
    let device = Device::flex();
    for clip in [true, false] {
        let config = S5Config {
            state: 4,
            clip_eigenvalues: clip,
            ..S5Config::default()
        };
        let mut s5 = layer(2, &config, &device);
        s5.lambda_re = Param::from_tensor(Tensor::from_data([-0.5, 0.2], &device));
        assert_eq!(s5.check_stability().is_ok(), clip);
    }
}

/// Moduli of clipped eigenvalues with small steps round to one; that is no instability.
#[test]
fn eigenvalues_next_to_the_circle_are_stable() {
    let device = Device::flex();
    for step in [1e-6, 1e-5, 1e-4, 1e-3, 0.1] {
        let config = S5Config {
            state: 256,
            min_step: step,
            max_step: step,
            ..S5Config::default()
        };
        let mut s5 = layer(2, &config, &device);
        s5.lambda_re = Param::from_tensor(Tensor::zeros([128], &device));
        s5.check_stability().unwrap();
    }
}

/// Long sequences with extreme steps stay finite: silence, and one impulse.
#[test]
fn nothing_overflows_over_eight_thousand_steps() {
    let device = Device::flex();
    for step in [1e-4, 1e-3, 0.1, 1.0, 10.0] {
        let config = S5Config {
            state: 64,
            min_step: step,
            max_step: step,
            ..S5Config::default()
        };
        check_long(&layer(4, &config, &device), &device);
    }
}

/// Eigenvectors are known up to a phase, and of each conjugate pair either mode may be stored: neither changes an output.
#[test]
fn phases_of_eigenvectors_and_stored_halves_do_not_matter() {
    let device = Device::flex();
    let config = S5Config {
        state: 16,
        ..S5Config::default()
    };
    let s5 = layer(3, &config, &device);
    let input = noise::<3>("input", [2, 40, 3], &device);
    let resets = random_resets(2, 40, 0.1, &device);
    let run = |s5: &S5| {
        let state = s5.initial_state(2);
        s5.scan(input.clone(), resets.clone(), state).unwrap().0
    };
    let expected = run(&s5);
    // V → V e^{iφ}: B̃ = V* B turns one way, C̃ = C V the other. B is [H, P], C is [P, H].
    let mut turned = s5.clone();
    let phase: Vec<f64> = (0..8).map(|mode| 0.7 * f64::from(mode + 1)).collect();
    let turn = |sign: f64, shape: [usize; 2]| {
        let of =
            |f: fn(f64) -> f64| from(phase.iter().map(|p| f(sign * p)).collect(), shape, &device);
        Complex::new(of(f64::cos), of(f64::sin))
    };
    let b = Complex::unpack(s5.b.val()).mul(turn(-1.0, [1, 8]));
    turned.b = Param::from_tensor(b.pack());
    let c = s5.c.val();
    let c = Complex::new(c.clone().narrow(0, 0, 8), c.narrow(0, 8, 8)).mul(turn(1.0, [8, 1]));
    turned.c = Param::from_tensor(Tensor::cat(vec![c.re, c.im], 0));
    assert_same(&run(&turned), &expected, 1e-5);
    let mut mirrored = s5.clone();
    mirrored.lambda_im = Param::from_tensor(s5.lambda_im.val().neg());
    mirrored.b = Param::from_tensor(Complex::unpack(s5.b.val()).conj().pack());
    let c = s5.c.val();
    let c = Tensor::cat(vec![c.clone().narrow(0, 0, 8), c.narrow(0, 8, 8).neg()], 0);
    mirrored.c = Param::from_tensor(c);
    assert_same(&run(&mirrored), &expected, 1e-5);
}

/// (A, b, c) of one mode.
type Element = ([f64; 2], [f64; 2], bool);

/// The operator of the paper's appendix, folded over a sequence in double precision from either end, has the states of
/// the layer's scan in every form.
#[test]
fn the_resettable_operator_has_the_states_of_the_scan() {
    let device = Device::flex();
    let [steps, n] = [19, 3];
    let transition = noise::<1>("transition", [2 * n], &device).mul_scalar(0.6);
    let input = noise::<3>("input", [1, steps, 2 * n], &device);
    let start = noise::<2>("state", [1, 2 * n], &device);
    let marks: Vec<f64> = (0..steps)
        .map(|t| f64::from(u8::from(t % 7 == 4)))
        .collect();
    let (a, b, x) = (values(&transition), values(&input), values(&start));
    let times = |x: [f64; 2], y: [f64; 2]| [x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]];
    let combine = |i: Element, j: Element| -> Element {
        if j.2 {
            return (j.0, j.1, true);
        }
        let through = times(j.0, i.1);
        let sum = [through[0] + j.1[0], through[1] + j.1[1]];
        (times(j.0, i.0), sum, i.2)
    };
    let mut expected = vec![0.0; 2 * n];
    for mode in 0..n {
        // What is carried in stands in front as (1, x, 0).
        let mut elements: Vec<Element> = vec![([1.0, 0.0], [x[mode], x[n + mode]], false)];
        elements.extend((0..steps).map(|t| {
            let put = [b[t * 2 * n + mode], b[t * 2 * n + n + mode]];
            ([a[mode], a[n + mode]], put, marks[t] > 0.0)
        }));
        let left = elements.iter().copied().reduce(combine).unwrap();
        let right = elements
            .iter()
            .rev()
            .copied()
            .reduce(|later, earlier| combine(earlier, later));
        assert_close(&left.1, &right.unwrap().1, 1e-12);
        (expected[mode], expected[n + mode]) = (left.1[0], left.1[1]);
    }
    for form in [ScanForm::Loop, ScanForm::Doubling, ScanForm::Fused] {
        let scan = DiagonalScan {
            transition: transition.clone(),
            input: input.clone(),
            resets: flags(&marks, [1, steps], &device),
            state: start.clone(),
        };
        let states = diagonal_scan(scan, Some(form)).unwrap();
        assert_close(&values(&last_step(&states)), &expected, 1e-5);
    }
}

/// A layer that has acted for a hundred thousand steps remembers what one scan of them all does.
#[test]
fn acting_does_not_drift() {
    let device = Device::flex();
    let config = S5Config {
        state: 8,
        activation: Activation::Gelu,
        ..S5Config::default()
    };
    let s5 = layer(2, &config, &device);
    let steps = 100_000;
    let input = noise::<3>("input", [1, steps, 2], &device);
    let resets = random_resets(1, steps, 0.0, &device);
    let (whole, last) = s5.scan(input.clone(), resets, s5.initial_state(1)).unwrap();
    let none = flags(&[0.0], [1], &device);
    let mut state = s5.initial_state(1);
    let mut said = s5.initial_state(1);
    for t in 0..steps {
        let u = input.clone().narrow(1, t, 1).reshape([1, 2]);
        (said, state) = s5.step(u, none.clone(), state).unwrap();
    }
    assert_same(&state, &last, 1e-5);
    assert_same(&said, &last_step(&whole), 1e-5);
}
