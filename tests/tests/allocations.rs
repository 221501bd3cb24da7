//! After warm-up a step allocates nothing: not in any environment, not with wrappers, bandit
//! learners or plans around it; nor does an iteration of a solver of games.

use std::sync::Arc;

use palaestra_agents::{
    AgentContext, StepView,
    bandits::planning::PLANNERS,
    equilibrium::{
        Apo, BimatrixGame, Cfr, CfrVariant, Egpo, ExtensiveFictitiousPlay, ExtensiveGame,
        FictitiousPlay, IpoMd, McSampling, Mccfr, NashMd, PreferenceGame, PreferenceLearner,
        RegretMatching, RegretVariant, Replicator, Rule, SampledEgpo, Solver, Updates,
    },
};
use palaestra_envs::{
    market::{
        book::{Book, BookConfig, Rules},
        event::Ignore,
    },
    registry,
    sim::{Selection, Simulator},
    stream::Stream,
};
use rand::RngExt;
use serde_json::{Value, json};

#[path = "../../envs/src/market/book/tests/steps.rs"]
#[allow(unreachable_pub, reason = "other crates include this file as well")]
mod steps;

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
        // Draws new matrices and resets inner environments where an episode or a trial begins, within a step.
        if entry.id == "task_set-v1" {
            continue;
        }
        // Words are put together anew.
        if entry.id.ends_with("_text-v1") {
            continue;
        }
        let plugin = entry.build(&Value::Null).unwrap();
        let simulator = Simulator::builder(plugin).rows(ROWS).build().unwrap();
        assert_eq!(allocations_per_run(simulator), 0, "{}", entry.id);
    }
}

/// Allocations in a hundred iterations after a hundred others.
fn allocations_of_a_solver(mut solver: impl Solver) -> u64 {
    solver.run(100);
    allocation_counter::measure(|| solver.run(100)).count_total
}

#[test]
fn solvers_of_games_do_not_allocate_in_an_iteration() {
    let tree = Arc::new(ExtensiveGame::kuhn_poker().unwrap());
    for variant in [
        CfrVariant::Vanilla,
        CfrVariant::Plus,
        CfrVariant::DISCOUNTED,
    ] {
        let cfr = Cfr::new(tree.clone(), variant, Updates::Alternating).unwrap();
        assert_eq!(allocations_of_a_solver(cfr), 0, "{variant:?}");
    }
    for sampling in [McSampling::External, McSampling::OUTCOME] {
        let solver = Mccfr::new(tree.clone(), sampling, 1).unwrap();
        assert_eq!(allocations_of_a_solver(solver), 0, "{sampling:?}");
    }
    assert_eq!(
        allocations_of_a_solver(ExtensiveFictitiousPlay::new(tree)),
        0
    );
    let preferences = Arc::new(PreferenceGame::random(10, 7));
    let table = Arc::new(BimatrixGame::of_preferences(&preferences));
    let matching = RegretMatching::new(table.clone(), RegretVariant::MatchingPlus).unwrap();
    assert_eq!(allocations_of_a_solver(matching), 0);
    let replicator = Replicator::projected(table.clone()).unwrap();
    assert_eq!(allocations_of_a_solver(replicator), 0);
    assert_eq!(allocations_of_a_solver(FictitiousPlay::new(table)), 0);
    assert_eq!(allocations_of_a_learner(&preferences, NashMd::default()), 0);
    assert_eq!(allocations_of_a_learner(&preferences, Egpo::default()), 0);
    assert_eq!(
        allocations_of_a_learner(&preferences, SampledEgpo::new(1)),
        0
    );
    assert_eq!(allocations_of_a_learner(&preferences, IpoMd::default()), 0);
    assert_eq!(
        allocations_of_a_learner(&preferences, Apo::new(0.1, 0.3)),
        0
    );
}

fn allocations_of_a_learner(game: &Arc<PreferenceGame>, rule: impl Rule) -> u64 {
    allocations_of_a_solver(PreferenceLearner::new(game.clone(), rule).unwrap())
}

#[test]
fn the_counter_counts() {
    assert_eq!(
        allocation_counter::measure(|| drop(vec![1, 2, 3])).count_total,
        1
    );
}

/// Messages of every kind: orders of all types, changes, cancellations, phases and auctions.
#[test]
fn an_order_book_does_not_allocate_for_a_message() {
    let mut book = Book::new(BookConfig {
        rules: Rules {
            tick: 5,
            ..Rules::default()
        },
        capacity: 400,
        window: 128,
        ..BookConfig::default()
    })
    .unwrap();
    let (mut rng, mut last_id) = (Stream::new(3, 0, "messages"), 0);
    let mut allocations = 0;
    for time in 0..400_000 {
        let step = steps::step(&mut |n| rng.random_range(0..n), &mut last_id, 5);
        let counted = allocation_counter::measure(|| match step {
            steps::Step::Submit(message) => {
                book.submit(time, &message, &mut Ignore);
            }
            steps::Step::Phase(phase, reference) => {
                book.uncross(time, reference, &mut Ignore);
                book.set_phase(time, phase, &mut Ignore);
            }
        });
        if time >= 200_000 {
            allocations += counted.count_total;
        }
    }
    assert_eq!(allocations, 0);
}

/// In how many of `MEASURED` rounds an agent allocates that plays a warmed-up bandit, its part and the environment's.
fn rounds_with_allocations(env: &Value, id: &str, args: &Value) -> usize {
    let agents = palaestra_agents::registry();
    let entry = agents.get(id).unwrap();
    let plugin = registry().build("lsd_bandit-v1", env).unwrap();
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
    let mut agent = entry.build(&context, args).unwrap();
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
    (0..MEASURED)
        .filter(|_| allocation_counter::measure(&mut round).count_total > 0)
        .count()
}

#[test]
fn bandit_learners_do_not_allocate_in_a_round() {
    for id in [
        "ucb1",
        "kl_ucb",
        "thompson_beta",
        "thompson_gaussian",
        "exp3",
        "exp3_ix",
        "d_ucb",
        "sw_ucb",
        "epsilon_greedy",
        "uniform",
        "fixed",
        "round_robin",
        "oracle_greedy",
        "ucb_greedy",
        "ucb_z",
        "rgp_ucb",
        "rgp_ts",
        "state_aware",
    ] {
        let rounds = rounds_with_allocations(&Value::Null, id, &Value::Null);
        assert_eq!(rounds, 0, "{id}");
    }
}

/// Every planner's policy, with one play and, where it can, with two.
#[test]
fn plans_are_played_without_allocations() {
    let one = json!({ "preset": "log3", "horizon": 3000 });
    for planner in PLANNERS {
        let rounds = rounds_with_allocations(&one, "planner", &json!({ "planner": planner.id }));
        assert_eq!(rounds, 0, "{}", planner.id);
    }
    let two = json!({ "preset": "geo5k2", "horizon": 3000 });
    for planner in [
        json!({ "planner": "greedy" }),
        json!({ "planner": "look_ahead", "depth": 3 }),
        json!({ "planner": "exact" }),
        json!({ "planner": "virtual_cycles" }),
        json!({ "planner": "virtual_cycles", "score": "actual" }),
        json!({ "planner": "virtual_cycles", "phases": { "random": { "seed": 1 } } }),
        json!({ "planner": "best" }),
    ] {
        let rounds = rounds_with_allocations(&two, "planner", &planner);
        assert_eq!(rounds, 0, "{planner}");
    }
}

/// Learners that plan allocate when they make a plan, and in no other round. All rows plan in the same rounds.
#[test]
fn learners_that_plan_allocate_for_plans_only() {
    let env = json!({ "preset": "log3", "horizon": 3000 });
    let block = json!({ "block": 5 });
    // From round 1500 on, plans for bounds or samples are 38 and more rounds apart; blocks have 5 rounds, or with all
    // three arms before them 8; what was explored is planned for once, long before; circles are compared rarely.
    for (id, args, plans) in [
        ("ucb_lsd", json!({ "monotone": true }), 14),
        ("thompson_lsd", json!({ "monotone": true }), 14),
        ("etc_lsd", json!({ "horizon": 1000 }), 0),
        ("isi_comb_ucb1", block.clone(), 100),
        ("comb_ucb1", block.clone(), 100),
        ("calibrated_comb_ucb1", block, 63),
        ("ranking_learner", Value::Null, 3),
    ] {
        let rounds = rounds_with_allocations(&env, id, &args);
        assert!(rounds <= plans, "{id}: {rounds} rounds, {plans} plans");
    }
}
