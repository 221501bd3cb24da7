use palaestra_envs::stream::Stream;
use rand::RngExt;

use super::super::sequences::{
    a_lol::{Ratio, Weights, clipped_ratio, token_weights},
    genarm, rise, rso,
    token_mdp::{Next, SoftPolicy, TokenMdp, dpo_loss, implicit_reward},
};
use super::*;

/// Contexts of the golden token MDP in an order in which they lead to each other.
const CONTEXTS: [&str; 7] = ["root", "a", "b", "aa", "ab", "ba", "bb"];
const TOKENS: [char; 3] = ['a', 'b', '$'];

fn token_mdp(golden: &Value) -> TokenMdp {
    let mut reference = Vec::new();
    let mut next = Vec::new();
    for context in CONTEXTS {
        reference.extend(numbers(&golden["ref"][context]));
        for token in TOKENS {
            let prefix = if context == "root" { "" } else { context };
            let text = format!("{prefix}{token}");
            next.push(match CONTEXTS.iter().position(|c| *c == text) {
                Some(to) => Next::Context(to),
                None => Next::End(number(&golden["terminal_reward"][&text])),
            });
        }
    }
    TokenMdp::new(3, &reference, next).unwrap()
}

fn tokens(text: &str) -> Vec<usize> {
    text.chars()
        .map(|c| TOKENS.iter().position(|t| *t == c).unwrap())
        .collect()
}

fn exponentials(logs: &[f64]) -> Vec<f64> {
    logs.iter().map(|v| v.exp()).collect()
}

/// Per sequence of the golden file: logarithms under the policy and the reference, and the reward.
fn sequences(golden: &Value, process: &TokenMdp, solved: &SoftPolicy) -> Vec<[f64; 3]> {
    list(golden, "sequences")
        .iter()
        .map(|sequence| {
            let text = tokens(sequence["tokens"].as_str().unwrap());
            let (log_policy, reward) = process.read(&solved.log_policy, &text).unwrap();
            let (log_reference, _) = process.read(process.log_reference(), &text).unwrap();
            [log_policy, log_reference, reward]
        })
        .collect()
}

#[test]
fn token_values_and_policies_are_those_of_the_reference() {
    let golden = golden("token_and_search");
    let process = token_mdp(&golden);
    let beta = number(&golden["beta"]);
    let solved = process.solve(beta).unwrap();
    for (k, context) in CONTEXTS.iter().enumerate() {
        let row = 3 * k..3 * k + 3;
        assert_near(
            &solved.q[row.clone()],
            &numbers(&golden["Q"][*context]),
            1e-12,
        );
        assert!((solved.values[k] - number(&golden["V"][*context])).abs() < 1e-12);
        let policy = exponentials(&solved.log_policy[row]);
        assert_near(&policy, &numbers(&golden["pi"][*context]), 1e-12);
    }
    let found = sequences(&golden, &process, &solved);
    assert_eq!(found.len(), 15);
    // Over whole texts the law is the reference's, tilted by the reward.
    let tilted: Vec<f64> = found.iter().map(|[_, log, r]| log + r / beta).collect();
    let total = simplex::log_sum_exp(&tilted);
    assert!((beta * total - number(&golden["V_root"])).abs() < 1e-12);
    for ((sequence, [log_policy, log_reference, reward]), tilted) in
        list(&golden, "sequences").iter().zip(&found).zip(&tilted)
    {
        assert!((log_policy - (tilted - total)).abs() < 1e-12);
        assert!((log_policy - number(&sequence["logp_pi"])).abs() < 1e-12);
        let implicit = implicit_reward(beta, *log_policy, *log_reference);
        assert!((implicit - (reward - solved.values[0])).abs() < 1e-12);
        assert!((implicit - number(&sequence["implicit_reward"])).abs() < 1e-12);
    }
    let pair = &golden["dpo_pair"];
    let implicit = |key: &str| {
        let text = tokens(pair[key].as_str().unwrap());
        let (log_policy, _) = process.read(&solved.log_policy, &text).unwrap();
        let (log_reference, _) = process.read(process.log_reference(), &text).unwrap();
        implicit_reward(beta, log_policy, log_reference)
    };
    let margin = implicit("chosen") - implicit("rejected");
    assert!((margin - number(&pair["margin"])).abs() < 1e-12);
    assert!((dpo_loss(margin) - number(&pair["loss"])).abs() < 1e-12);
    assert_eq!(dpo_loss(-1e5), 1e5);
    assert_eq!(dpo_loss(1e5), 0.0);
    assert_eq!(process.read(process.log_reference(), &tokens("ab")), None);
    assert_eq!(process.read(process.log_reference(), &tokens("$a")), None);
}

#[test]
fn contexts_out_of_order_are_refused() {
    let next = vec![Next::End(0.0), Next::Context(0)];
    let refused = TokenMdp::new(2, &[0.5, 0.5], next).unwrap_err();
    assert!(refused.to_string().contains("context 0 leads to context 0"));
    assert!(TokenMdp::new(0, &[], Vec::new()).is_err());
}

#[test]
fn autoregressive_rewards_steer_as_in_the_reference() {
    let golden = golden("token_and_search");
    let cases = &golden["genarm"];
    let [base, arm, second] = [&cases["base"], &cases["arm"], &cases["multi"]["arm2"]]
        .map(|v| simplex::logs(&numbers(v)));
    let mut out = vec![0.0; 3];
    for case in list(cases, "cases") {
        genarm::decode(&base, &[(&arm, number(&case["alpha"]))], &mut out);
        assert_near(&out, &numbers(&case["p"]), 1e-12);
    }
    let weights = numbers(&cases["multi"]["alpha"]);
    genarm::decode(
        &base,
        &[(&arm, weights[0]), (&second, weights[1])],
        &mut out,
    );
    assert_near(&out, &numbers(&cases["multi"]["p"]), 1e-12);
    // With the softmax of Q as the reward model and 1/β as its weight it is the optimal policy, in every context.
    let process = token_mdp(&golden);
    let beta = number(&golden["beta"]);
    let solved = process.solve(beta).unwrap();
    for k in 0..CONTEXTS.len() {
        let row = 3 * k..3 * k + 3;
        let mut arm = solved.q[row.clone()].to_vec();
        simplex::normalise_logs(&mut arm);
        genarm::decode(
            &process.log_reference()[row.clone()],
            &[(&arm, 1.0 / beta)],
            &mut out,
        );
        assert_near(&out, &exponentials(&solved.log_policy[row]), 1e-12);
    }
    assert!((genarm::loss(0.1, -3.0, -5.0) - (1.0 + (-0.2f64).exp()).ln()).abs() < 1e-14);
}

#[test]
fn rejection_sampling_tilts_by_the_reward() {
    let golden = golden("token_and_search");
    let process = token_mdp(&golden);
    let beta = number(&golden["rso"]["beta"]);
    let solved = process.solve(beta).unwrap();
    let found = sequences(&golden, &process, &solved);
    let largest = found.iter().map(|[_, _, r]| *r).fold(f64::MIN, f64::max);
    let accept: Vec<f64> = found
        .iter()
        .map(|[_, _, r]| rso::acceptance(*r, largest, beta))
        .collect();
    assert_near(&accept, &numbers(&golden["rso"]["accept_prob"]), 1e-12);
    let reference: Vec<f64> = found.iter().map(|[_, log, _]| log.exp()).collect();
    let rate = simplex::dot(&accept, &reference);
    assert!((rate - number(&golden["rso"]["expected_accept_rate"])).abs() < 1e-12);
    let tilted = numbers(&golden["rso"]["induced_distribution"]);
    let policy: Vec<f64> = found.iter().map(|[log, _, _]| log.exp()).collect();
    assert_near(&policy, &tilted, 1e-12);
    // Draws, accepted with the right bound and with one that is too small.
    let mut stream = Stream::new(3, 0, "test.rso");
    let mut total_variation = |bound: f64| {
        let mut counts = vec![0.0; found.len()];
        let mut accepted = 0;
        while accepted < 100_000 {
            let i = simplex::pick(reference.iter().copied(), stream.random());
            if stream.random::<f64>() < rso::acceptance(found[i][2], bound, beta) {
                counts[i] += 1e-5;
                accepted += 1;
            }
        }
        let apart = counts.iter().zip(&tilted).map(|(a, b)| (a - b).abs());
        0.5 * apart.sum::<f64>()
    };
    assert!(total_variation(largest) < 0.02);
    assert!(total_variation(largest - 1.0) > 0.05);
    // Of a batch the best is always accepted in the first pass.
    let rewards = [0.1, 2.0, -1.0, 1.9];
    for _ in 0..20 {
        let kept = rso::select(&rewards, 2, 0.01, &mut stream).unwrap();
        assert!(kept.contains(&1) && kept.contains(&3));
    }
    assert!(rso::select(&rewards, 5, 0.5, &mut stream).is_err());
    assert_eq!(rso::hinge_norm_loss(0.5, 1.0), 0.5);
    assert!((rso::sigmoid_norm_loss(0.5, 0.0) - 2f64.ln()).abs() < 1e-15);
}

#[test]
fn advantages_weigh_texts_as_in_the_reference() {
    let golden = golden("token_and_search");
    let process = token_mdp(&golden);
    let solved = process.solve(number(&golden["beta"])).unwrap();
    let found = sequences(&golden, &process, &solved);
    let expected = &golden["a_lol"];
    let rewards: Vec<f64> = found.iter().map(|[_, _, r]| *r).collect();
    let log_ratios: Vec<f64> = found.iter().map(|[p, q, _]| p - q).collect();
    let baseline: f64 = found.iter().map(|[_, q, r]| q.exp() * r).sum();
    assert!((baseline - number(&expected["V_ref"])).abs() < 1e-12);
    let clip = number(&expected["clip"]);
    let weights = Weights::new(&rewards, &log_ratios, baseline, Ratio::Clipped { clip }).unwrap();
    assert_near(
        &weights.advantages,
        &numbers(&expected["advantages"]),
        1e-12,
    );
    let priorities = numbers(&expected["priority_sampling_probs"]);
    assert_near(&weights.priorities, &priorities, 1e-12);
    let kept: Vec<f64> = numbers(&expected["kept"]);
    assert_eq!(weights.kept_fraction(), kept.len() as f64 / 15.0);
    let clipped = numbers(&expected["weights_ratio_pi_over_ref"]["clipped"]);
    for (k, wanted) in clipped.iter().enumerate() {
        assert!((clipped_ratio(log_ratios[k], clip) - wanted).abs() < 1e-12);
        let keeps = kept.contains(&(k as f64));
        assert_eq!(weights.weights[k] > 0.0, keeps);
        let product = if keeps {
            weights.advantages[k] * wanted
        } else {
            0.0
        };
        assert!((weights.weights[k] - product).abs() < 1e-12);
    }
    let free = Weights::new(&rewards, &log_ratios, 0.0, Ratio::Free).unwrap();
    assert_eq!(free.weights[1], rewards[1]);
}

#[test]
fn attempts_are_weighted_as_in_the_reference() {
    let golden = golden("token_and_search");
    let expected = &golden["rise"];
    let rewards = numbers(&expected["turn_rewards"]);
    let temperature = number(&expected["temperature"]);
    let all = rise::weights(&rewards, temperature, rise::Filter::All).unwrap();
    assert_near(&all, &numbers(&expected["weights_normalised"]), 1e-12);
    let kept = |filter| -> Vec<bool> {
        let weights = rise::weights(&rewards, temperature, filter).unwrap();
        weights.iter().map(|w| *w > 0.0).collect()
    };
    assert_eq!(kept(rise::Filter::Better), [true, true, false, true]);
    assert_eq!(kept(rise::Filter::Best), [false, true, false, true]);
    assert_eq!(kept(rise::Filter::Successful), [false, true, false, true]);
    let none = rise::weights(&[0.2], 1.0, rise::Filter::Successful).unwrap();
    assert_eq!(none, [0.0]);
    assert_eq!(rise::majority(&[3, 1, 2, 1, 3]), Some(&3));
    assert_eq!(rise::majority::<u8>(&[]), None);
}

#[test]
fn the_other_weights_of_texts_follow_their_definitions() {
    let golden = golden("token_and_search");
    let process = token_mdp(&golden);
    let solved = process.solve(number(&golden["beta"])).unwrap();
    let texts = sequences(&golden, &process, &solved);
    let rewards: Vec<f64> = texts.iter().map(|text| text[2]).collect();
    let ratios: Vec<f64> = texts.iter().map(|text| text[0] - text[1]).collect();
    let baseline = number(&golden["a_lol"]["V_ref"]);
    let beta = 0.2;
    let found = Weights::new(&rewards, &ratios, baseline, Ratio::Penalty { beta }).unwrap();
    let free = Weights::new(&rewards, &ratios, baseline, Ratio::Free).unwrap();
    for (with, without) in found.weights.iter().zip(&free.weights) {
        let expected = if *without > 0.0 { without - beta } else { 0.0 };
        assert!((with - expected).abs() < 1e-15);
    }
    // A text of one token has one ratio, whichever variant weighs it; in longer ones each token has its own.
    let clip = 0.9;
    let clipped = Weights::new(&rewards, &ratios, baseline, Ratio::Clipped { clip }).unwrap();
    for (k, advantage) in free.advantages.iter().enumerate() {
        let alone = token_weights(*advantage, &ratios[k..=k], clip).unwrap();
        assert!((alone[0] - clipped.weights[k]).abs() < 1e-15);
    }
    let found = token_weights(2.0, &[0.0, 0.5, -0.5, 3.0, -9.0], clip).unwrap();
    let expected = [2.0, 2.0 * 0.5_f64.exp(), 2.0 * (-0.5_f64).exp(), 3.8, 0.2];
    assert_near(&found, &expected, 1e-12);
    assert_near(
        &token_weights(-1.0, &[0.0, 0.5], clip).unwrap(),
        &[0.0; 2],
        0.0,
    );
    assert!(Weights::new(&rewards, &ratios, baseline, Ratio::Penalty { beta: 0.0 }).is_err());
    assert!(token_weights(1.0, &[0.0], f64::NAN).is_err());
}
