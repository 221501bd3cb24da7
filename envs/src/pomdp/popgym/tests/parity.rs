//! What `parity` keeps of the reference's defects, and that the best returns are then the reference's.

use serde_json::{Value, json};

use super::{DIFFICULTIES, anchors, info, mean, play, seen, simulator};
use crate::sim::{Lane, RowReset, Simulator};

fn parity(difficulty: &str) -> Value {
    json!({ "difficulty": difficulty, "parity": true })
}

fn anchor(key: &str, level: usize) -> f64 {
    anchors()["popjaxrl_parity_max"][key][level]
        .as_f64()
        .unwrap()
}

/// Every step pays who knows the answer.
fn best_returns(id: &str, difficulty: &str) -> Vec<(u32, f64)> {
    let mut simulator = simulator(id, &parity(difficulty), 16, 2);
    play(&mut simulator, 2, |border, row, action| {
        action[0] = info(border, "privileged.answer", row)[0].max(0.0) as i32;
    })
}

#[test]
fn repeat_first_has_a_step_too_many() {
    for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
        let cards = [52, 416, 832][level];
        for (length, total) in best_returns("repeat_first-v0", difficulty) {
            assert_eq!(length, cards);
            assert!(
                (total - anchor("RepeatFirst", level)).abs() < 1e-6,
                "{total}"
            );
        }
    }
}

/// The card k steps ago counts: one more to remember than in the corrected form, and N steps.
#[test]
fn repeat_previous_looks_one_step_further_back() {
    for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
        let (cards, k) = [(52, 4), (104, 32), (156, 64)][level];
        let mut memory = vec![Vec::new(); 8];
        let mut simulator = simulator("repeat_previous-v0", &parity(difficulty), 8, 2);
        let outcomes = play(&mut simulator, 2, |border, row, action| {
            let memory = &mut memory[row];
            if border.elapsed[row] == 0 {
                memory.clear();
            }
            memory.push(seen(border, row)[0]);
            action[0] = memory.len().checked_sub(k + 1).map_or(0, |i| memory[i]);
        });
        for (length, total) in outcomes {
            assert_eq!(length, cards);
            assert!((total - 1.0).abs() < 1e-6, "{total}");
        }
    }
}

/// Episodes in which Autoencode is played with each suit.
const EPISODES: u64 = 400;

/// While watching nothing is seen, in play the last card. So the best is to answer first what is seen, and then one
/// other suit. Of the same episode the three other suits are played in three rows: between them they are right for each
/// card of another suit once, and once more if the first card is of one, as it is asked for twice.
#[test]
fn autoencode_hides_the_cards() {
    for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
        let cards = [52, 104, 156][level];
        let scale = 1.0 / f64::from(cards);
        for (length, total) in best_returns("autoencode-v0", difficulty) {
            assert_eq!(length, 2 * cards + 1);
            assert!((total - (1.0 + scale)).abs() < 1e-6, "{total}");
        }

        let mut twice = 0.0;
        let mut simulator = simulator("autoencode-v0", &parity(difficulty), 3, 0);
        for episode in 0..EPISODES {
            let start = |row| RowReset {
                row,
                lane: Some(Lane {
                    seed: 5,
                    lane: 0,
                    episode,
                }),
                options: Value::Null,
            };
            simulator.reset_rows(&[0, 1, 2].map(start)).unwrap();
            let mut last_asked = 0;
            let mut shown = 0;
            let outcomes = play(&mut simulator, 1, |border, row, action| {
                let bits = &border.player(0).observation().u8(0)[row * 4..row * 4 + 4];
                let seen = bits.iter().position(|&bit| bit == 1);
                let elapsed = border.elapsed[row];
                assert_eq!(seen.is_some(), elapsed >= cards);
                let seen = seen.unwrap_or(0);
                let first = elapsed == cards;
                action[0] = if first { seen } else { (seen + 1 + row) % 4 } as i32;
                if elapsed == 2 * cards {
                    last_asked = info(border, "privileged.answer", row)[0] as usize;
                    shown = seen;
                }
            });
            let paid: f64 = outcomes.iter().map(|(_, total)| total).sum();
            // Each of cards + 1 paid steps is right or wrong by 1/cards.
            let hits = 0.5 * (paid / scale + 3.0 * f64::from(cards + 1));
            let other = f64::from(u8::from(last_asked != shown));
            let expected = 3.0 + f64::from(cards) * 0.75 + other;
            assert!(
                (hits - expected).abs() < 1e-3,
                "{hits} instead of {expected}"
            );
            twice += other;
        }
        // The first card is of another suit than the last with this probability; so the mean of the best return is
        // the anchor.
        let cards = f64::from(cards);
        let chance = 0.75 * cards / (cards - 1.0);
        let hits = 1.0 + (0.75 * cards + chance) / 3.0;
        let best = (2.0 * hits - (cards + 1.0)) * scale;
        assert!(
            (best - anchor("Autoencode_best_blind", level)).abs() < 1e-9,
            "{best}"
        );
        let spread = (chance * (1.0 - chance) / EPISODES as f64).sqrt();
        assert!((twice / EPISODES as f64 - chance).abs() < 4.0 * spread);
    }
}

/// With two actions only counts of 0 and 1 can be said.
#[test]
fn count_recall_has_too_few_actions() {
    for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
        let (cards, copies) = [(52, 26), (104, 26), (208, 16)][level];
        let mut simulator = simulator("count_recall-v0", &parity(difficulty), 4000, 2);
        let outcomes = play(&mut simulator, 1, |border, row, action| {
            let answer = info(border, "privileged.answer", row)[0] as i32;
            action[0] = answer.clamp(0, 1);
        });
        assert!(outcomes.iter().all(|(length, _)| *length == cards));
        let returns: Vec<f64> = outcomes.into_iter().map(|(_, total)| total).collect();
        let (found, error) = mean(&returns);
        let best = best_with_two_actions(cards, copies);
        let exact = [-0.849_003, -0.850_427, -0.763_575][level];
        assert!((best - exact).abs() < 1e-6, "{best}");
        // The anchor was simulated, and is known to about a part in a thousand.
        let simulated = anchor("CountRecall_best_with_2_actions", level);
        assert!((best - simulated).abs() < 2e-3, "{best}");
        assert!(
            (found - best).abs() < 4.0 * error,
            "{found} ± {error}, {best}"
        );
    }
}

/// The mean return of saying each count that is 0 or 1: hypergeometric, as `time` of `cards` cards have been dealt
/// before, of which `copies` are of the value asked about.
fn best_with_two_actions(cards: u32, copies: u32) -> f64 {
    let (mut none, mut one) = (1.0, 0.0);
    let mut right = 0.0;
    for time in 0..cards {
        right += none + one;
        let left = f64::from(cards - time);
        let hit_none = f64::from(copies) / left;
        let hit_one = f64::from(copies - 1) / left;
        one = one * (1.0 - hit_one).max(0.0) + none * hit_none;
        none *= (1.0 - hit_none).max(0.0);
    }
    2.0 * right / f64::from(cards) - 1.0
}

#[test]
fn higher_lower_ends_with_a_comparison_of_a_card_with_itself() {
    for (difficulty, cards) in DIFFICULTIES.into_iter().zip([52, 104, 156]) {
        let mut simulator = simulator("higher_lower-v0", &parity(difficulty), 8, 2);
        for step in 1..=cards {
            simulator.step().unwrap();
            let border = simulator.border();
            for row in 0..8 {
                assert_eq!(border.terminated[row], step == cards);
                if step == cards {
                    assert_eq!(border.player(0).reward[row], 0.0);
                }
            }
        }
    }
}

/// Winning does not end the game, and one more step opens a square again.
#[test]
fn mine_sweeper_goes_on_after_winning() {
    for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
        let (safe, mines) = [(14, 2), (30, 6), (54, 10)][level];
        let mut simulator = simulator("mine_sweeper-v0", &parity(difficulty), 32, 2);
        let mut hidden = 0;
        let outcomes = play(&mut simulator, 4, |border, row, action| {
            let board = info(border, "privileged.board", row);
            let n = board.len().isqrt();
            let find = |wanted| board.iter().position(|&square| square == wanted);
            let square = find(0.0).or_else(|| find(2.0)).unwrap();
            (action[0], action[1]) = ((square / n) as i32, (square % n) as i32);
            let bits = border.player(0).observation();
            let width = bits.width(0);
            assert_eq!(width, mines);
            let ones = bits.u8(0)[row * width..(row + 1) * width]
                .iter()
                .sum::<u8>();
            if border.elapsed[row] == 0 {
                assert_eq!(ones, 0);
            } else {
                hidden += 1 - ones;
            }
        });
        for (length, total) in outcomes {
            assert_eq!(length, safe + 1);
            assert!(
                (total - anchor("MineSweeper", level)).abs() < 1e-6,
                "{total}"
            );
        }
        // With two mines a square beside both shows nothing.
        assert_eq!(hidden > 0, mines == 2, "{hidden}");
    }
}

#[test]
fn velocity_only_begins_with_positions() {
    let first = |args: Value| {
        let simulator = simulator("velocity_only_cartpole-v0", &args, 1, 2);
        let border = simulator.border();
        let state = info(border, "privileged.state", 0).to_vec();
        (border.player(0).observation().f32(0).to_vec(), state)
    };
    let (seen, state) = first(json!({ "parity": true }));
    assert_eq!(
        seen.iter().map(|&x| f64::from(x)).collect::<Vec<_>>(),
        [state[0], state[2]]
    );
    let (seen, state) = first(Value::Null);
    assert_eq!(
        seen.iter().map(|&x| f64::from(x)).collect::<Vec<_>>(),
        [state[1], state[3]]
    );
    let mut later = simulator(
        "velocity_only_cartpole-v0",
        &json!({ "parity": true }),
        1,
        2,
    );
    later.step().unwrap();
    let state = info(later.border(), "privileged.state", 0);
    assert_eq!(
        f64::from(later.border().player(0).observation().f32(0)[0]),
        state[1]
    );
}

#[test]
fn noisy_pendulums_are_not_clipped() {
    let largest = |args: Value| {
        let simulator = simulator("noisy_position_only_pendulum-v0", &args, 1000, 2);
        let seen = simulator.border().player(0).observation().f32(0).to_vec();
        seen.into_iter().fold(0.0, |most: f32, x| most.max(x.abs()))
    };
    assert_eq!(largest(json!({ "difficulty": "hard" })), 1.0);
    assert!(largest(parity("hard")) > 1.5);
}

/// The row and column of the view in which the player stands.
fn place_in_view(simulator: &Simulator, row: usize) -> (usize, usize) {
    let border = simulator.border();
    let view = &seen(border, row)[..9];
    let start = view.iter().position(|&square| square == 2).unwrap();
    (start / 3, start % 3)
}

/// Where the player starts at the top or left border, the reference's view is shifted.
#[test]
fn labyrinth_views_are_shifted_at_two_borders() {
    let rows = 64;
    let fair = simulator("labyrinth_escape-v0", &Value::Null, rows, 3);
    let shifted = simulator("labyrinth_escape-v0", &json!({ "parity": true }), rows, 3);
    let mut sides = [0; 4];
    for row in 0..rows {
        assert_eq!(place_in_view(&fair, row), (1, 1));
        let position = info(shifted.border(), "privileged.position", row)[0] as usize;
        let (r, c) = (position / 11, position % 11);
        let expected = (usize::from(r > 0), usize::from(c > 0));
        assert_eq!(place_in_view(&shifted, row), expected);
        sides[[r == 0, r == 10, c == 0, c == 10]
            .iter()
            .position(|&at| at)
            .unwrap()] += 1;
    }
    assert!(sides.iter().all(|&n| n > 4), "{sides:?}");
}
