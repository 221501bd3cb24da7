//! A sound environment of the other kinds of spaces: text, doubles, bytes, bits, several numbers, nested fields; three
//! players at once; no end of its own, or one that it calls a truncation.

use palaestra_envs::{
    conformance::{self, CheckOptions, Outcome},
    sim::{EnvSpec, Environment, PlayerSpec, Plugin, RowObservation, RowPlugin, RowStep},
    space::{BoxSpace, DType, Space},
    stream::Stream,
};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Three players: one speaks and sets levels, one picks one or two of four gates, one turns two dials.
struct Letters {
    truncates_after: Option<u32>,
    /// Whether levels beyond their bounds are accepted; the other fields stay strict.
    lenient: bool,
}

#[derive(Clone, Serialize, Deserialize)]
struct Heard {
    said: String,
    level: f64,
    gates: [u8; 4],
    dials: [i32; 2],
    shut: usize,
    steps: u32,
}

fn real(dtype: DType, low: Vec<f64>, high: Vec<f64>) -> Space {
    let shape = vec![low.len()];
    Space::Box(BoxSpace {
        dtype,
        shape,
        low,
        high,
    })
}

impl Environment for Letters {
    type State = Heard;

    fn spec(&self) -> EnvSpec {
        let speech = |min_length| Space::Text {
            min_length,
            max_length: 6,
            charset: "abc".into(),
        };
        let (gates, dials) = (4, vec![2, 3]);
        let seen = Space::Dict(vec![
            ("said".into(), speech(0)),
            ("level".into(), real(DType::Float64, vec![-1.0], vec![1.0])),
            (
                "panel".into(),
                Space::Tuple(vec![
                    real(DType::Uint8, vec![0.0; 4], vec![200.0; 4]),
                    Space::MultiDiscrete {
                        nvec: dials.clone(),
                    },
                ]),
            ),
        ]);
        let spoken = Space::Dict(vec![
            ("say".into(), speech(1)),
            (
                "levels".into(),
                real(DType::Float64, vec![-1.0, 0.0], vec![1.0, f64::INFINITY]),
            ),
            ("key".into(), real(DType::Uint8, vec![1.0], vec![9.0])),
            ("place".into(), Space::Discrete { n: 3, start: -1 }),
        ]);
        let subset = Space::MultiBinary {
            n: gates,
            min_ones: 1,
            max_ones: 2,
        };
        let masked = |name, action| PlayerSpec {
            action_mask: true,
            ..PlayerSpec::new(name, seen.clone(), action)
        };
        EnvSpec {
            players: vec![
                PlayerSpec {
                    lenient_bounds: self.lenient,
                    ..PlayerSpec::new("speaker", seen.clone(), spoken.clone())
                },
                masked("keeper", subset),
                masked("turner", Space::MultiDiscrete { nvec: dials }),
            ],
            reward_range: (0.0, 6.0),
            ..EnvSpec::single("letters-v1", "Letters.", seen.clone(), spoken)
        }
    }

    fn reset(&self, rng: &mut Stream, _: &Value) -> Result<Heard, String> {
        Ok(Heard {
            said: String::new(),
            level: rng.random_range(-1.0..1.0),
            gates: [0; 4],
            dials: [0; 2],
            shut: rng.random_range(0..4),
            steps: 0,
        })
    }

    fn step(&self, heard: &mut Heard, step: &mut RowStep<'_>, rng: &mut Stream) {
        let (spoken, row) = step.action(0);
        heard.said.clone_from(&spoken.text(0)[row]);
        heard.level = spoken.f64(1)[2 * row];
        let (gates, row) = step.action(1);
        heard
            .gates
            .copy_from_slice(&gates.u8(0)[4 * row..4 * row + 4]);
        let (dials, row) = step.action(2);
        heard
            .dials
            .copy_from_slice(&dials.i32(0)[2 * row..2 * row + 2]);
        assert_eq!(heard.gates[heard.shut], 0, "the mask is kept");
        assert_ne!(heard.dials[1] as usize, heard.shut, "the mask is kept");
        heard.shut = rng.random_range(0..4);
        heard.steps += 1;
        step.reward(0, heard.said.len() as f32);
        if Some(heard.steps) == self.truncates_after {
            step.truncate();
        }
    }

    fn observe(&self, heard: &Heard, player: usize, out: &mut RowObservation<'_>) {
        out.text(0).clone_from(&heard.said);
        out.f64(1)[0] = heard.level;
        for (seen, gate) in out.u8(2).iter_mut().zip(heard.gates) {
            *seen = 200 * gate;
        }
        out.i32(3).copy_from_slice(&heard.dials);
        let mask = out.mask();
        mask.fill(1);
        match player {
            1 => mask[heard.shut] = 0,
            // The second dial's positions follow the first's two.
            2 if heard.shut < 3 => mask[2 + heard.shut] = 0,
            _ => {}
        }
    }

    fn render(&self, heard: &Heard) -> Option<String> {
        Some(heard.said.clone())
    }
}

#[test]
fn every_kind_of_space_is_understood() {
    for (truncates_after, lenient) in [(None, false), (Some(4), true)] {
        let make = || {
            let letters = Letters {
                truncates_after,
                lenient,
            };
            Ok(Box::new(RowPlugin::new(letters)) as Box<dyn Plugin>)
        };
        let options = CheckOptions {
            episodes: 50,
            max_steps: 2_000,
            ..CheckOptions::default()
        };
        let report = conformance::check_plugin(make, &options);
        assert!(report.passed(), "{report}");
        for name in ["masks", "masked_actions", "invalid_actions", "other_seeds"] {
            let outcome = &report.get(name).unwrap().outcome;
            assert_eq!(*outcome, Outcome::Passed, "{report}");
        }
    }
}
