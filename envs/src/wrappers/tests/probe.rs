//! An environment that shows what reached it, and helpers to drive simulators.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    registry,
    sim::{
        EnvSpec, Environment, InfoField, InfoKind, Plugin, RowObservation, RowPlugin, RowStep,
        Simulator, SimulatorBuilder,
    },
    space::{BoxSpace, ColumnData, DType, Space},
    stream::Stream,
    wrappers::WrapperConfig,
};

/// Counts steps and terminates after `length` of them, with reward `step` in each. Shows every kind of leaf: `real`
/// (step, last action's first element, a number drawn at reset), `double`, `kind`, `bits`, `image`, and `text` if
/// wanted.
pub(super) struct Probe {
    pub(super) length: u32,
    pub(super) action: Space,
    pub(super) text: bool,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    step: u32,
    action: f64,
    drawn: f32,
}

impl Environment for Probe {
    type State = State;

    fn spec(&self) -> EnvSpec {
        let unbounded = |dtype| {
            Space::Box(BoxSpace {
                dtype,
                shape: vec![1],
                low: vec![f64::NEG_INFINITY],
                high: vec![f64::INFINITY],
            })
        };
        let mut fields = vec![
            ("real".to_owned(), Space::vector(3, -100.0, 100.0)),
            ("double".to_owned(), unbounded(DType::Float64)),
            ("kind".to_owned(), Space::Discrete { n: 4, start: -1 }),
            (
                "bits".to_owned(),
                Space::MultiBinary {
                    n: 3,
                    min_ones: 1,
                    max_ones: 3,
                },
            ),
            (
                "image".to_owned(),
                Space::Box(BoxSpace {
                    dtype: DType::Uint8,
                    shape: vec![2, 1],
                    low: vec![0.0; 2],
                    high: vec![255.0; 2],
                }),
            ),
        ];
        if self.text {
            fields.push(("text".to_owned(), Space::text(20)));
        }
        EnvSpec {
            reward_range: (0.0, f64::from(self.length)),
            info: vec![InfoField {
                name: "cost".into(),
                space: Space::Box(BoxSpace {
                    dtype: DType::Float64,
                    shape: vec![1],
                    low: vec![0.0],
                    high: vec![f64::INFINITY],
                }),
                kind: InfoKind::Sum,
                summary: "Ten times the step.".into(),
            }],
            ..EnvSpec::single(
                "probe-v0",
                "Shows what reached it.",
                Space::Dict(fields),
                self.action.clone(),
            )
        }
    }

    fn reset(&self, rng: &mut Stream, _: &Value) -> Result<State, String> {
        Ok(State {
            step: 0,
            action: 0.0,
            drawn: rng.random(),
        })
    }

    fn step(&self, state: &mut State, step: &mut RowStep<'_>, rng: &mut Stream) {
        rng.next_u32();
        state.step += 1;
        let (action, row) = step.action(0);
        let width = action.width(0);
        state.action = match &action.fields()[0].data {
            ColumnData::F32(v) => f64::from(v[row * width]),
            ColumnData::F64(v) => v[row * width],
            ColumnData::I32(v) => f64::from(v[row * width]),
            ColumnData::U8(v) => f64::from(v[row * width]),
            ColumnData::Text(v) => v[row].len() as f64,
        };
        step.reward(0, state.step as f32);
        step.info("cost", &[10.0 * f64::from(state.step)]);
        if state.step == self.length {
            step.terminate();
        }
    }

    fn observe(&self, state: &State, _: usize, out: &mut RowObservation<'_>) {
        let step = state.step as f32;
        out.f32(0)
            .copy_from_slice(&[step, state.action as f32, state.drawn]);
        out.f64(1)[0] = 1e6 + f64::from(step);
        out.i32(2)[0] = (state.step % 4) as i32 - 1;
        out.u8(3).copy_from_slice(&[1, (state.step & 1) as u8, 0]);
        out.u8(4).copy_from_slice(&[state.step as u8, 255]);
        if self.text {
            *out.text(5) = format!("step {}", state.step);
        }
    }
}

/// The probe with two real elements for an action, within -2..=2 and 0..=1, and episodes of `length` steps.
pub(super) fn probe(length: u32) -> Box<dyn Plugin> {
    probe_with(length, Space::bounded(vec![-2.0, 0.0], vec![2.0, 1.0]))
}

pub(super) fn probe_with(length: u32, action: Space) -> Box<dyn Plugin> {
    Box::new(RowPlugin::new(Probe {
        length,
        action,
        text: false,
    }))
}

pub(super) fn env(id: &str) -> Box<dyn Plugin> {
    registry().build(id, &Value::Null).unwrap()
}

pub(super) fn config(json: &Value) -> WrapperConfig {
    serde_json::from_value(json.clone()).unwrap_or_else(|e| panic!("{json}: {e}"))
}

/// `environment` within the wrappers of `configs`, innermost first.
pub(super) fn wrapped(environment: Box<dyn Plugin>, configs: &[Value]) -> SimulatorBuilder {
    let builder = Simulator::builder(environment);
    configs
        .iter()
        .fold(builder, |b, c| b.wrap(config(c).plugin().unwrap()))
}

/// A simulator after its first reset.
pub(super) fn started(builder: SimulatorBuilder) -> Simulator {
    let mut simulator = builder.build().unwrap();
    simulator.reset().unwrap();
    simulator
}

/// Writes a random action of every player in row `row` that is to act, drawn from `rng`.
pub(super) fn choose(simulator: &mut Simulator, row: usize, rng: &mut Stream) {
    let spec = simulator.spec().clone();
    for (index, player) in spec.players.iter().enumerate() {
        let border = simulator.border_mut().player_mut(index);
        let mask = border.mask_row(row).to_vec();
        if border.acting[row] {
            let action = border.action_mut();
            // In an episode that has ended the mask may allow nothing, and no action is taken.
            let _ = player.action.sample_row(action, row, &mask, rng);
        }
    }
}

/// The first field of player 0's observation in row `row`, `float32`.
pub(super) fn seen(simulator: &Simulator, row: usize) -> Vec<f32> {
    let columns = simulator.border().player(0).observation();
    let width = columns.width(0);
    columns.f32(0)[row * width..(row + 1) * width].to_vec()
}

/// As [`seen`], of the final observation.
pub(super) fn seen_last(simulator: &Simulator, row: usize) -> Vec<f32> {
    let columns = &simulator.border().player(0).final_observation;
    let width = columns.width(0);
    columns.f32(0)[row * width..(row + 1) * width].to_vec()
}

/// Writes `action` to the first field of every row's action, `float32`.
pub(super) fn act(simulator: &mut Simulator, action: &[f32]) {
    let columns = simulator.border_mut().player_mut(0).action_mut().f32_mut(0);
    for row in columns.chunks_exact_mut(action.len()) {
        row.copy_from_slice(action);
    }
}

/// Leaf `index` of `space`.
pub(super) fn leaf(space: &Space, index: usize) -> &Space {
    space.leaves()[index].1
}
