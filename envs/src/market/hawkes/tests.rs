//! Golden numbers from an independent implementation (`tests/golden/market/hawkes.json`), and recovery of known parameters.

use rand::RngExt;
use serde_json::Value;

use super::*;
use crate::stream::Stream;

const GOLDEN: &str = include_str!("../../../../tests/golden/market/hawkes.json");

struct Case {
    process: Hawkes,
    events: Vec<Event>,
    end: f64,
    value: Value,
}

fn floats(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(floats).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn cases() -> Vec<Case> {
    let file: Value = serde_json::from_str(GOLDEN).unwrap();
    let case = |value: &Value| {
        let [mu, a, b] = ["mu", "a", "b"].map(|name| floats(&value[name]));
        let event = |pair: &Value| Event {
            time: pair[0].as_f64().unwrap(),
            kind: pair[1].as_u64().unwrap() as usize,
        };
        Case {
            process: Hawkes::new(&mu, &a, &b).unwrap(),
            events: value["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(event)
                .collect(),
            end: value["T"].as_f64().unwrap(),
            value: value.clone(),
        }
    };
    let cases: Vec<Case> = file["cases"].as_array().unwrap().iter().map(case).collect();
    assert_eq!(cases.len(), 4);
    cases
}

fn assert_close(found: &[f64], expected: &Value, tolerance: f64) {
    let expected = floats(expected);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        let error = (found - expected).abs();
        assert!(
            error <= tolerance * expected.abs(),
            "{found} instead of {expected}"
        );
    }
}

#[test]
fn likelihoods_and_compensators_are_the_golden_ones() {
    for case in cases() {
        let (process, events, end) = (&case.process, &case.events, case.end);
        let value = process.log_likelihood(events, end).unwrap();
        assert_close(&[value], &case.value["loglik"], 1e-9);
        assert_close(
            &process.compensators(events, end).unwrap(),
            &case.value["compensator"],
            1e-9,
        );
        if case.value["intensity_at_T"].is_array() {
            let intensities = process.intensities(events, end).unwrap();
            assert_close(&intensities, &case.value["intensity_at_T"], 1e-9);
            let residuals = process.residuals(events).unwrap().concat();
            let mean = residuals.iter().sum::<f64>() / residuals.len() as f64;
            let squares: f64 = residuals.iter().map(|r| (r - mean) * (r - mean)).sum();
            assert_close(&[mean], &case.value["residual_mean"], 1e-9);
            let variance = squares / residuals.len() as f64;
            assert_close(&[variance], &case.value["residual_var"], 1e-9);
            assert_close(
                &process.stationary_rate().unwrap(),
                &case.value["stationary_rate"],
                1e-9,
            );
            assert_close(
                &[process.spectral_radius()],
                &case.value["spectral_radius"],
                1e-9,
            );
        }
    }
}

#[test]
fn gradients_are_the_golden_ones() {
    let mut compared = 0;
    for case in cases() {
        let (value, gradient) = case
            .process
            .log_likelihood_and_gradient(&case.events, case.end)
            .unwrap();
        assert_close(&[value], &case.value["loglik"], 1e-9);
        if let Some(expected) = case.value.get("grad") {
            assert_close(&gradient.mu, &expected["mu"], 1e-5);
            assert_close(&gradient.a, &expected["a"], 1e-5);
            assert_close(&gradient.b, &expected["b"], 1e-5);
            compared += 1;
        }
    }
    assert_eq!(compared, 3);
}

/// `SplitMix64`, the generator of the golden simulations.
fn split_mix(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }
}

#[test]
fn simulations_are_the_golden_ones() {
    let mut compared = 0;
    for case in cases() {
        let Some(seed) = case.value["seed"].as_u64() else {
            continue;
        };
        let mut draws = 0u64;
        let mut uniform = split_mix(seed);
        let simulated = case.process.simulate(case.end, || {
            draws += 1;
            uniform()
        });
        assert_eq!(simulated.len(), case.events.len());
        for (found, expected) in simulated.iter().zip(&case.events) {
            assert_eq!(found.kind, expected.kind);
            assert!((found.time - expected.time).abs() <= 1e-12 * expected.time.max(1.0));
        }
        // Two draws a candidate, but one only for the last, which lies beyond the end.
        let proposals = case.value["proposals"].as_u64().unwrap();
        assert_eq!(draws.div_ceil(2), proposals, "{}", case.value["name"]);
        compared += 1;
    }
    assert_eq!(compared, 3);
}

#[test]
fn simulation_can_be_stopped_and_continued() {
    let process = &cases()[2].process;
    let mut stream = Stream::new(5, 0, "test");
    let mut simulation = Thinning::new(process.clone());
    let mut events = Vec::new();
    for end in 1..=4000 {
        let end = f64::from(end);
        while let Some(event) = simulation.next_event(end, || stream.random()) {
            assert!(event.time <= end);
            events.push(event);
        }
    }
    // Stopping draws other numbers, but the process stays the same one: its residuals remain exponential.
    let mut residuals = process.residuals(&events).unwrap().concat();
    assert!(exponential_ks(&mut residuals).unwrap().p_value > 0.01);
    let rate = process.stationary_rate().unwrap().iter().sum::<f64>();
    assert!((events.len() as f64 / 4000.0 / rate - 1.0).abs() < 0.1);
}

#[test]
fn an_exploding_process_is_named() {
    let process = Hawkes::new(&[0.1, 0.1], &[0.0, 2.0, 2.0, 0.0], &[1.0; 4]).unwrap();
    assert_eq!(
        process.check_stable(),
        Err(HawkesError::Unstable {
            radius: process.spectral_radius()
        })
    );
    assert!((process.spectral_radius() - 2.0).abs() < 1e-12);
    assert!(process.stationary_rate().is_err());
    // Nilpotent: whatever the sizes, excitation dies out.
    let chain = Hawkes::new(&[0.1, 0.1], &[0.0, 5.0, 0.0, 0.0], &[1.0; 4]).unwrap();
    assert_eq!(chain.spectral_radius(), 0.0);
    let rate = chain.stationary_rate().unwrap();
    assert!((rate[0] - 0.6).abs() < 1e-12 && (rate[1] - 0.1).abs() < 1e-12);
}

#[test]
fn wrong_parameters_and_events_are_refused() {
    let message = |result: Result<Hawkes, HawkesError>| result.unwrap_err().to_string();
    assert_eq!(
        message(Hawkes::new(&[1.0], &[], &[1.0])),
        "`a` has 0 entries; 1 event types need 1"
    );
    assert_eq!(
        message(Hawkes::new(&[1.0], &[1.0], &[0.0])),
        "`b[0]` is 0; it must be finite and above 0"
    );
    let process = Hawkes::new(&[1.0], &[0.5], &[1.0]).unwrap();
    let event = |time, kind| Event { time, kind };
    let refused = |events: &[Event]| process.log_likelihood(events, 4.0).unwrap_err().to_string();
    assert_eq!(
        refused(&[event(1.0, 1)]),
        "event 0 is of type 1; there are 1 types"
    );
    assert_eq!(
        refused(&[event(2.0, 0), event(1.0, 0)]),
        "event 1 is at time 1, not in [2, 4]"
    );
    assert_eq!(
        process.log_likelihood(&[], 0.0),
        Err(HawkesError::Window(0.0))
    );
    assert_eq!(
        Hawkes::fit(2, &[event(1.0, 0)], 4.0, &FitOptions::default()),
        Err(HawkesError::NoEvents(1))
    );
}

/// A simulation of 50,000 events leads back to every base rate and branching ratio within three standard errors, and the residuals
/// of its fit are exponential at 5 %. That is asked of the first of twenty; of all together, that the residuals are in 18 and that
/// none of the 120 estimates is beyond 4.1 standard errors: of normal numbers, one would be in one of 200 such tests.
#[test]
fn maximum_likelihood_recovers_the_parameters() {
    const EVENTS: usize = 50_000;
    let truth = &cases()[2].process;
    let (mut well_fitted, mut deviations) = (0, Vec::new());
    for seed in 0..20 {
        let mut stream = Stream::new(seed, 0, "test");
        let mut simulation = Thinning::new(truth.clone());
        let mut next = || simulation.next_event(f64::INFINITY, || stream.random());
        let events: Vec<Event> = std::iter::from_fn(&mut next).take(EVENTS).collect();
        assert_eq!(events.len(), EVENTS);
        let end = events[EVENTS - 1].time;
        let fit = Hawkes::fit(2, &events, end, &FitOptions::default()).unwrap();
        let errors = fit.standard_errors.unwrap();
        let branching = fit.process.branching().into_iter().zip(truth.branching());
        let mu = fit
            .process
            .mu()
            .iter()
            .copied()
            .zip(truth.mu().iter().copied());
        let errors = errors.mu.into_iter().chain(errors.branching);
        let standardised = mu
            .chain(branching)
            .zip(errors)
            .map(|((x, y), e)| (x - y) / e);
        deviations.extend(standardised);
        let mut residuals = fit.process.residuals(&events).unwrap().concat();
        well_fitted += u32::from(exponential_ks(&mut residuals).unwrap().p_value > 0.05);
    }
    assert!(well_fitted >= 18, "{well_fitted} of 20");
    assert_eq!(deviations.len(), 120);
    let within = |deviations: &[f64], most| deviations.iter().all(|d: &f64| d.abs() <= most);
    assert!(within(&deviations[..6], 3.0), "{:?}", &deviations[..6]);
    assert!(within(&deviations, 4.1), "{deviations:?}");
    // The standard errors are not merely large: the deviations have their variance (120 of them, four standard errors).
    let variance = deviations.iter().map(|d| d * d).sum::<f64>() / deviations.len() as f64;
    assert!((variance - 1.0).abs() < 0.55, "{variance}");
}
