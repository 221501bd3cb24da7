//! Laser tag for one who sees everything: what the lasers are for is left out.

use super::{CELLS, LaserTag, LaserTagState, MOVES, TAG, place};
use crate::pomdp::{Generative, ModelError, Pomdp, PomdpModel, check::names};

/// Robot and opponent, state `robot · 77 + opponent`; the last state is that of the tagged opponent.
struct Chase<'a>(&'a LaserTag);

const TAGGED: usize = CELLS * CELLS;

impl LaserTag {
    /// The MDP of robot and opponent, as a POMDP with one observation; its solution bounds what the lasers can be
    /// worth. [`chase_state`](Self::chase_state) numbers its states.
    ///
    /// # Errors
    /// None that is known of.
    pub fn chase(&self) -> Result<Pomdp, ModelError> {
        Pomdp::compile(&Chase(self))
    }

    /// The state of [`chase`](Self::chase) that corresponds to `state`.
    pub fn chase_state(state: &LaserTagState) -> usize {
        if state.tagged {
            TAGGED
        } else {
            usize::from(state.robot) * CELLS + usize::from(state.opponent)
        }
    }
}

impl PomdpModel for Chase<'_> {
    fn states(&self) -> Vec<String> {
        let name = |state| format!("r{}-o{}", state / CELLS, state % CELLS);
        (0..TAGGED).map(name).chain(["tagged".into()]).collect()
    }

    fn actions(&self) -> Vec<String> {
        names(&["north", "south", "east", "west", "tag"])
    }

    fn observations(&self) -> Vec<String> {
        names(&["all"])
    }

    fn discount(&self) -> f64 {
        Generative::discount(self.0)
    }

    fn start(&self) -> Vec<(usize, f64)> {
        let free = || self.0.free.iter().map(|&cell| usize::from(cell));
        let p = 1.0 / (free().count() * free().count()) as f64;
        let pairs = free().flat_map(|robot| free().map(move |opponent| robot * CELLS + opponent));
        pairs.map(|state| (state, p)).collect()
    }

    fn transition(&self, state: usize, action: usize) -> Vec<(usize, f64)> {
        if state == TAGGED {
            return vec![(TAGGED, 1.0)];
        }
        let (robot, opponent) = (state / CELLS, state % CELLS);
        if action == TAG && robot == opponent {
            return vec![(TAGGED, 1.0)];
        }
        let here = LaserTagState {
            robot: robot as u8,
            opponent: opponent as u8,
            tagged: false,
        };
        let direction = MOVES.get(action);
        let to = direction.and_then(|&direction| self.0.open(place(here.robot), direction));
        let robot = usize::from(to.unwrap_or(here.robot));
        let fled = |fifth| (robot * CELLS + usize::from(self.0.fled(here, fifth)), 0.2);
        (0..5).map(fled).collect()
    }

    fn observation(&self, _action: usize, _next: usize) -> Vec<(usize, f64)> {
        vec![(0, 1.0)]
    }

    fn reward(&self, state: usize, action: usize, _next: usize) -> f64 {
        match action {
            _ if state == TAGGED => 0.0,
            TAG if state / CELLS == state % CELLS => 10.0,
            TAG => -10.0,
            _ => -1.0,
        }
    }
}
