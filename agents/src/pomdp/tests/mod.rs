mod on_particles;

use palaestra_envs::{
    sim::{Selection, Simulator},
    wrappers::DelayObservation,
};
use serde_json::{Value, json};

use super::planning::{AlphaPolicy, Sarsop, SarsopSettings, Solver};
use crate::{Agent, AgentContext, AgentError, StepView, conformance, registry};

fn simulator(env: &str, args: &Value, rows: usize) -> Simulator {
    let env = palaestra_envs::registry().build(env, args).unwrap();
    let mut simulator = Simulator::builder(env).rows(rows).seed(11).build().unwrap();
    simulator.reset().unwrap();
    simulator
}

fn context(simulator: &Simulator) -> AgentContext {
    AgentContext {
        env: simulator.spec().clone(),
        players: vec![0],
        rows: simulator.rows(),
        seed: 3,
        total_steps: 0,
    }
}

fn agent(id: &str, args: &Value, simulator: &Simulator) -> Result<Box<dyn Agent>, AgentError> {
    registry().get(id).unwrap().build(&context(simulator), args)
}

/// Mean return of the episodes that end within `steps` steps of all rows.
fn mean_return(agent: &mut dyn Agent, simulator: &mut Simulator, steps: usize) -> f64 {
    let rows = Selection::all(simulator.rows());
    let (mut sum, mut count) = (0.0, 0);
    for _ in 0..steps {
        let (view, actions) = simulator.border_mut().act_view(0);
        agent.act(&view, &rows, actions).unwrap();
        simulator.step().unwrap();
        let border = simulator.border();
        let view = StepView {
            player: 0,
            rows: &rows,
            border,
        };
        agent.observe(&view).unwrap();
        for row in rows.rows().filter(|&row| border.ended(row)) {
            sum += border.player(0).final_return[row];
            count += 1;
        }
    }
    sum / f64::from(count)
}

#[test]
fn every_planner_is_an_agent_that_conforms() {
    let registry = registry();
    let quick = |id: &str| match id {
        "pomcp" => json!({"simulations": 30}),
        "despot" => json!({"scenarios": 20, "trials": 5, "depth": 10}),
        "pbvi" => json!({"iterations": 4}),
        "sarsop" => json!({"iterations": 50}),
        _ => Value::Null,
    };
    for id in [
        "qmdp",
        "fib",
        "blind",
        "most_likely_state",
        "incremental_pruning",
        "pbvi",
        "sarsop",
        "pomcp",
        "despot",
    ] {
        for env in ["tiger-v1", "t_maze-v1"] {
            if (id, env) == ("incremental_pruning", "t_maze-v1") {
                continue; // Too many vectors for an exact solution.
            }
            let make = || palaestra_envs::registry().build(env, &Value::Null);
            let report = conformance::check(registry.get(id).unwrap(), &quick(id), make);
            assert!(report.passed(), "{id} on {env}: {report}");
        }
    }
}

#[test]
fn the_agent_earns_what_the_solver_promises() {
    // In the T-maze from its first cell every optimal policy earns 4, undiscounted.
    let args = json!({"start": "first_cell"});
    let mut maze = simulator("t_maze-v1", &args, 8);
    for id in ["sarsop", "pbvi", "qmdp", "fib", "most_likely_state"] {
        let mut player = agent(id, &Value::Null, &maze).unwrap();
        let mean = mean_return(&mut *player, &mut maze, 100);
        assert!((mean - 4.0).abs() < 1e-6, "{id}: {mean}");
        maze.reset().unwrap();
    }
    let mut rocks = simulator("rock_sample-v1", &Value::Null, 20);
    let mut planner = agent("sarsop", &Value::Null, &rocks).unwrap();
    let planned = mean_return(&mut *planner, &mut rocks, 400);
    let mut rocks = simulator("rock_sample-v1", &Value::Null, 20);
    let mut blind = agent("blind", &Value::Null, &rocks).unwrap();
    let blind = mean_return(&mut *blind, &mut rocks, 400);
    assert!(
        planned > 22.0 && (blind - 10.0).abs() < 1e-6,
        "{planned} {blind}"
    );
}

#[test]
fn a_policy_from_a_file_plays_as_the_solver_does() {
    let mut maze = simulator("t_maze-v1", &Value::Null, 4);
    let model = super::model_of("test", &context(&maze)).unwrap();
    let mut solver = Sarsop::new(model.clone(), SarsopSettings::default()).unwrap();
    solver.run(200);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.json");
    std::fs::write(&file, solver.policy().to_json(&model).unwrap()).unwrap();
    let args = json!({"policy": file});
    let mut from_file = agent("alpha_vectors", &args, &maze).unwrap();
    let mean = mean_return(&mut *from_file, &mut maze, 200);
    assert!(mean > 3.5, "{mean}");
    let tiger = simulator("tiger-v1", &Value::Null, 1);
    let error = agent("alpha_vectors", &args, &tiger)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("policy.json: ") && error.contains("it is a policy for another model"),
        "{error}"
    );
    assert!(
        AlphaPolicy::from_json(&std::fs::read_to_string(file).unwrap(), &model)
            .unwrap()
            .len()
            > 1
    );
}

#[test]
fn what_cannot_be_played_is_refused_with_the_reason() {
    let cartpole = simulator("cartpole-v1", &Value::Null, 1);
    let error = agent("qmdp", &Value::Null, &cartpole)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("a POMDP with tables, which there is none of here"),
        "{error}"
    );
    let tiger = simulator("tiger-v1", &json!({"discount": 1.0}), 1);
    let error = agent("sarsop", &Value::Null, &tiger)
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("needs a discount below 1"), "{error}");
    let tiger = simulator("tiger-v1", &Value::Null, 1);
    for (id, args, message) in [
        (
            "pomcp",
            json!({"simulations": 0}),
            "`simulations`: must be at least 1",
        ),
        (
            "despot",
            json!({"gap_share": 0.0}),
            "`gap_share`: 0 is not a number above 0",
        ),
        (
            "sarsop",
            json!({"precision": -1.0}),
            "`precision`: -1 is not a number above 0",
        ),
    ] {
        assert_eq!(agent(id, &args, &tiger).err().unwrap().to_string(), message);
    }
}

#[test]
fn a_planner_does_not_play_where_observations_come_late() {
    let env = palaestra_envs::registry()
        .build("tiger-v1", &Value::Null)
        .unwrap();
    let late = DelayObservation {
        delay: 1,
        players: Vec::new(),
    };
    let late = Simulator::builder(env).wrap(late).build().unwrap();
    let error = agent("qmdp", &Value::Null, &late).err().unwrap();
    assert!(error.to_string().contains("wrappers"), "{error}");
}
