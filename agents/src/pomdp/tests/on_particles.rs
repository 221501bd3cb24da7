//! Agents whose belief is not exact: particles, and Gaussians.

use palaestra_envs::{
    pomdp::{
        Generative, Pomdp,
        classic::{LaserTag, LaserTagArgs, LightDark, LightDark2d, LightDark2dArgs, LightDarkArgs},
    },
    stream::Stream,
    wrappers::DelayObservation,
};
use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::pomdp::{
    decide::Informed,
    guides::Simulated,
    planning::{GaussianBelief, ScenarioBounds, plan_beliefs},
};

#[test]
fn agents_on_particles_and_gaussians_conform() {
    let search = json!({"simulations": 30, "particles": 100});
    let scenarios = json!({"scenarios": 20, "trials": 3, "depth": 10, "particles": 100});
    for (id, env, args) in [
        ("pomcp", "light_dark-v1", &search),
        ("pomcp", "laser_tag-v1", &search),
        ("despot", "light_dark-v1", &scenarios),
        ("despot", "laser_tag-v1", &scenarios),
        ("go_and_look", "light_dark-v1", &Value::Null),
        ("belief_lqr", "light_dark_2d-v1", &Value::Null),
    ] {
        let registry = registry();
        let make = || palaestra_envs::registry().build(env, &Value::Null);
        let report = conformance::check(registry.get(id).unwrap(), args, make);
        assert!(report.passed(), "{id} on {env}: {report}");
    }
}

/// Plays and returns the bytes of the agent's whole state.
fn played(agent: &mut dyn Agent, simulator: &mut Simulator, steps: usize) -> Vec<u8> {
    let rows = Selection::all(simulator.rows());
    for _ in 0..steps {
        let (view, actions) = simulator.border_mut().act_view(0);
        agent.act(&view, &rows, actions).unwrap();
        simulator.step().unwrap();
        let (rows, border) = (&rows, simulator.border());
        let view = StepView {
            player: 0,
            rows,
            border,
        };
        agent.observe(&view).unwrap();
    }
    agent.save().unwrap()
}

#[test]
fn a_loaded_agent_ends_with_the_same_bytes() {
    let args = json!({"simulations": 30, "particles": 50});
    for env in ["light_dark-v1", "laser_tag-v1"] {
        let mut table = simulator(env, &Value::Null, 3);
        let mut straight = agent("pomcp", &args, &table).unwrap();
        let end = played(&mut *straight, &mut table, 30);
        let mut table = simulator(env, &Value::Null, 3);
        let mut stopped = agent("pomcp", &args, &table).unwrap();
        let half = played(&mut *stopped, &mut table, 15);
        let mut resumed = agent("pomcp", &args, &table).unwrap();
        resumed.load(&half).unwrap();
        assert!(played(&mut *resumed, &mut table, 15) == end, "{env}");
        // Filters of another size are of another agent.
        let other = json!({"simulations": 30, "particles": 60});
        let error = agent("pomcp", &other, &table).unwrap().load(&half);
        assert!(matches!(error, Err(AgentError::State { .. })));
    }
}

#[test]
fn going_to_look_pays_and_depletions_are_told() {
    let mut line = simulator("light_dark-v1", &Value::Null, 20);
    let mut scripted = agent("go_and_look", &Value::Null, &line).unwrap();
    let mean = mean_return(&mut *scripted, &mut line, 100);
    assert!(mean > 9.5, "{mean}");
    let told = |agent: &mut dyn Agent| {
        let mut told = Vec::new();
        agent.metrics(&mut |name, value| told.push((name.to_owned(), value)));
        told
    };
    assert_eq!(told(&mut *scripted), [("belief/depletions".into(), 0.0)]);
    // Five particles are too few to find a robot and its opponent; they are sought again and again.
    let mut tag = simulator("laser_tag-v1", &Value::Null, 4);
    let args = json!({"simulations": 1, "particles": 5, "rollout": "uniform"});
    let mut few = agent("pomcp", &args, &tag).unwrap();
    played(&mut *few, &mut tag, 50);
    assert!(told(&mut *few)[0].1 > 0.0);
}

#[test]
fn planners_on_particles_beat_the_blind() {
    // The best blind policy of Light-Dark never stops and earns 0; undiscounted, each success counts 10.
    let mut line = simulator("light_dark-v1", &Value::Null, 20);
    let args = json!({"scenarios": 100, "trials": 30, "depth": 20, "particles": 500});
    let mut planner = agent("despot", &args, &line).unwrap();
    let mean = mean_return(&mut *planner, &mut line, 60);
    assert!(mean > 6.0, "{mean}");
    // Who never tags in 200 steps loses 200, undiscounted.
    let mut tag = simulator("laser_tag-v1", &Value::Null, 8);
    let args = json!({"scenarios": 50, "trials": 1, "particles": 1000});
    let mut planner = agent("despot", &args, &tag).unwrap();
    let mean = mean_return(&mut *planner, &mut tag, 80);
    assert!(mean > -40.0, "{mean}");
}

#[test]
fn an_observation_that_cannot_be_is_an_error_with_row_and_step() {
    let mut tag = simulator("laser_tag-v1", &Value::Null, 2);
    let mut player = agent("pomcp", &json!({"simulations": 1, "particles": 50}), &tag).unwrap();
    let rows = Selection::all(2);
    let (view, actions) = tag.border_mut().act_view(0);
    player.act(&view, &rows, actions).unwrap();
    tag.step().unwrap();
    // No laser reads 15: the longest way on the grid is 11.
    tag.border_mut()
        .player_mut(0)
        .env_observation_mut()
        .f32_mut(0)[8..]
        .fill(15.0);
    let view = StepView {
        player: 0,
        rows: &rows,
        border: tag.border(),
    };
    let error = player.observe(&view).unwrap_err();
    assert!(
        matches!(
            &error,
            AgentError::BeliefLost {
                row: 1,
                step: 1,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error.to_string().contains("no particle explains"),
        "{error}"
    );
}

#[test]
fn where_the_model_is_not_seen_nobody_plays_by_it() {
    let late = |id: &str| {
        let env = palaestra_envs::registry().build(id, &Value::Null).unwrap();
        let late = DelayObservation {
            delay: 1,
            players: Vec::new(),
        };
        Simulator::builder(env).wrap(late).build().unwrap()
    };
    for (id, env) in [
        ("pomcp", "light_dark-v1"),
        ("despot", "laser_tag-v1"),
        ("go_and_look", "light_dark-v1"),
        ("belief_lqr", "light_dark_2d-v1"),
    ] {
        let error = agent(id, &Value::Null, &late(env)).err().unwrap();
        assert!(error.to_string().contains("wrappers"), "{id}: {error}");
    }
    let cartpole = simulator("cartpole-v1", &Value::Null, 1);
    for (id, reason) in [
        ("despot", "a simulator that it has bounds for"),
        ("go_and_look", "it plays `light_dark-v1` only"),
        ("belief_lqr", "it plays `light_dark_2d-v1` only"),
    ] {
        let error = agent(id, &Value::Null, &cartpole).err().unwrap();
        assert!(error.to_string().contains(reason), "{id}: {error}");
    }
}

#[test]
fn the_bounds_of_light_dark_are_those_of_a_simulation() {
    let model = LightDark::new(&LightDarkArgs::default());
    let guide = model.guide().unwrap();
    let mut rng = Stream::new(1, 0, "test");
    for _ in 0..200 {
        let states: Vec<_> = (0..10).map(|_| model.sample_start(&mut rng)).collect();
        let (lower, upper) = (guide.lower(&states).0, guide.upper(&states));
        assert!(lower <= upper + 1e-12, "{lower} {upper}");
        // One state alone: both are what the informed policy earns.
        let (mut state, mut earned, mut weight) = (states[0], 0.0, 1.0);
        while !model.is_terminal(&state) {
            let outcome = model.step(&state, guide.informed(&state), &mut rng);
            earned += weight * outcome.reward;
            weight *= model.discount;
            state = outcome.next;
        }
        let alone = &states[..1];
        assert!((guide.upper(alone) - earned).abs() < 1e-9, "{states:?}");
        assert!((guide.lower(alone).0 - earned).abs() < 1e-9, "{states:?}");
    }
}

#[test]
fn the_chase_of_laser_tag_is_what_its_simulator_does() {
    let model = LaserTag::new(&LaserTagArgs::default());
    let chase: Pomdp = model.chase().unwrap();
    let guide = model.guide().unwrap();
    let mut rng = Stream::new(2, 0, "test");
    for _ in 0..20 {
        let (start, action) = (model.sample_start(&mut rng), rng.random_range(0..5));
        let row = chase.transition(LaserTag::chase_state(&start), action);
        let mut counts = vec![0.0; chase.num_states()];
        for _ in 0..2000 {
            let outcome = model.step(&start, action, &mut rng);
            assert_eq!(
                outcome.reward,
                chase.reward(LaserTag::chase_state(&start), action)
            );
            counts[LaserTag::chase_state(&outcome.next)] += 1.0;
        }
        for (next, p) in row.iter() {
            let deviation = (2000.0 * p * (1.0 - p)).sqrt();
            assert!((counts[next] - 2000.0 * p).abs() <= 5.0 * deviation + 1e-6);
            counts[next] = 0.0;
        }
        assert!(
            counts.iter().all(|&c| c == 0.0),
            "a step the chase does not know"
        );
    }
    // In one cell, tagging is right; apart, the bounds hold the value of the chase between them.
    let start = model.sample_start(&mut rng);
    let met = palaestra_envs::pomdp::classic::LaserTagState {
        opponent: start.robot,
        ..start
    };
    let (value, action) = guide.lower(&[met, met]);
    assert!(
        (value - 10.0).abs() < 1e-6 && action == 4,
        "{value} {action}"
    );
    let apart: Vec<_> = (0..50).map(|_| model.sample_start(&mut rng)).collect();
    let (lower, upper) = (guide.lower(&apart).0, guide.upper(&apart));
    assert!(lower <= upper && upper < 10.0, "{lower} {upper}");
}

/// Mean cost, final `|x|²`, and how often the light was visited, of 200 episodes under a policy.
fn costs(
    model: &LightDark2d,
    mut policy: impl FnMut(u32, GaussianBelief) -> [f64; 2],
) -> (f64, f64, f64, f64) {
    let mut rng = Stream::new(3, 0, "test");
    let (mut cost, mut end, mut variance, mut lit) = (0.0, 0.0, 0.0, 0.0);
    let episodes = 200;
    for _ in 0..episodes {
        let normal = |rng: &mut Stream| rng.sample::<f64, _>(StandardNormal);
        let deviation = LightDark2d::START_VARIANCE.sqrt();
        let mut x = LightDark2d::START.map(|mean| mean + deviation * normal(&mut rng));
        let (mut belief, mut farthest) = (GaussianBelief::start(), f64::NEG_INFINITY);
        for step in 0..model.horizon {
            let u = policy(step, belief);
            x = [x[0] + u[0], x[1] + u[1]];
            let square = x[0] * x[0] + x[1] * x[1];
            cost += model.weight(step + 1) * square
                + LightDark2d::CONTROL_COST * (u[0] * u[0] + u[1] * u[1]);
            let noise = model.noise(x[0]).sqrt();
            let z = x.map(|x| x + noise * normal(&mut rng));
            belief = belief.moved(u).measured(model, z);
            farthest = farthest.max(belief.mean[0]);
            if step + 1 == model.horizon {
                (end, variance) = (end + square, variance + belief.variance);
            }
        }
        lit += f64::from(u8::from(farthest > 3.5));
    }
    let n = f64::from(episodes);
    (cost / n, end / n, variance / n, lit / n)
}

#[test]
fn belief_space_lqr_goes_to_the_light_first() {
    let model = LightDark2d::new(&LightDark2dArgs::default()).unwrap();
    let start = GaussianBelief::start();
    let plan = plan_beliefs(&model, start, model.horizon);
    let brightest = plan.beliefs.iter().map(|b| b.mean[0]).fold(0.0, f64::max);
    let last = plan.beliefs.last().unwrap();
    assert!(brightest > 4.0, "{plan:?}");
    assert!(
        last.mean.iter().all(|m| m.abs() < 0.2) && last.variance < 0.05,
        "{last:?}"
    );
    // Against going straight: a fifth of what is left in each step, by the same filter.
    let straight = costs(&model, |_, belief| belief.mean.map(|m| -m / 5.0));
    let mut under_way = None;
    let planned = costs(&model, |step, belief| {
        if step == 0 {
            under_way = None;
        }
        let (from, plan) = under_way
            .take()
            .filter(|(from, plan): &(u32, crate::pomdp::planning::BeliefPlan)| {
                let there = plan.beliefs[(step - from) as usize].mean;
                (0..2).all(|i| (there[i] - belief.mean[i]).abs() < 0.1)
            })
            .unwrap_or_else(|| (step, plan_beliefs(&model, belief, model.horizon - step)));
        let u = plan.control((step - from) as usize, belief);
        under_way = Some((from, plan));
        u
    });
    assert!(
        planned.0 < 0.6 * straight.0,
        "cost {planned:?} {straight:?}"
    );
    assert!(
        planned.1 < 0.25 * straight.1,
        "distance {planned:?} {straight:?}"
    );
    assert!(
        planned.2 < 0.25 * straight.2,
        "variance {planned:?} {straight:?}"
    );
    assert!(planned.3 > 0.9, "light {planned:?} {straight:?}");
}

#[test]
fn the_plan_of_beliefs_is_a_local_optimum() {
    let model = LightDark2d::new(&LightDark2dArgs::default()).unwrap();
    let start = GaussianBelief::start();
    let plan = plan_beliefs(&model, start, model.horizon);
    let cost = |controls: &[[f64; 2]]| {
        let (mut belief, mut cost) = (start, 0.0);
        for (t, &u) in (1..).zip(controls) {
            belief = belief.foreseen(&model, u);
            let [a, b] = belief.mean;
            cost += model.weight(t) * (a * a + b * b + 2.0 * belief.variance)
                + LightDark2d::CONTROL_COST * (u[0] * u[0] + u[1] * u[1]);
        }
        cost
    };
    assert!((cost(&plan.controls) - plan.cost).abs() < 1e-9 * plan.cost);
    // No small change of one control gains anything worth the name.
    for t in 0..plan.controls.len() {
        for (i, change) in [(0, 0.01), (0, -0.01), (1, 0.01), (1, -0.01)] {
            let mut other = plan.controls.clone();
            other[t][i] += change;
            assert!(cost(&other) > plan.cost * (1.0 - 1e-4), "step {t}");
        }
    }
}
