//! How learners are built from their arguments, and checks on these.

use palaestra_envs::EnvError;
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

/// An error about argument `path`.
pub(super) fn argument(path: &str, message: impl Into<String>) -> AgentError {
    AgentError::Env(EnvError::Argument {
        path: path.into(),
        message: message.into(),
        suggestion: None,
    })
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
        Err(argument(path, format!("{value} is not {text}")))
    }
}

/// `T`, the rounds that a learner is tuned for: the argument `horizon`; else the length of an episode, if the
/// learner forgets at its end and episodes have a limit; else the steps of the whole run in one row.
///
/// # Errors
/// An argument error if none of these is known.
pub(super) fn horizon(
    context: &AgentContext,
    given: Option<u64>,
    keep_across_episodes: bool,
) -> Result<f64, AgentError> {
    known_horizon(context, given, keep_across_episodes)?.ok_or_else(|| {
        argument(
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
    let run = context.total_steps / context.rows.max(1) as u64;
    match given.or(episode).or((run > 0).then_some(run)) {
        Some(0) => Err(argument("horizon", "0 is not a number of rounds above 0")),
        rounds => Ok(rounds.map(|rounds| rounds as f64)),
    }
}
