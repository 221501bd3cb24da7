//! Rounding the play rates of the relaxation to schedules, one play a round.
//!
//! Each planner takes the rates `x_i` at which the relaxation's optimum plays the arms, `Σ x_i ≤ 1`. What is missing
//! to 1 goes to a dummy arm that pays nothing. Three ways to turn rates into rounds:
//!
//! * **Independent sampling.** Every round draws arm `i` with probability `x_i`. Delays are geometric. Its expected
//!   value is at least `1 − 1/e` of the relaxation's.
//! * **Interleaved rounding.** Arm `i` owns the times `(U_i + j) / x_i`, `j = 0, 1, …`, with one `U_i` uniform on
//!   `[0, 1)`; all arms' times are sorted and played in that order, one a round. Between two plays of arm `i` every
//!   other arm `j` comes `⌊r⌋` or `⌈r⌉` times, `r = x_j / x_i`, so delays vary little. A numerical search found at
//!   least `1 − 1/2e ≈ 0.816` of the relaxation's value (measured, not proven).
//! * **Golden-ratio rotation.** Arm `i` owns an interval of length `x_i` on the circle, and round `t` plays the owner
//!   of the fractional part of `t·0.618…`. Deterministic; gaps take few different values.
//!
//! **All three are only safe for concave recharging**: payoffs that depend on the delay alone, non-decreasing and
//! concave in it from `p(0) = 0` on ([`is_concave_recharging`]). Elsewhere they may
//! fall far short (0.6125 on the blocking instance `block244`, whose optimum is 0.725), as the plans' notes say.
//!
//! Sources: interleaving is an idea of Kleinberg, Immorlica, *Recharging Bandits*, FOCS 2018, the rotation is in the
//! style of Itai and Rosberg's golden-ratio policy; both are stated from general knowledge of the literature, and the
//! values and factors here are our own derivation.

use palaestra_envs::{
    bandits::{Instance, Schedule},
    math::powf,
    stream::Stream,
};
use rand::RngExt;

use super::{
    Plan, PlanError,
    delay::{is_concave_recharging, is_recharging, mean_at_delay},
    filler,
};

/// Rates below this count as 0.
const SMALLEST_RATE: f64 = 1e-9;
/// Most rounds of all schedules that one plan draws.
const MAX_DRAWN: u64 = 1 << 26;
/// Rounds of the rotation: a Fibonacci number, so that it closes after them.
const FIBONACCI: [u64; 2] = [10_946, 17_711];

/// Independent sampling: a schedule of `rounds` rounds, drawn from the stream `plan.independent` of `seed`.
///
/// The plan's rate is that of the schedule drawn, repeated; `certified` is the exact expected rate of sampling for
/// ever.
///
/// # Errors
/// [`PlanError::Unsuitable`] if the instance allows several plays a round or `rates` is no list of rates,
/// [`PlanError::TooLarge`] for more than 2²⁶ rounds.
pub fn independent(
    instance: &Instance,
    rates: &[f64],
    rounds: usize,
    seed: u64,
) -> Result<Plan, PlanError> {
    const NAME: &str = "independent";
    check(NAME, instance, rates)?;
    let rounds = rounds.max(1);
    check_size(NAME, rounds as u64)?;
    let mut rng = Stream::new(seed, 0, "plan.independent");
    let drawn: Vec<_> = (0..rounds).map(|_| owner(rates, rng.random())).collect();
    let mut plan = rounded(NAME, instance, drawn)?;
    if leaves_rates_alone(instance, rates) {
        plan.value.certified = Some(independent_value(instance, rates));
        plan.notes.push(format!(
            "The rate is that of one schedule of {rounds} random rounds; `certified` is the exact expected rate of \
             drawing every round anew."
        ));
    }
    Ok(plan)
}

/// The exact long-run value of independent sampling at `rates`, one for each arm, for arms of any kind.
///
/// Before a round an arm with rate `x` is at `+n` with probability `x(1 − x)^n` and at `−n` with probability
/// `(1 − x)x^n`; what lies beyond a cap counts at the cap, or where it wraps to.
pub fn independent_value(instance: &Instance, rates: &[f64]) -> f64 {
    let arm_value = |(arm, &x): (usize, &f64)| {
        if x < SMALLEST_RATE {
            return 0.0;
        }
        let caps = instance.caps(arm);
        let (mut mean, mut idle, mut played) = (0.0, x, 1.0 - x);
        // The states of the last period are met again and again: a geometric series.
        let again = 1.0 / (1.0 - powf(1.0 - x, f64::from(caps.period)));
        for n in 1..=caps.idle {
            idle *= 1.0 - x;
            let times = if n < caps.wrapped() { 1.0 } else { again };
            mean += idle * times * instance.mean(arm, n);
        }
        let mut beyond = 1.0;
        for n in 1..caps.played {
            played *= x;
            beyond *= x;
            mean += played * instance.mean(arm, -n);
        }
        x * (mean + beyond * x * instance.mean(arm, -caps.played))
    };
    rates.iter().enumerate().map(arm_value).sum()
}

/// Interleaved rounding: the best of `draws` schedules, each with offsets from a lane of its own of the stream
/// `plan.interleaved` of `seed`.
///
/// If all rates are multiples of one `1/q`, `q <= rounds`, a schedule repeats after `q` rounds by itself; else it is
/// cut off after `rounds`. `certified` is the exact expected rate over the offsets ([`interleaved_value`]), where it is known.
///
/// # Errors
/// As [`independent`].
pub fn interleaved(
    instance: &Instance,
    rates: &[f64],
    draws: u64,
    rounds: usize,
    seed: u64,
) -> Result<Plan, PlanError> {
    const NAME: &str = "interleaved";
    check(NAME, instance, rates)?;
    let (draws, rounds) = (draws.max(1), rounds.max(1));
    check_size(NAME, draws.saturating_mul(rounds as u64))?;
    let rounds = common_period(rates, rounds).unwrap_or(rounds);
    let draw = |lane| {
        let mut rng = Stream::new(seed, lane, "plan.interleaved");
        rounded(NAME, instance, interleave(rates, rounds, &mut rng))
    };
    let mut plan = draw(0)?;
    for lane in 1..draws {
        let other = draw(lane)?;
        if other.value.rate > plan.value.rate {
            plan = other;
        }
    }
    plan.cost.size = draws * rounds as u64;
    if leaves_rates_alone(instance, rates)
        && let Some(expected) = interleaved_value(instance, rates)
    {
        plan.value.certified = Some(expected);
        plan.notes.push(format!(
            "The rate is that of the best of {draws} random schedules; `certified` is the exact expected rate of one \
             that never ends."
        ));
    }
    Ok(plan)
}

/// The exact expected rate of interleaved rounding at `rates` over its random offsets. `None` if a payoff depends on
/// more than the delay: the lengths of plays in a row then matter, whose distribution is not worked out here.
///
/// The delay of arm `i` is 1 plus, for every other arm and the dummy, `⌊r⌋` or `⌈r⌉` with mean `r = x_j / x_i`,
/// independently: a convolution.
pub fn interleaved_value(instance: &Instance, rates: &[f64]) -> Option<f64> {
    if !is_recharging(instance) {
        return None;
    }
    let rates = with_dummy(rates);
    let arm_value = |(arm, &x): (usize, &f64)| {
        if x < SMALLEST_RATE {
            return 0.0;
        }
        // `delays[m]`: probability of the delay `least + m`.
        let (mut least, mut delays) = (1, vec![1.0]);
        for (_, &other) in rates.iter().enumerate().filter(|(j, _)| *j != arm) {
            let ratio = other / x;
            let (whole, part) = (ratio.floor(), ratio - ratio.floor());
            least += whole as u64;
            if part > 0.0 {
                delays.push(0.0);
                for m in (1..delays.len()).rev() {
                    delays[m] = delays[m] * (1.0 - part) + delays[m - 1] * part;
                }
                delays[0] *= 1.0 - part;
            }
        }
        let payoff =
            |(m, probability): (u64, f64)| probability * mean_at_delay(instance, arm, least + m);
        x * (0..).zip(delays).map(payoff).sum::<f64>()
    };
    let arms = rates[..instance.num_arms()].iter().enumerate();
    Some(arms.map(arm_value).sum())
}

/// Golden-ratio rotation over 17711 rounds, a Fibonacci number, after which the rotation by 10946/17711 (the golden
/// ratio's fractional part to 9 digits) closes.
///
/// # Errors
/// As [`independent`].
pub fn rotation(instance: &Instance, rates: &[f64]) -> Result<Plan, PlanError> {
    const NAME: &str = "rotation";
    check(NAME, instance, rates)?;
    let [step, rounds] = FIBONACCI;
    let point = |t: u64| (t * step % rounds) as f64 / rounds as f64;
    let played = (0..rounds).map(|t| owner(rates, point(t))).collect();
    rounded(NAME, instance, played)
}

/// The plan of one play, or none, in each round.
fn rounded(
    planner: &'static str,
    instance: &Instance,
    played: Vec<Option<usize>>,
) -> Result<Plan, PlanError> {
    let mut notes = Vec::new();
    if !is_concave_recharging(instance) {
        notes.push(format!(
            "`{planner}` is only safe where every arm's payoff is a concave function of its delay from 0 on; it is \
             not here, so that the rate may be far below the optimum."
        ));
    }
    let size = played.len() as u64;
    let rounds = played.into_iter().map(|arm| arm.into_iter().collect());
    let schedule = Schedule::new(filler::fill(instance, rounds.collect(), &mut notes));
    Plan::evaluated(planner, instance, Box::new(schedule), size, notes)
}

/// The rounds of interleaved rounding: the arm of each, `None` for the dummy.
fn interleave(rates: &[f64], rounds: usize, rng: &mut Stream) -> Vec<Option<usize>> {
    struct Arm {
        offset: f64,
        rate: f64,
        plays: u64,
        next: f64,
    }
    let arms = with_dummy(rates);
    let mut arms: Vec<(usize, Arm)> = (arms.into_iter().enumerate())
        .map(|(arm, rate)| (arm, rate, rng.random::<f64>()))
        .filter(|(_, rate, _)| *rate >= SMALLEST_RATE)
        .map(|(arm, rate, offset)| {
            let next = offset / rate;
            (
                arm,
                Arm {
                    offset,
                    rate,
                    plays: 0,
                    next,
                },
            )
        })
        .collect();
    let round = |_| {
        let (arm, first) = (arms.iter_mut()).min_by(|a, b| a.1.next.total_cmp(&b.1.next))?;
        first.plays += 1;
        // Not by adding up, whose error would grow.
        first.next = (first.offset + first.plays as f64) / first.rate;
        (*arm < rates.len()).then_some(*arm)
    };
    (0..rounds).map(round).collect()
}

/// The smallest `q <= limit` of which all rates are multiples of `1/q`.
fn common_period(rates: &[f64], limit: usize) -> Option<usize> {
    let whole = |x: f64| (x - x.round()).abs() < 1e-9;
    (1..=limit).find(|&q| rates.iter().all(|x| whole(x * q as f64)))
}

/// The arm whose interval holds `point` in `[0, 1)`, the arms' intervals lying one after the other from 0 on.
fn owner(rates: &[f64], point: f64) -> Option<usize> {
    let mut end = 0.0;
    rates.iter().position(|rate| {
        end += rate;
        point < end
    })
}

/// The rates and, at their end, what is missing to 1.
fn with_dummy(rates: &[f64]) -> Vec<f64> {
    let missing = 1.0 - rates.iter().sum::<f64>();
    let mut rates = rates.to_vec();
    rates.push(if missing < SMALLEST_RATE {
        0.0
    } else {
        missing
    });
    rates
}

/// Whether no round is left over that the instance would have filled.
fn leaves_rates_alone(instance: &Instance, rates: &[f64]) -> bool {
    !instance.exact() || with_dummy(rates)[rates.len()] == 0.0
}

/// Checks that the instance allows one play a round and that `rates` are rates for it.
fn check(planner: &'static str, instance: &Instance, rates: &[f64]) -> Result<(), PlanError> {
    let unsuitable = |reason: String| Err(PlanError::Unsuitable { planner, reason });
    let (arms, plays) = (instance.num_arms(), instance.plays());
    if plays != 1 {
        return unsuitable(format!(
            "it makes one play a round, not {plays}; use `virtual_cycles` or `harmonic`"
        ));
    }
    if rates.len() != arms {
        return unsuitable(format!("{} rates were given for {arms} arms", rates.len()));
    }
    let total: f64 = rates.iter().sum();
    if !rates.iter().all(|x| (0.0..=1.0).contains(x)) || total > 1.0 + SMALLEST_RATE {
        return unsuitable(format!(
            "the rates must lie in 0..=1 and sum to at most 1, not {total}"
        ));
    }
    Ok(())
}

fn check_size(planner: &'static str, rounds: u64) -> Result<(), PlanError> {
    if rounds <= MAX_DRAWN {
        return Ok(());
    }
    Err(PlanError::TooLarge {
        planner,
        what: "rounds of all schedules drawn",
        size: rounds,
        limit: MAX_DRAWN,
        help: "draw fewer or shorter ones",
    })
}

#[cfg(test)]
mod tests;
