//! An environment with one of everything, and a plain recorder to compare with.

use std::sync::Arc;

use palaestra_envs::{
    sim::{
        EnvSpec, Environment, Lane, PlayerSpec, RowObservation, RowPlugin, RowStep, Simulator,
        Turns,
    },
    space::{BoxSpace, Columns, DType, Space},
    stream::Stream,
};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::episodes::{Ending, Episode};

/// Two players take turns at doing nothing in particular, in spaces of every kind.
pub(crate) struct Zoo;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ZooState {
    step: u32,
    length: u32,
    bits: u64,
}

fn boxed(dtype: DType, shape: &[usize], low: f64, high: f64) -> Space {
    let width = shape.iter().product();
    Space::Box(BoxSpace {
        dtype,
        shape: shape.to_vec(),
        low: vec![low; width],
        high: vec![high; width],
    })
}

impl Environment for Zoo {
    type State = ZooState;

    fn spec(&self) -> EnvSpec {
        let hand = Space::Dict(vec![
            (
                "cards".into(),
                Space::MultiDiscrete {
                    nvec: vec![3, 200, 7],
                },
            ),
            ("seen".into(), Space::multi_binary(5)),
        ]);
        let observation = Space::Dict(vec![
            ("image".into(), boxed(DType::Uint8, &[2, 3], 0.0, 255.0)),
            ("nothing".into(), Space::vector(0, 0.0, 0.0)),
            (
                "price".into(),
                Space::vector(1, f64::NEG_INFINITY, f64::INFINITY),
            ),
            ("hand".into(), hand),
            ("message".into(), Space::text(40)),
        ]);
        let action = Space::Tuple(vec![
            Space::Discrete { n: 4, start: -2 },
            boxed(DType::Float64, &[3], -1.0, f64::INFINITY),
            Space::text(5),
        ]);
        let mut spec = EnvSpec::single("zoo-v0", "one of everything", observation, action);
        let second = PlayerSpec::new("second", Space::discrete(9), Space::vector(2, -1.0, 1.0));
        spec.players.push(second);
        spec.turns = Turns::Changing;
        spec
    }

    fn reset(&self, rng: &mut Stream, options: &Value) -> Result<ZooState, String> {
        let length = match options.get("length") {
            Some(length) => length.as_u64().ok_or("`length` must be a number")? as u32,
            None => rng.random_range(1..20),
        };
        Ok(ZooState {
            step: 0,
            length,
            bits: rng.next_u64(),
        })
    }

    fn step(&self, state: &mut ZooState, step: &mut RowStep<'_>, rng: &mut Stream) {
        state.step += 1;
        state.bits = rng.next_u64();
        step.reward(0, f32::from_bits(rng.next_u32() & 0x7f7f_ffff));
        step.reward(
            1,
            if state.bits.is_multiple_of(5) {
                f32::NAN
            } else {
                -0.0
            },
        );
        if state.step == state.length {
            if state.bits.is_multiple_of(2) {
                step.terminate();
            } else {
                step.truncate();
            }
        }
    }

    fn observe(&self, state: &ZooState, player: usize, out: &mut RowObservation<'_>) {
        let bits = state.bits;
        if player == 1 {
            out.i32(0)[0] = (bits % 9) as i32;
            return;
        }
        out.u8(0).copy_from_slice(&bits.to_le_bytes()[..6]);
        // Any bits, NaN with a payload among them.
        out.f32(2)[0] = f32::from_bits(bits as u32);
        out.i32(3)
            .copy_from_slice(&[(bits % 3) as i32, (bits % 200) as i32, 0]);
        out.u8(4).fill((bits % 2) as u8);
        *out.text(5) = match bits % 3 {
            0 => String::new(),
            _ => format!("{bits:x} naïve ☃"),
        };
    }

    fn acts(&self, state: &ZooState, player: usize) -> bool {
        (state.step as usize + player).is_multiple_of(2)
    }
}

pub(crate) fn zoo(rows: usize, seed: u64) -> Simulator {
    Simulator::builder(RowPlugin::new(Zoo))
        .rows(rows)
        .seed(seed)
        .build()
        .unwrap()
}

pub(crate) fn registered(id: &str, rows: usize, seed: u64) -> Simulator {
    let plugin = palaestra_envs::registry().build(id, &Value::Null).unwrap();
    Simulator::builder(plugin)
        .rows(rows)
        .seed(seed)
        .build()
        .unwrap()
}

/// Puts random actions in the border for the players that are to act.
pub(crate) fn choose(simulator: &mut Simulator, rng: &mut Stream) {
    let spec = simulator.spec().clone();
    for (index, player) in spec.players.iter().enumerate() {
        for row in 0..simulator.rows() {
            let border = simulator.border_mut().player_mut(index);
            if !border.acting[row] {
                continue;
            }
            let mask = border.mask_row(row).to_vec();
            player
                .action
                .sample_row(border.action_mut(), row, &mask, rng)
                .unwrap();
        }
    }
}

/// An episode recorded the plain way: a copy of each row of each buffer.
#[derive(Clone)]
pub(crate) struct Plain {
    pub(crate) row: usize,
    pub(crate) lane: Lane,
    pub(crate) ending: Ending,
    /// For each player and step.
    observations: Vec<Vec<Columns>>,
    actions: Vec<Vec<Columns>>,
    rewards: Vec<Vec<f32>>,
    acted: Vec<Vec<bool>>,
}

/// Records all episodes of a batch.
pub(crate) struct PlainRecorder {
    open: Vec<Plain>,
    pub(crate) ended: Vec<Plain>,
}

fn one_row(columns: &Columns, row: usize) -> Columns {
    let mut one = columns.with_rows(1);
    one.copy_row(0, columns, row);
    one
}

impl Plain {
    fn open(simulator: &Simulator, row: usize) -> Self {
        let players = &simulator.border().players;
        let first = players.iter().map(|p| vec![one_row(p.observation(), row)]);
        Self {
            row,
            lane: simulator.lane(row).unwrap(),
            ending: Ending::Cut,
            observations: first.collect(),
            actions: vec![Vec::new(); players.len()],
            rewards: vec![Vec::new(); players.len()],
            acted: vec![Vec::new(); players.len()],
        }
    }

    pub(crate) fn length(&self) -> usize {
        self.rewards[0].len()
    }

    /// Asserts that `episode` is this one, bit for bit.
    pub(crate) fn assert_is(&self, episode: &Episode) {
        let info = &episode.info;
        assert_eq!(
            (info.row, info.lane, info.ending),
            (self.row, self.lane, self.ending)
        );
        assert_eq!(info.length, self.length());
        for (index, player) in episode.players.iter().enumerate() {
            assert_eq!(player.observation.rows(), self.length() + 1);
            for (step, one) in self.observations[index].iter().enumerate() {
                assert!(
                    player.observation.row_bits_equal(step, one, 0),
                    "observation {step} of {}",
                    player.name
                );
            }
            for (step, one) in self.actions[index].iter().enumerate() {
                assert!(player.action.row_bits_equal(step, one, 0), "action {step}");
            }
            let bits = |v: &[f32]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&player.reward), bits(&self.rewards[index]));
            assert_eq!(player.acted, self.acted[index]);
            let sum: f64 = self.rewards[index].iter().map(|&r| f64::from(r)).sum();
            assert_eq!(info.returns[index].to_bits(), (0.0 + sum).to_bits());
        }
        for step in 0..info.length {
            let last = step + 1 == info.length;
            assert_eq!(episode.terminated(step), last && self.ending.terminated());
            assert_eq!(episode.truncated(step), last && self.ending.truncated());
        }
    }
}

impl PlainRecorder {
    pub(crate) fn begin(simulator: &Simulator) -> Self {
        Self {
            open: (0..simulator.rows())
                .map(|row| Plain::open(simulator, row))
                .collect(),
            ended: Vec::new(),
        }
    }

    pub(crate) fn step(&mut self, simulator: &Simulator) {
        let border = simulator.border();
        for row in 0..simulator.rows() {
            let open = &mut self.open[row];
            for (index, p) in border.players.iter().enumerate() {
                let next = border.next_observation(index, row);
                open.observations[index].push(one_row(next, row));
                open.actions[index].push(one_row(p.action(), row));
                open.rewards[index].push(p.reward[row]);
                open.acted[index].push(p.acted[row]);
            }
            if border.ended(row) {
                open.ending = if border.terminated[row] {
                    Ending::Terminated
                } else {
                    Ending::Truncated
                };
                let next = Plain::open(simulator, row);
                self.ended
                    .push(std::mem::replace(&mut self.open[row], next));
            }
        }
    }

    /// All episodes in the log's order; those under way are cut.
    pub(crate) fn finish(self) -> Vec<Plain> {
        let cut = self.open.into_iter().filter(|open| open.length() > 0);
        self.ended.into_iter().chain(cut).collect()
    }
}

/// A recorder of everything, with small segments.
pub(crate) fn recorder(
    folder: &std::path::Path,
    simulator: &Simulator,
    segment_steps: usize,
) -> crate::episodes::Recorder {
    use crate::episodes::{Choice, EpisodeKind, Recorder};
    let spec: &Arc<EnvSpec> = simulator.spec();
    let choice = Choice::first(u64::MAX);
    let folder = folder.join("episodes");
    Recorder::create(&folder, EpisodeKind::Train, choice, spec, simulator.rows())
        .unwrap()
        .with_segment_steps(segment_steps)
}
