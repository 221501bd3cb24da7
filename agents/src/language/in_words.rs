//! Players that choose from numbers, in games that are played in words.
//!
//! *Anchor: the template channel of a policy over numbers before rivals that read is Palaestra's; the games are those of
//! GLEE, arXiv 2410.05254.*
//!
//! Both forms of a game show a seat the same numbers. An agent that was built for the game in numbers ([`InNumbers`]) is
//! shown a border of its own, which is filled from what the seat sees of the game in words; what it chooses there is
//! written as the answer that makes the same move, with its sentence where a message is due. So what was learned in one
//! form plays, and goes on learning, in the other, and what is saved fits both.

use palaestra_envs::{
    language::{
        Money, Verdict,
        answer::Expected,
        structured::{OfferGrid, WIDTH},
        templates::{SILENT, TEMPLATES},
        text::InNumbers,
    },
    sim::{ActView, Border, EnvSpec, Model, PlayerBorder, Selection},
    space::Columns,
};

use super::{
    decision::{BITS, Decision, in_words, scale},
    sight::Situation,
};
use crate::{Agent, AgentContext, AgentError, Mode, StepView};

/// Field of the numbers.
const STATE: &str = "state";
/// Field that says what is due.
const EXPECTS: &str = "expects";
/// Ways to answer an offer.
const VERDICTS: [Verdict; 3] = [Verdict::Accept, Verdict::Reject, Verdict::Exit];

/// The game in numbers, if `env` is one in words.
pub(crate) fn numbers(env: &EnvSpec) -> Option<InNumbers> {
    let model = env.model.as_ref()?;
    model
        .get::<InNumbers>()
        .map(|numbers| InNumbers::clone(&numbers))
}

/// An agent for a game in numbers, seated in the same game in words.
pub(crate) struct InWords {
    id: String,
    agent: Box<dyn Agent>,
    /// What the agent is shown.
    border: Border,
    /// Offers to choose from.
    grid: Option<OfferGrid>,
    /// Fields of the observation.
    state: usize,
    expects: usize,
    /// What is due in each row; `None` for other seats than the one that is to act.
    due: Vec<Option<Expected>>,
}

impl InWords {
    /// Seats the agent that `build` makes for the game in numbers.
    ///
    /// # Errors
    /// Those of `build`; [`AgentError::Unsupported`] where wrappers hide the numbers.
    pub(crate) fn new(
        id: &str,
        context: &AgentContext,
        InNumbers(numbers): InNumbers,
        build: impl FnOnce(&AgentContext) -> Result<Box<dyn Agent>, AgentError>,
    ) -> Result<Self, AgentError> {
        let unsupported = |reason: &str| AgentError::Unsupported {
            agent: id.into(),
            env: context.env.id.clone(),
            reason: reason.into(),
        };
        let fields = context.player().observation.columns(1);
        let found = fields.index_of(STATE).zip(fields.index_of(EXPECTS));
        let (state, expects) = found.ok_or_else(|| {
            unsupported("it needs the fields `state` and `expects`, which a wrapper hides")
        })?;
        let choices = |player: usize| &numbers.players[player].action;
        let first = choices(context.players[0]);
        if context
            .players
            .iter()
            .any(|&player| choices(player) != first)
        {
            return Err(unsupported(
                "its players have different choices; seat an agent for each with `players = [\"NAME\"]`",
            ));
        }
        let inner = AgentContext {
            env: numbers.clone(),
            ..context.clone()
        };
        Ok(Self {
            id: id.into(),
            agent: build(&inner)?,
            border: Border::detached(&numbers, context.rows),
            grid: (numbers.model.as_ref().and_then(Model::get)).map(|grid| *grid),
            state,
            expects,
            due: vec![None; context.rows],
        })
    }

    fn failed(&self, row: usize) -> AgentError {
        AgentError::Failed {
            agent: self.id.clone(),
            reason: format!("row {row} does not show what is due in a language game"),
        }
    }

    /// Copies what a seat sees: numbers, who is to act, what may be chosen.
    fn see(
        &mut self,
        player: usize,
        observation: &Columns,
        acting: &[bool],
        elapsed: &[u32],
    ) -> Result<(), AgentError> {
        let offers = self.grid.map(|grid| grid.offers);
        for (row, acts) in acting.iter().enumerate() {
            let mut due = None;
            if *acts {
                let text = &observation.text(self.expects)[row];
                let read = serde_json::from_str::<Expected>(text).map_err(|_| self.failed(row))?;
                due = Some(read);
            }
            allow(
                due.as_ref(),
                offers,
                self.border.player_mut(player).mask_row_mut(row),
            );
            self.due[row] = due;
        }
        self.border.elapsed.copy_from_slice(elapsed);
        let own = self.border.player_mut(player);
        own.acting.copy_from_slice(acting);
        let numbers = own.env_observation_mut().f32_mut(0);
        numbers.copy_from_slice(observation.f32(self.state));
        Ok(())
    }

    /// What the agent has chosen in a row.
    fn decision(&self, own: &PlayerBorder, due: &Expected, row: usize) -> Option<Decision> {
        let columns = own.action();
        let width = columns.width(0);
        let action = &columns.i32(0)[row * width..(row + 1) * width];
        let choice = usize::try_from(action[0]).ok()?;
        let message = action.get(1).map_or(SILENT, |&message| message as usize);
        let part = |scale: Money| {
            let OfferGrid { offers, range } = self.grid?;
            let [low, high] = range;
            let part = low + (high - low) * (choice as f64 / (offers - 1) as f64);
            // Rounded to hundredths as the game in numbers does it.
            (choice < offers).then(|| scale.times(part).unwrap_or_default().share_of(scale))
        };
        match due {
            Expected::Split { money, .. } => Some(Decision::Offer(part(*money)?, message)),
            Expected::Price { highest, .. } => {
                Some(Decision::Offer(part(scale(*highest))?, message))
            }
            Expected::BargainingVerdict { .. } | Expected::NegotiationVerdict { .. } => {
                let verdict = choice.checked_sub(self.grid?.offers)?;
                VERDICTS
                    .get(verdict)
                    .map(|&verdict| Decision::Verdict(verdict))
            }
            Expected::SellerText => choice.checked_sub(BITS).map(Decision::Say),
            Expected::Recommendation => Some(Decision::Recommend(choice == 1)),
            Expected::Purchase { .. } => Some(Decision::Buy(choice == 1)),
        }
    }
}

/// Writes the choices that are allowed; with `offers` of bargaining and negotiation.
fn allow(due: Option<&Expected>, offers: Option<usize>, mask: &mut [u8]) {
    mask.fill(0);
    let Some(due) = due else {
        return;
    };
    let offers = offers.unwrap_or_default();
    let talks = mask.len().saturating_sub(TEMPLATES);
    let (allowed, exit, messages) = match due {
        Expected::Split { message, .. } | Expected::Price { message, .. } => {
            (0..offers, false, *message)
        }
        Expected::BargainingVerdict { walk_away } => (offers..offers + 2, *walk_away, false),
        Expected::NegotiationVerdict { .. } => (offers..offers + 2, true, false),
        Expected::SellerText => (0..0, false, true),
        Expected::Recommendation | Expected::Purchase { .. } => (0..BITS, false, false),
    };
    mask[allowed].fill(1);
    if exit {
        mask[offers + 2] = 1;
    }
    let haggles = offers > 0;
    if messages {
        mask[talks..].fill(1);
    } else if haggles && talks == offers + VERDICTS.len() {
        mask[talks + SILENT] = 1;
    }
}

impl Agent for InWords {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        self.see(view.player, view.observation, view.acting, view.elapsed)?;
        let (inner, chosen) = self.border.act_view(view.player);
        self.agent.act(&inner, rows, chosen)?;
        let own = self.border.player(view.player);
        let numbers = own.env_observation().f32(0);
        for row in rows.rows() {
            let Some(due) = &self.due[row] else {
                continue;
            };
            let see = Situation::read(&numbers[row * WIDTH..(row + 1) * WIDTH]);
            let answer = see.and_then(|see| {
                let decision = self.decision(own, due, row)?;
                in_words(decision, due, &see)
            });
            actions.text_mut(0)[row] = answer.ok_or_else(|| self.failed(row))?;
        }
        Ok(())
    }

    fn observe(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        let seen = view.own();
        self.see(
            view.player,
            seen.observation(),
            &seen.acting,
            &view.border.elapsed,
        )?;
        let (border, state) = (&mut self.border, self.state);
        border.terminated.copy_from_slice(&view.border.terminated);
        border.truncated.copy_from_slice(&view.border.truncated);
        (border.final_elapsed).copy_from_slice(&view.border.final_elapsed);
        let own = border.player_mut(view.player);
        own.reward.copy_from_slice(&seen.reward);
        own.acted.copy_from_slice(&seen.acted);
        own.episode_return.copy_from_slice(&seen.episode_return);
        own.final_return.copy_from_slice(&seen.final_return);
        let last = own.final_observation.f32_mut(0);
        last.copy_from_slice(seen.final_observation.f32(state));
        self.agent.observe(&StepView {
            player: view.player,
            rows: view.rows,
            border: &self.border,
        })
    }

    fn set_mode(&mut self, mode: Mode) {
        self.agent.set_mode(mode);
    }

    fn metrics(&mut self, record: &mut dyn FnMut(&str, f64)) {
        self.agent.metrics(record);
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        self.agent.save()
    }

    fn load(&mut self, state: &[u8]) -> Result<(), AgentError> {
        self.agent.load(state)
    }

    fn adopt(&mut self, state: &[u8]) -> Result<(), AgentError> {
        self.agent.adopt(state)
    }

    fn finish(&mut self) -> Result<(), AgentError> {
        self.agent.finish()
    }
}

#[cfg(test)]
mod tests;
