//! Steps per second of `thrust-rl`'s CartPole with random actions and resets, one thread.
//!
//! The crate offers one batch form, `EnvPool` (rayon over a `Vec` of environments); it leaves resets to
//! the caller (`reset_env`). A plain loop over a `Vec<CartPole>` is timed too, because without threads
//! it may be the faster of the two: the better form counts.

use std::error::Error;
use std::hint::black_box;

use measure::{Bits, Options};
use thrust_rl::env::Environment;
use thrust_rl::env::cartpole::CartPole;
use thrust_rl::env::pool::EnvPool;

const VERSION: &str = "0.4.0";

/// Steps and ended episodes so far: their ratio is the mean episode length.
#[derive(Default)]
struct Count {
    steps: u64,
    episodes: u64,
}

/// One call = one step of all rows through the pool, then a reset of the rows that ended.
fn pool(options: Options, count: &mut Count) -> Vec<f64> {
    let mut pool = EnvPool::new(CartPole::new, options.rows);
    let mut bits = Bits::new(1);
    let mut actions = vec![0_i64; options.rows];
    black_box(pool.reset());
    measure::repeat(options, || {
        bits.fill(&mut actions);
        let mut results = pool.step(&actions);
        for (row, result) in results.iter_mut().enumerate() {
            if result.terminated || result.truncated {
                // The pool always knows its own rows, so this cannot fail.
                if let Ok(observation) = pool.reset_env(row) {
                    result.observation = observation;
                }
                count.episodes += 1;
            }
        }
        count.steps += options.rows as u64;
        black_box(&results);
    })
}

/// The same without the pool: each environment is stepped in turn, results go to a reused buffer.
fn plain(options: Options, count: &mut Count) -> Vec<f64> {
    let mut envs: Vec<CartPole> = (0..options.rows).map(|_| CartPole::new()).collect();
    let mut bits = Bits::new(1);
    let mut actions = vec![0_i64; options.rows];
    let mut results = Vec::with_capacity(options.rows);
    envs.iter_mut().for_each(Environment::reset);
    measure::repeat(options, || {
        bits.fill(&mut actions);
        results.clear();
        for (env, action) in envs.iter_mut().zip(&actions) {
            let mut result = env.step(*action);
            if result.terminated || result.truncated {
                env.reset();
                let [x, x_dot, theta, theta_dot] = env.get_state();
                result
                    .observation
                    .copy_from_slice(&[x, x_dot, theta, theta_dot]);
                count.episodes += 1;
            }
            results.push(result);
        }
        count.steps += options.rows as u64;
        black_box(&results);
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::from_args()?;
    // All of it runs inside a one-thread pool: no hand-over between threads is ever timed.
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let document = threads.install(|| {
        let (mut with_pool, mut without) = (Count::default(), Count::default());
        let pool = pool(options, &mut with_pool);
        let plain = plain(options, &mut without);
        let (form, repetitions, count) = if measure::best(&pool) >= measure::best(&plain) {
            ("EnvPool", pool, with_pool)
        } else {
            ("loop over Vec<CartPole>", plain, without)
        };
        let length = count.steps as f64 / count.episodes.max(1) as f64;
        measure::document("thrust-rl", VERSION, form, options, &repetitions, length)
    });
    println!("{document}");
    Ok(())
}
