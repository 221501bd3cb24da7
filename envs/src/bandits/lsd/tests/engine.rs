//! States, payoffs, masks and times of random play, step by step, against a model written from the definitions.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{act_randomly, action_streams, info, observation, telling};
use crate::{
    bandits::{Instance, LsdBandit, LsdBanditArgs, noise::payoff_bits},
    sim::Simulator,
    space::Space,
    stream::StreamKey,
};

/// One row, as the definitions say.
struct Model {
    instance: Instance,
    seed: u64,
    row: u64,
    episode: u64,
    round: u32,
    tau: Vec<i16>,
}

impl Model {
    /// Plays a round; returns the payoff of each arm, or nothing if it was not played, and their mean.
    fn play(&mut self, played: &[usize]) -> (Vec<Option<f32>>, f64) {
        let key = StreamKey::new(self.seed, self.row, "bandit.payoff");
        let mut paid = vec![None; self.tau.len()];
        let mut expected = 0.0;
        for (arm, tau) in self.tau.iter_mut().enumerate() {
            let caps = self.instance.caps(arm);
            if played.contains(&arm) {
                let bits = payoff_bits(key, self.episode, self.round, arm as u32);
                let mean = self.instance.mean_f32(arm, *tau);
                paid[arm] = Some(self.instance.noise().payoff(mean, bits));
                expected += self.instance.mean(arm, *tau);
                *tau = caps.play(*tau);
            } else {
                *tau = caps.idle(*tau);
            }
        }
        self.round += 1;
        (paid, expected)
    }

    fn start_next_episode(&mut self) {
        self.tau = self.instance.start().to_vec();
        self.round = 0;
        self.episode += 1;
    }

    fn shown(&self) -> Vec<f32> {
        self.tau.iter().map(|&s| f32::from(s)).collect()
    }
}

/// The arms that the action in row `row` plays.
fn played(simulator: &Simulator, row: usize) -> Vec<usize> {
    let arms = simulator.border().info.width(2);
    let actions = simulator.border().player(0).action();
    match &simulator.spec().players[0].action {
        Space::Discrete { .. } => [actions.i32(0)[row] as usize]
            .into_iter()
            .filter(|&arm| arm < arms)
            .collect(),
        _ => (0..arms)
            .filter(|arm| actions.u8(0)[row * arms + arm] == 1)
            .collect(),
    }
}

/// Whether the mask allows the arms that pay something, and all if too few do.
fn check_mask(model: &Model, mask: &[u8]) {
    let arms = model.tau.len();
    let pays = |arm: usize| model.instance.mean(arm, model.tau[arm]) > 0.0;
    let paying = (0..arms).filter(|&arm| pays(arm)).count();
    let can_idle = mask.len() > arms;
    let needed = match (can_idle, model.instance.exact()) {
        (true, _) => 0,
        (false, true) => model.instance.plays(),
        (false, false) => 1,
    };
    for (arm, &flag) in mask.iter().enumerate() {
        let allowed = arm == arms || pays(arm) || paying < needed;
        assert_eq!(flag == 1, allowed, "arm {arm} in {:?}", model.tau);
    }
}

fn check_run(args: Value, rows: usize, seed: u64, steps: usize) {
    let typed: LsdBanditArgs = serde_json::from_value(args.clone()).unwrap();
    let instance = (**LsdBandit::new(&typed).unwrap().instance()).clone();
    let mut simulator = telling(args, rows, seed);
    let mut models: Vec<Model> = (0..rows as u64)
        .map(|row| Model {
            tau: instance.start().to_vec(),
            instance: instance.clone(),
            seed,
            row,
            episode: 0,
            round: 0,
        })
        .collect();
    simulator.reset().unwrap();
    let mut streams = action_streams(rows);
    for _ in 0..steps {
        act_randomly(&mut simulator, &mut streams);
        simulator.step().unwrap();
        for (row, model) in models.iter_mut().enumerate() {
            let (paid, expected) = model.play(&played(&simulator, row));
            let border = simulator.border();
            let told = info(border, "payoffs", row).iter().zip(&paid);
            for (told, paid) in told {
                match paid {
                    Some(paid) => assert_eq!(*told, f64::from(*paid)),
                    None => assert!(told.is_nan()),
                }
            }
            let reward = paid.iter().flatten().fold(0.0_f32, |sum, paid| sum + paid);
            assert_eq!(border.player(0).reward[row], reward);
            assert_eq!(info(border, "expected_payoff", row), [expected]);
            assert!(!border.terminated[row]);

            let last = model.round == instance.horizon();
            assert_eq!(border.truncated[row], last);
            if last {
                let arms = model.tau.len();
                let shown = border.player(0).final_observation.f32(0);
                assert_eq!(shown[row * arms..(row + 1) * arms], model.shown());
                model.start_next_episode();
            }
            assert_eq!(border.elapsed[row], model.round);
            assert_eq!(observation(border, row), model.shown());
            let states: Vec<f64> = model.tau.iter().map(|&s| f64::from(s)).collect();
            assert_eq!(info(border, "privileged.state", row), states);
            for (arm, mean) in info(border, "privileged.means", row).iter().enumerate() {
                assert_eq!(*mean, instance.mean(arm, model.tau[arm]));
            }
            let mask = border.player(0).mask_row(row);
            if !mask.is_empty() {
                check_mask(model, mask);
            }
        }
    }
}

/// Delays, wrap, satiation, blocking, ten recovering arms, and two plays.
const PRESET_NAMES: [&str; 8] = [
    "spike5", "step2", "sea3", "geo5k2", "burst2", "pb_log10", "block236", "depr10",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn steps_equal_the_engine(
        preset in prop::sample::select(&PRESET_NAMES[..]),
        plays in 1usize..=2,
        exact in any::<bool>(),
        horizon in 1u32..25,
        noise in prop::sample::select(vec![
            json!("bernoulli"), json!("none"), json!({ "gaussian": { "sigma": 0.3 } }),
        ]),
        start in prop::sample::select(vec![json!("rested"), json!("just_played")]),
        mask in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let args = json!({
            "preset": preset, "plays": plays, "exact": exact, "horizon": horizon, "noise": noise,
            "start": start, "mask_unavailable": mask,
        });
        check_run(args, 3, seed, 40);
    }
}

#[test]
fn seasons_wrap_at_the_border() {
    // The first arm's payoff has period 4 and the idle cap 4, so it counts 1, 2, 3, 4, 1, … while it rests.
    let args = json!({ "preset": "sea3", "start": { "states": [4, 1, 1] } });
    let mut simulator = telling(args, 1, 0);
    simulator.reset().unwrap();
    let idle = 3;
    let mut seen = Vec::new();
    for _ in 0..6 {
        simulator
            .border_mut()
            .player_mut(0)
            .action_mut()
            .i32_mut(0)
            .fill(idle);
        simulator.step().unwrap();
        seen.push(observation(simulator.border(), 0)[0]);
        assert_eq!(simulator.border().player(0).reward, [0.0]);
    }
    assert_eq!(seen, [1.0, 2.0, 3.0, 4.0, 1.0, 2.0]);
}

/// Oracle greedy by hand: the largest mean payoff told, ties to the lowest index.
fn greedy_total(preset: &str, noise: &str, steps: usize) -> (f64, f64) {
    let mut simulator = telling(json!({ "preset": preset, "noise": noise }), 1, 5);
    simulator.reset().unwrap();
    let (mut expected, mut paid) = (0.0, 0.0);
    for step in 1..=steps {
        let means = info(simulator.border(), "privileged.means", 0);
        let best = (0..means.len())
            .rev()
            .max_by(|&a, &b| means[a].total_cmp(&means[b]));
        simulator
            .border_mut()
            .player_mut(0)
            .action_mut()
            .i32_mut(0)
            .fill(best.unwrap() as i32);
        simulator.step().unwrap();
        expected += info(simulator.border(), "expected_payoff", 0)[0];
        paid += f64::from(simulator.border().player(0).reward[0]);
        assert_eq!(simulator.border().truncated[0], step == steps);
    }
    assert_eq!(simulator.border().player(0).final_return[0], paid);
    (expected, paid)
}

/// The totals of the published settings, T = 3600 and T = 3300.
#[test]
fn oracle_greedy_earns_the_published_totals() {
    for noise in ["bernoulli", "none"] {
        let (spike5, paid) = greedy_total("spike5", noise, 3600);
        assert!((spike5 - 548.39).abs() <= 0.01, "{spike5}");
        // Five standard errors of 3600 Bernoulli payoffs with mean 0.152.
        assert!((paid - spike5).abs() < 5.0 * 21.6, "{paid}");
        let (step2, _) = greedy_total("step2", noise, 3300);
        assert!((step2 - 198.0).abs() <= 0.005, "{step2}");
    }
}
