//! After warm-up a step allocates nothing: not in any environment, not with wrappers or bandit learners around it.

use palaestra_agents::{AgentContext, StepView};
use palaestra_envs::{
    registry,
    sim::{Selection, Simulator},
    stream::Stream,
};
use serde_json::Value;

const ROWS: usize = 32;
const WARM_UP: usize = 1500;
const MEASURED: usize = 500;

/// Allocations in `MEASURED` steps of a warmed-up simulator; the random actions are drawn outside.
fn allocations_per_run(mut simulator: Simulator) -> u64 {
    let spec = simulator.spec().clone();
    let mut rng = Stream::new(1, 0, "actions");
    let mut allocations = 0;
    simulator.reset().unwrap();
    for step in 0..WARM_UP + MEASURED {
        for (player, p) in spec.players.iter().enumerate() {
            let (view, actions) = simulator.border_mut().act_view(player);
            for row in (0..ROWS).filter(|&row| view.acting[row]) {
                p.action
                    .sample_row(actions, row, view.mask_row(row), &mut rng)
                    .unwrap();
            }
        }
        let counted = allocation_counter::measure(|| simulator.step().unwrap());
        if step >= WARM_UP {
            allocations += counted.count_total;
        }
    }
    allocations
}

#[test]
fn no_environment_allocates_in_a_step() {
    for entry in registry().iter() {
        let plugin = entry.build(&Value::Null).unwrap();
        let simulator = Simulator::builder(plugin).rows(ROWS).build().unwrap();
        assert_eq!(allocations_per_run(simulator), 0, "{}", entry.id);
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(
        allocation_counter::measure(|| drop(vec![1, 2, 3])).count_total,
        1
    );
}

#[test]
fn bandit_learners_do_not_allocate_in_a_round() {
    let agents = palaestra_agents::registry();
    for id in [
        "ucb1",
        "thompson_beta",
        "exp3",
        "epsilon_greedy",
        "uniform",
        "ucb_greedy",
        "ucb_z",
        "rgp_ucb",
        "rgp_ts",
        "state_aware",
    ] {
        let entry = agents.get(id).unwrap();
        let plugin = registry().build("lsd_bandit-v1", &Value::Null).unwrap();
        let mut builder = Simulator::builder(plugin).rows(ROWS);
        for name in &entry.info {
            builder = builder.info(name);
        }
        let mut simulator = builder.build().unwrap();
        let context = AgentContext {
            env: simulator.spec().clone(),
            players: vec![0],
            rows: ROWS,
            seed: 1,
            total_steps: 1_000_000,
        };
        let mut agent = entry.build(&context, &Value::Null).unwrap();
        let rows = Selection::all(ROWS);
        simulator.reset().unwrap();
        let mut round = || {
            let (view, actions) = simulator.border_mut().act_view(0);
            agent.act(&view, &rows, actions).unwrap();
            simulator.step().unwrap();
            let view = StepView {
                player: 0,
                rows: &rows,
                border: simulator.border(),
            };
            agent.observe(&view).unwrap();
        };
        (0..WARM_UP).for_each(|_| round());
        let counted = allocation_counter::measure(|| (0..MEASURED).for_each(|_| round()));
        assert_eq!(counted.count_total, 0, "{id}");
    }
}
