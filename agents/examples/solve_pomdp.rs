//! Solves an environment with SARSOP and prints the bounds as they close.
//!
//! ```text
//! cargo run --release -p palaestra-agents --example solve_pomdp -- tag-v1 '{}' 30 0.001
//! ```
//!
//! The arguments: an environment with an explicit model (`pomdp_file-v1` with `{"path": "…"}` for a file), its arguments
//! as JSON, the longest time in seconds, and the gap to reach.

#![expect(clippy::print_stdout, reason = "it is for reading")]

use std::{error::Error, time::Instant};

use palaestra_agents::pomdp::planning::{Sarsop, SarsopSettings, Solver};
use palaestra_envs::{
    pomdp::Pomdp,
    sim::{Model, Simulator},
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [id, args, seconds, precision] = args.as_slice() else {
        return Err("give environment, arguments, seconds, precision".into());
    };
    let (seconds, precision): (f64, f64) = (seconds.parse()?, precision.parse()?);
    let env = palaestra_envs::registry().build(id, &serde_json::from_str(args)?)?;
    let simulator = Simulator::builder(env).build()?;
    let model = simulator
        .spec()
        .model
        .as_ref()
        .and_then(Model::get::<Pomdp>);
    let model = model.ok_or("the environment has no explicit model")?;

    let begin = Instant::now();
    let settings = SarsopSettings {
        precision,
        ..SarsopSettings::default()
    };
    let mut solver = Sarsop::new(model, settings)?;
    let mut next = 0.0;
    loop {
        let (time, done) = (begin.elapsed().as_secs_f64(), solver.converged());
        let stop = done || time >= seconds;
        if stop || time >= next {
            let p = solver.progress();
            let (beliefs, vectors) = solver.sizes();
            println!(
                "{time:9.4} s  iteration {:6}  [{:.6}, {:.6}]  {beliefs} beliefs, {vectors} vectors",
                p.iteration, p.lower, p.upper
            );
            next = time * 1.5 + 0.01;
        }
        if stop {
            return Ok(());
        }
        solver.step();
    }
}
