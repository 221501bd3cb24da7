//! The state of one arm: the signed time since its last switch, its transition and its other names.
//!
//! `τ = +n`: idle for exactly `n ≥ 1` rounds. `τ = −n`: played in `n ≥ 1` consecutive rounds. 0 never occurs.
//! After Laforgue, Clerici, Cesa-Bianchi, Gilad-Bachrach, AISTATS 2022.

/// Largest cap an arm may have, on either side: one step beyond it still fits an `i16`.
pub const MAX_CAP: u16 = 32_766;

/// The range of states of one arm: `−played..=−1` and `1..=idle`, with what follows at its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArmCaps {
    /// `C ≥ 1`: further consecutive plays leave the state at `−C`.
    pub played: i16,
    /// `D ≥ 1`: the largest number of idle rounds that is told apart.
    pub idle: i16,
    /// `P`, in `1..=D`: an idle arm moves from `D` to `D − P + 1`. With `P = 1` it stays at `D`.
    pub period: i16,
}

impl ArmCaps {
    /// Whether `tau` is a state of this arm.
    pub fn contains(self, tau: i16) -> bool {
        tau != 0 && -self.played <= tau && tau <= self.idle
    }

    /// All states from the most satiated to the most rested: `−C..=−1`, then `1..=D`.
    pub fn states(self) -> impl Iterator<Item = i16> {
        (-self.played..=-1).chain(1..=self.idle)
    }

    /// The state after a play, as defined: one more play in a row, or the first.
    pub fn play(self, tau: i16) -> i16 {
        let next = if tau < 0 { tau - 1 } else { -1 };
        if next < -self.played {
            -self.played
        } else {
            next
        }
    }

    /// The state after an idle round, as defined: one more idle round, or the first.
    pub fn idle(self, tau: i16) -> i16 {
        let next = if tau > 0 { tau + 1 } else { 1 };
        if next > self.idle {
            self.wrapped()
        } else {
            next
        }
    }

    /// The state that follows `D` idle rounds and one more: `D − P + 1`.
    pub fn wrapped(self) -> i16 {
        self.idle - self.period + 1
    }
}

/// The transition of one arm without a branch; equals [`ArmCaps::play`] and [`ArmCaps::idle`].
///
/// `floor = −C`, `cap = D`, `wrapped = D − P + 1`. Written with selects only, so that loops over rows vectorise.
#[inline]
pub fn step(tau: i16, played: bool, floor: i16, cap: i16, wrapped: i16) -> i16 {
    let after_play = (tau.min(0) - 1).max(floor);
    let after_idle = idle(tau, cap, wrapped);
    if played { after_play } else { after_idle }
}

/// The idle half of [`step`].
#[inline]
pub fn idle(tau: i16, cap: i16, wrapped: i16) -> i16 {
    let rested = tau.max(0) + 1;
    if rested > cap { wrapped } else { rested }
}

/// Delay `d ≥ 1` (rounds since the last play; 1 is a replay) of a state: 1 when satiated, `n + 1` at `+n`.
pub fn delay_of(tau: i16) -> u16 {
    covariate_of(tau) + 1
}

/// Covariate `z ≥ 0` (idle rounds since the last play) of a state: 0 when satiated, `n` at `+n`.
pub fn covariate_of(tau: i16) -> u16 {
    tau.max(0).unsigned_abs()
}

/// The state with delay `d` in `1..=32767`: `−1` for `d = 1`, else `d − 1`. Delay 0 is read as 1.
pub fn state_of_delay(delay: u16) -> i16 {
    state_of_covariate(delay.saturating_sub(1))
}

/// The state with covariate `z` in `0..=32766`: `−1` for `z = 0`, else `z`.
pub fn state_of_covariate(covariate: u16) -> i16 {
    if covariate == 0 {
        -1
    } else {
        covariate.min(MAX_CAP) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_time_scales_differ_by_one() {
        for n in 1..=MAX_CAP as i16 {
            let count = n.unsigned_abs();
            assert_eq!(delay_of(n), count + 1);
            assert_eq!(covariate_of(n), count);
            assert_eq!(state_of_delay(count + 1), n);
            assert_eq!(state_of_covariate(count), n);
            assert_eq!(delay_of(-n), 1);
            assert_eq!(covariate_of(-n), 0);
        }
        assert_eq!(state_of_delay(1), -1);
        assert_eq!(state_of_covariate(0), -1);
    }

    #[test]
    fn the_largest_caps_do_not_overflow() {
        let caps = ArmCaps {
            played: MAX_CAP as i16,
            idle: MAX_CAP as i16,
            period: 1,
        };
        assert_eq!(caps.idle(caps.idle), caps.idle);
        assert_eq!(caps.play(-caps.played), -caps.played);
        assert_eq!(
            step(caps.idle, false, -caps.played, caps.idle, caps.wrapped()),
            caps.idle
        );
        assert_eq!(
            step(-caps.played, true, -caps.played, caps.idle, caps.wrapped()),
            -caps.played
        );
    }
}
