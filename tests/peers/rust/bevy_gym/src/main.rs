//! Steps per second of `bevy-gym` on CartPole with random actions and its own automatic reset, one thread.
//!
//! The crate ships the batch host (`BevyGymPlugin`) and no environment, so CartPole is written here
//! against its trait, in the form that costs the host least: `f32` state and an observation that lives
//! inline (`[f32; 4]`, no allocation a step). `headless()` leaves Bevy's fixed clock at 64 ticks a
//! second; the comparison drives the clock by hand instead, one tick an update, and runs every schedule
//! on the single-threaded executor, which is faster with one core.

use std::error::Error;

use bevy::app::{TaskPoolOptions, TaskPoolPlugin};
use bevy::ecs::schedule::{ExecutorKind, Schedules};
use bevy::prelude::*;
use bevy::time::{TimePlugin, TimeUpdateStrategy};
use bevy_gym::{BevyGymPlugin, EnvStats, GymSet, PendingAction};
use measure::{Bits, Options};
use rl_traits::{Environment, EpisodeStatus, StepResult};

const VERSION: &str = "0.3.3";
const MAX_STEPS: u32 = 500;

/// CartPole-v1 with its state as Gymnasium has it: position, velocity, angle, angular velocity.
struct CartPole {
    state: [f32; 4],
    steps: u32,
    bits: Bits,
}

impl CartPole {
    fn new(row: usize) -> Self {
        Self {
            state: [0.0; 4],
            steps: 0,
            bits: Bits::new(row as u64),
        }
    }
}

impl Environment for CartPole {
    type Observation = [f32; 4];
    type Action = u8;
    type Info = ();

    fn reset(&mut self, seed: Option<u64>) -> ([f32; 4], ()) {
        if let Some(seed) = seed {
            self.bits = Bits::new(seed);
        }
        for value in &mut self.state {
            *value = self.bits.next_start();
        }
        self.steps = 0;
        (self.state, ())
    }

    fn step(&mut self, action: u8) -> StepResult<[f32; 4], ()> {
        const TAU: f32 = 0.02;
        let [x, x_dot, theta, theta_dot] = self.state;
        let force = if action == 1 { 10.0 } else { -10.0 };
        let (sin, cos) = theta.sin_cos();
        let push = (force + 0.05 * theta_dot * theta_dot * sin) / 1.1;
        let theta_acc = (9.8 * sin - cos * push) / (0.5 * (4.0 / 3.0 - 0.1 * cos * cos / 1.1));
        let x_acc = push - 0.05 * theta_acc * cos / 1.1;
        self.state = [
            x + TAU * x_dot,
            x_dot + TAU * x_acc,
            theta + TAU * theta_dot,
            theta_dot + TAU * theta_acc,
        ];
        self.steps += 1;
        let status = if self.state[0].abs() > 2.4 || self.state[2].abs() > 12_f32.to_radians() {
            EpisodeStatus::Terminated
        } else if self.steps >= MAX_STEPS {
            EpisodeStatus::Truncated
        } else {
            EpisodeStatus::Continuing
        };
        StepResult::new(self.state, 1.0, status, ())
    }

    fn sample_action(&self, rng: &mut impl rand::Rng) -> u8 {
        rng.gen_range(0..2)
    }
}

/// The random policy's bits and the word in use.
#[derive(Resource)]
struct Policy(Bits);

/// Writes a fresh fair action to every row: one pass over the column, no look-up by entity.
fn random_policy(mut policy: ResMut<Policy>, mut rows: Query<&mut PendingAction<CartPole>>) {
    let mut word = 0;
    for (i, mut pending) in rows.iter_mut().enumerate() {
        if i % 64 == 0 {
            word = policy.0.next_word();
        }
        pending.action = Some((word & 1) as u8);
        word >>= 1;
    }
}

/// Steps taken and episodes ended since the start, over all rows.
fn totals(app: &mut App) -> (usize, usize) {
    let world = app.world_mut();
    let mut stats = world.query::<&EnvStats>();
    stats.iter(world).fold((0, 0), |(steps, episodes), row| {
        (steps + row.total_steps, episodes + row.total_episodes)
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::from_args()?;
    let mut app = App::new();
    app.add_plugins((
        TaskPoolPlugin {
            task_pool_options: TaskPoolOptions::with_num_threads(1),
        },
        TimePlugin,
        BevyGymPlugin::new(CartPole::new, options.rows).headless(),
    ))
    .insert_resource(TimeUpdateStrategy::FixedTimesteps(1))
    .insert_resource(Policy(Bits::new(1)))
    .add_systems(FixedUpdate, random_policy.before(GymSet::Step));
    for (_, schedule) in app.world_mut().resource_mut::<Schedules>().iter_mut() {
        schedule.set_executor_kind(ExecutorKind::SingleThreaded);
    }
    app.finish();
    app.cleanup();

    // The first update spawns the rows; its clock stands still. The second one must step them all.
    app.update();
    let before = totals(&mut app).0;
    app.update();
    if totals(&mut app).0 - before != options.rows {
        return Err("one update did not step every row once".into());
    }

    let repetitions = measure::repeat(options, || app.update());
    let (steps, episodes) = totals(&mut app);
    let length = steps as f64 / episodes.max(1) as f64;
    let form = "BevyGymPlugin, one tick an update";
    println!(
        "{}",
        measure::document("bevy-gym", VERSION, form, options, &repetitions, length)
    );
    Ok(())
}
