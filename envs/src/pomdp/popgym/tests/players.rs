//! Scripted players that know what is hidden, or remember all that was seen.

use rand::RngExt;

use super::{DIFFICULTIES, anchors, at, info, mean, play, seen, simulator};
use crate::{sim::Border, stream::Stream};

/// Plays the same in every row and checks lengths and returns.
fn reaches_one(
    id: &str,
    difficulty: &str,
    steps: Option<u32>,
    act: impl FnMut(&Border, usize, &mut [i32]),
) {
    let mut simulator = simulator(id, &at(difficulty), 16, 9);
    for (length, total) in play(&mut simulator, 2, act) {
        assert!((total - 1.0).abs() < 1e-6, "{id} {difficulty}: {total}");
        assert!(
            steps.is_none_or(|steps| steps == length),
            "{id} {difficulty}: {length}"
        );
    }
}

#[test]
fn who_knows_the_answer_reaches_one() {
    let anchors = anchors();
    for (name, id) in [
        ("RepeatFirst", "repeat_first-v0"),
        ("RepeatPrevious", "repeat_previous-v0"),
        ("Autoencode", "autoencode-v0"),
        ("CountRecall", "count_recall-v0"),
    ] {
        for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
            let steps = anchors[name]["steps"][level].as_u64().unwrap() as u32;
            reaches_one(id, difficulty, Some(steps), |border, row, action| {
                action[0] = info(border, "privileged.answer", row)[0].max(0.0) as i32;
            });
        }
    }
}

/// The answers follow from what was seen: a player that remembers all observations, and no more, does as well.
#[test]
fn who_remembers_everything_reaches_one() {
    for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
        let mut memory = vec![Vec::new(); 16];
        let k = [4, 32, 64][level];
        reaches_one(
            "repeat_previous-v0",
            difficulty,
            None,
            |border, row, action| {
                let memory = &mut memory[row];
                if border.elapsed[row] == 0 {
                    memory.clear();
                }
                memory.push(seen(border, row)[0]);
                action[0] = memory.len().checked_sub(k).map_or(0, |i| memory[i]);
            },
        );
        let mut memory = vec![Vec::new(); 16];
        let deck = anchors()["Autoencode"]["steps"][level].as_u64().unwrap() as u32 / 2 + 1;
        reaches_one("autoencode-v0", difficulty, None, |border, row, action| {
            let memory = &mut memory[row];
            let now = seen(border, row);
            if border.elapsed[row] == 0 {
                memory.clear();
            }
            // The last card is shown as play begins.
            let playing = now[0] == 0;
            if border.elapsed[row] < deck {
                memory.push(now[1]);
            }
            action[0] = if playing { memory.pop().unwrap() } else { 0 };
        });
        let mut counts = vec![[0; 13]; 16];
        reaches_one(
            "count_recall-v0",
            difficulty,
            None,
            |border, row, action| {
                if border.elapsed[row] == 0 {
                    counts[row] = [0; 13];
                }
                let now = seen(border, row);
                counts[row][now[0] as usize] += 1;
                action[0] = counts[row][now[1] as usize];
            },
        );
        let mut first = [0; 16];
        reaches_one(
            "repeat_first-v0",
            difficulty,
            None,
            |border, row, action| {
                if border.elapsed[row] == 0 {
                    first[row] = seen(border, row)[0];
                }
                action[0] = first[row];
            },
        );
    }
}

#[test]
fn who_knows_the_board_reaches_one() {
    for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
        let n = [8, 10, 12][level];
        let target = |border: &Border, row: usize, wanted: f64, action: &mut [i32]| {
            let board = info(border, "privileged.board", row);
            let square = board.iter().position(|&square| square == wanted).unwrap();
            let n = board.len().isqrt();
            (action[0], action[1]) = ((square / n) as i32, (square % n) as i32);
        };
        reaches_one(
            "battleship-v0",
            difficulty,
            Some(12),
            |border, row, action| {
                assert_eq!(info(border, "privileged.board", row).len(), n * n);
                target(border, row, 1.0, action);
            },
        );
        let safe = [14, 30, 54][level];
        reaches_one(
            "mine_sweeper-v0",
            difficulty,
            Some(safe),
            |border, row, action| {
                target(border, row, 0.0, action);
            },
        );
    }
}

/// Shooting at random, but at no square twice, pays 1/13 in the mean: the last ship is found after 12/13 of the board.
#[test]
fn shooting_at_each_square_once_pays_a_thirteenth() {
    const ROWS: usize = 10_000;
    for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
        let n = [8, 10, 12][level];
        let mut rng = Stream::new(6, 0, "test");
        let mut orders = vec![Vec::new(); ROWS];
        let mut simulator = simulator("battleship-v0", &at(difficulty), ROWS, 23);
        let returns = play(&mut simulator, 1, |border, row, action| {
            if border.elapsed[row] == 0 {
                orders[row] = (0..n * n).collect();
            }
            let order = &mut orders[row];
            let square = order.swap_remove(rng.random_range(0..order.len()));
            (action[0], action[1]) = ((square / n) as i32, (square % n) as i32);
        });
        let returns: Vec<f64> = returns.into_iter().map(|(_, total)| total).collect();
        let (found, error) = mean(&returns);
        assert!(
            (found - 1.0 / 13.0).abs() < 4.0 * error,
            "{difficulty}: {found}"
        );
    }
}

/// What Mine Sweeper shows is the number of mines on the square just opened and around it.
#[test]
fn mines_are_counted() {
    let mut simulator = simulator("mine_sweeper-v0", &at("hard"), 8, 3);
    let mut last = [None; 8];
    let mut most = 0;
    play(&mut simulator, 2, |border, row, action| {
        let board = info(border, "privileged.board", row);
        let shown = seen(border, row)[0];
        if border.elapsed[row] == 0 {
            last[row] = None;
            assert_eq!(shown, 0);
        }
        if let Some((r, c)) = last[row] {
            let near = |i: &usize| (i / 8).abs_diff(r) <= 1 && (i % 8).abs_diff(c) <= 1;
            let mines = (0..64).filter(near).filter(|&i| board[i] == 1.0).count();
            assert_eq!(shown, mines as i32);
            most = most.max(mines);
        }
        let square = board.iter().position(|&square| square == 0.0).unwrap();
        last[row] = Some((square / 8, square % 8));
        (action[0], action[1]) = ((square / 8) as i32, (square % 8) as i32);
    });
    assert!(most >= 3);
}

/// Who guesses the more likely side given the cards left wins 0.528, 0.516, 0.511; by the rank alone, 0.497.
#[test]
fn counting_cards_pays() {
    let anchors = anchors();
    for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
        const ROWS: usize = 10_000;
        let decks = level as i32 + 1;
        let mut left = vec![[4 * decks; 13]; ROWS];
        let mut counter = simulator("higher_lower-v0", &at(difficulty), ROWS, 21);
        let returns = play(&mut counter, 1, |border, row, action| {
            let left = &mut left[row];
            if border.elapsed[row] == 0 {
                *left = [4 * decks; 13];
            }
            let now = seen(border, row)[0] as usize;
            left[now] -= 1;
            let lower: i32 = left[..now].iter().sum();
            let higher: i32 = left[now + 1..].iter().sum();
            action[0] = i32::from(lower > higher);
        });
        let returns: Vec<f64> = returns.into_iter().map(|(_, total)| total).collect();
        let (found, error) = mean(&returns);
        let expected = anchors["HigherLower"]["card_counting"][level]
            .as_f64()
            .unwrap();
        let spread = anchors["HigherLower"]["card_counting_se"][level]
            .as_f64()
            .unwrap();
        let error = error.hypot(spread);
        assert!(
            (found - expected).abs() < 4.0 * error,
            "{difficulty}: {found}"
        );
        if difficulty == "easy" {
            assert!((found - 0.528).abs() < 0.004, "{found}");
        }

        let mut simple = simulator("higher_lower-v0", &at(difficulty), ROWS, 22);
        let returns = play(&mut simple, 1, |border, row, action| {
            action[0] = i32::from(seen(border, row)[0] > 6);
        });
        let returns: Vec<f64> = returns.into_iter().map(|(_, total)| total).collect();
        let (found, error) = mean(&returns);
        let expected = anchors["HigherLower"]["memoryless_optimal"][level]
            .as_f64()
            .unwrap();
        assert!(
            (found - expected).abs() < 4.0 * error,
            "{difficulty}: {found}"
        );
    }
}

#[test]
fn the_best_arm_pays_as_an_oracle_expects() {
    for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
        let mut simulator = simulator("multiarmed_bandit-v0", &at(difficulty), 1000, 4);
        let mut best = vec![0.0; 1000];
        let returns = play(&mut simulator, 1, |border, row, action| {
            let payouts = info(border, "privileged.payouts", row);
            let most = payouts.iter().copied().fold(0.0, f64::max);
            if border.elapsed[row] == 0 {
                best[row] = 2.0 * most - 1.0;
            }
            action[0] = payouts.iter().position(|&p| p == most).unwrap() as i32;
        });
        let returns: Vec<f64> = returns.into_iter().map(|(_, total)| total).collect();
        let (found, error) = mean(&returns);
        let oracle = anchors()["MultiarmedBandit"]["oracle"][level]
            .as_f64()
            .unwrap();
        assert!(
            (found - oracle).abs() < 4.0 * error,
            "{difficulty}: {found}"
        );
    }
}

/// A player that knows the cards turns each pair in two steps and opens all N in N.
#[test]
fn who_knows_the_cards_opens_all_of_them() {
    for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
        let n = [52, 104, 52][level];
        let mut open = vec![vec![false; n]; 4];
        let mut first = [0; 4];
        let mut simulator = simulator("concentration-v0", &at(difficulty), 4, 6);
        let outcomes = play(&mut simulator, 2, |border, row, action| {
            let (open, first) = (&mut open[row], &mut first[row]);
            let cards = info(border, "privileged.cards", row);
            if border.elapsed[row] == 0 {
                open.fill(false);
            }
            let choice = if border.elapsed[row] % 2 == 0 {
                *first = open.iter().position(|open| !open).unwrap();
                *first
            } else {
                assert_eq!(f64::from(seen(border, row)[*first]), cards[*first]);
                let partner = |&i: &usize| !open[i] && cards[i] == cards[*first];
                (0..n).find(partner).unwrap()
            };
            open[choice] = true;
            action[0] = choice as i32;
        });
        for (length, total) in outcomes {
            assert_eq!(length as usize, n);
            assert!((total - 1.0).abs() < 1e-6, "{total}");
        }
    }
}

/// Rewards and observations of single turns: a mismatch, the same card twice, an open card first and second.
#[test]
fn turns_of_concentration_pay_as_they_should() {
    let mut simulator = simulator("concentration-v0", &at("easy"), 1, 6);
    let cards = info(simulator.border(), "privileged.cards", 0).to_vec();
    let with = |value: f64, than: usize| {
        let mut places = (0..52).filter(|&i| cards[i] == value && i != than);
        (places.next().unwrap(), places.next().unwrap())
    };
    let (black, black_too) = with(0.0, 52);
    let (red, _) = with(1.0, 52);
    let mut turn = |card: usize| {
        let player = simulator.border_mut().player_mut(0);
        player.action_mut().i32_mut(0)[0] = card as i32;
        simulator.step().unwrap();
        let shown = seen(simulator.border(), 0);
        let shown: Vec<usize> = (0..52).filter(|&i| shown[i] < 2).collect();
        let fees = -f64::from(simulator.border().player(0).reward[0]) * 104.0;
        (fees, shown)
    };
    let both = |a: usize, b: usize| vec![a.min(b), a.max(b)];
    let close = |a: (f64, Vec<usize>), b: (f64, Vec<usize>)| {
        assert!(
            (a.0 - b.0).abs() < 1e-5 && a.1 == b.1,
            "{a:?} instead of {b:?}"
        );
    };
    close(turn(black), (0.0, vec![black]));
    close(turn(red), (2.0, both(black, red)));
    close(turn(black), (0.0, vec![black]));
    close(turn(black), (2.0, vec![black]));
    close(turn(black), (0.0, vec![black]));
    close(turn(black_too), (-4.0, both(black, black_too)));
    close(turn(black_too), (1.0, both(black, black_too)));
    let mut three = [black, black_too, red];
    three.sort_unstable();
    close(turn(red), (0.0, three.to_vec()));
    close(turn(black), (2.0, three.to_vec()));
}

/// A cart-pole player that knows the state lasts to the end; both cart-poles then pay 1.
#[test]
fn who_knows_the_state_balances_the_pole() {
    for id in [
        "position_only_cartpole-v0",
        "noisy_position_only_cartpole-v0",
        "velocity_only_cartpole-v0",
    ] {
        for difficulty in DIFFICULTIES {
            reaches_one_softly(id, difficulty);
        }
    }
}

fn reaches_one_softly(id: &str, difficulty: &str) {
    let mut simulator = simulator(id, &at(difficulty), 16, 9);
    let outcomes = play(&mut simulator, 1, |border, row, action| {
        let s = info(border, "privileged.state", row);
        let lean = 0.1 * s[0] + 0.3 * s[1] + 10.0 * s[2] + 2.0 * s[3];
        action[0] = i32::from(lean > 0.0);
    });
    for (_, total) in outcomes {
        assert!((total - 1.0).abs() < 1e-5, "{id} {difficulty}: {total}");
    }
}

/// Breadth-first search over the maze: the way to the nearest square that `wanted` accepts.
fn first_move(maze: &[f64], position: usize, wanted: impl Fn(f64) -> bool) -> i32 {
    let side = maze.len().isqrt();
    let mut from = vec![None; maze.len()];
    let mut queue = std::collections::VecDeque::from([position]);
    from[position] = Some((position, 0));
    while let Some(square) = queue.pop_front() {
        if wanted(maze[square]) {
            let mut at = square;
            loop {
                let (previous, action) = from[at].unwrap();
                if previous == position {
                    return action;
                }
                at = previous;
            }
        }
        let (row, column) = (square / side, square % side);
        let next = [
            (column > 0).then(|| square - 1),
            (column + 1 < side).then_some(square + 1),
            (row > 0).then(|| square.wrapping_sub(side)),
            (row + 1 < side).then_some(square + side),
        ];
        for (action, next) in next.into_iter().enumerate() {
            if let Some(next) = next
                && maze[next] % 8.0 != 1.0
                && from[next].is_none()
            {
                from[next] = Some((square, action as i32));
                queue.push_back(next);
            }
        }
    }
    panic!("no way")
}

#[test]
fn every_maze_can_be_left_and_explored() {
    for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
        for (id, goal) in [
            ("labyrinth_escape-v0", true),
            ("labyrinth_explore-v0", false),
        ] {
            let mut simulator = simulator(id, &at(difficulty), 20, 8);
            let outcomes = play(&mut simulator, 2, |border, row, action| {
                let maze = info(border, "privileged.maze", row);
                let position = info(border, "privileged.position", row)[0] as usize;
                action[0] = first_move(maze, position, |square| {
                    if goal { square == 3.0 } else { square == 0.0 }
                });
            });
            for (length, total) in outcomes {
                let paid = if goal {
                    1.0 - f64::from(length) / 1024.0
                } else {
                    // Every free square pays its share; every other step costs.
                    let rooms = [5, 7, 9][level];
                    let free = 2 * rooms * rooms - 1;
                    1.0 - (f64::from(length) - f64::from(free)) / 1024.0
                };
                assert!(
                    (total - paid).abs() < 1e-5,
                    "{id} {difficulty}: {total} in {length}"
                );
                assert!(length < 1023, "{length}");
            }
        }
    }
}
