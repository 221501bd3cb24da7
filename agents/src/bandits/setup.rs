//! How learners are built from their arguments, and checks on these.

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use super::{Arms, IndexPolicy, LearnerSettings, PAYOFFS, Rule};
use crate::{AgentContext, AgentError, Registry};

/// Arguments of a learner, from which its rule is made.
pub(super) trait LearnerArgs:
    Serialize + DeserializeOwned + Default + JsonSchema + 'static
{
    /// The rule.
    type Rule: Rule;
    /// Identifier of the agent.
    const ID: &'static str;
    /// One sentence for people.
    const SUMMARY: &'static str;

    /// The arguments that all learners have.
    fn settings(&self) -> LearnerSettings;

    /// The rule for `arms`.
    ///
    /// # Errors
    /// An argument error.
    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<Self::Rule, AgentError>;
}

/// Registers the learner with arguments `A`; it asks for the payoff of each play where several are made at once.
pub(super) fn register<A: LearnerArgs>(registry: &mut Registry) {
    let entry = registry
        .register(A::ID, A::SUMMARY, |context, args: A| {
            let rule = args.rule(context, &Arms::new(A::ID, context)?)?;
            let policy = IndexPolicy::new(A::ID, context, rule, args.settings())?;
            Ok(Box::new(policy))
        })
        .wants_info(PAYOFFS, Arms::several);
    for name in IndexPolicy::<A::Rule>::told() {
        entry.needs_info(name);
    }
}

/// Checks that argument `path` is finite and lies in `range`, which `text` puts in words.
pub(super) fn check(
    path: &str,
    value: f64,
    range: impl std::ops::RangeBounds<f64>,
    text: &str,
) -> Result<f64, AgentError> {
    if value.is_finite() && range.contains(&value) {
        Ok(value)
    } else {
        Err(AgentError::argument(path, format!("{value} is not {text}")))
    }
}

/// `T`, the rounds that a learner is tuned for: the argument `horizon`; else the steps of the whole run in one row, or
/// the length of an episode if that is shorter and the learner forgets at its end.
///
/// # Errors
/// An argument error if none of these is known.
pub(super) fn horizon(
    context: &AgentContext,
    given: Option<u64>,
    keep_across_episodes: bool,
) -> Result<f64, AgentError> {
    known_horizon(context, given, keep_across_episodes)?.ok_or_else(|| {
        AgentError::argument(
            "horizon",
            "must be given: episodes have no limit and the length of the run is not known",
        )
    })
}

/// [`horizon`], or nothing where it is not known.
///
/// # Errors
/// An argument error if 0 rounds are given.
pub(super) fn known_horizon(
    context: &AgentContext,
    given: Option<u64>,
    keep_across_episodes: bool,
) -> Result<Option<f64>, AgentError> {
    let episode = context.horizon().filter(|_| !keep_across_episodes);
    // A run of a few steps more than one a row is of one round; 0 steps stand for an unknown length.
    let run = (context.total_steps > 0)
        .then(|| (context.total_steps / context.rows.max(1) as u64).max(1));
    match given.or_else(|| episode.into_iter().chain(run).min()) {
        Some(0) => Err(AgentError::argument(
            "horizon",
            "0 is not a number of rounds above 0",
        )),
        rounds => Ok(rounds.map(|rounds| rounds as f64)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::testbed::{Bernoulli, Match, context};
    use super::*;

    #[test]
    fn the_horizon_is_the_shorter_of_episode_and_run() {
        let env = Bernoulli::new(&[0.2, 0.4], 1, 500);
        let mut context = context(&Match::new(&env, "uniform", &Value::Null, 4).simulator);
        for (total_steps, kept, given, expected) in [
            (0, false, None, Some(500.0)),
            (0, true, None, None),
            (4 * 300, false, None, Some(300.0)),
            (4 * 9000, false, None, Some(500.0)),
            (4 * 9000, true, None, Some(9000.0)),
            (4 * 300, true, Some(7), Some(7.0)),
            (2, false, None, Some(1.0)),
        ] {
            context.total_steps = total_steps;
            let found = known_horizon(&context, given, kept).unwrap();
            assert_eq!(found, expected, "{total_steps} {kept} {given:?}");
        }
        assert!(known_horizon(&context, Some(0), false).is_err());
    }
}
