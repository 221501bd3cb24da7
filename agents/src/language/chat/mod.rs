//! Models of language behind an endpoint for chats, as players of games in words.
//!
//! Any endpoint that takes `POST …/chat/completions` will do. All rows that are to move are asked at the
//! same time, within the [`Limits`], by threads of their own: a game goes on when its answer is there. What fails in
//! passing is asked again after a while, as the endpoint wishes or at random ([`retry`]), and then another model may be
//! asked; what is spent stands in a ledger and ends at the caps of the [`Budget`]. A seat without an
//! answer gives up its game for the reason ([`resignation`](palaestra_envs::language::answer::resignation)), an answer
//! that was cut off counts as an invalid one. A transcript holds everything that was said, and a run can be played
//! again from it, to the byte and without a network ([`Source::Strict`]).
//!
//! A key comes from an environment variable, goes into one header and into nothing else.

mod account;
mod agent;
mod args;
mod asker;
mod client;
mod clock;
mod limits;
mod message;
pub mod mock;
mod pool;
pub mod retry;
mod secret;
mod stream;
#[cfg(test)]
mod tests;
mod transcript;
mod transport;

use std::{sync::Arc, time::Duration};

pub use account::{Account, Budget, Cap, Entry, Price, Reservation, Spent, Usage};
pub use agent::Correspondent;
pub use args::{ChatArgs, Format, Timeouts, TokenKey};
pub use clock::{Clock, Wall};
pub use limits::{Limiter, Limits, Pass, Place};
pub use secret::Secret;
pub use transcript::{Record, Source};
pub use transport::{Broken, Http, Post, Reply, Transport};

pub(crate) use agent::Told;
pub(crate) use args::address;
pub(crate) use asker::Wire;
pub(crate) use client::Client;
pub(crate) use message::Answer;

use crate::{AgentContext, AgentError, Registry};

/// Identifier in the registry.
const ID: &str = "chat";

/// What sends requests with these times; nothing where nothing may be sent.
pub(crate) fn transport(timeouts: &Timeouts, source: Source) -> Option<Box<dyn Transport>> {
    let [connect, first_byte] =
        [timeouts.connect_s, timeouts.first_byte_s].map(Duration::from_secs_f64);
    (source != Source::Strict)
        .then(|| Box::new(Http::new(connect, first_byte)) as Box<dyn Transport>)
}

/// A chat player.
///
/// # Errors
/// [`AgentError`] for arguments that are wrong, files that cannot be opened, a key that is not there, and environments
/// that are not played in words.
pub fn build(context: &AgentContext, args: ChatArgs) -> Result<Correspondent, AgentError> {
    args.check()?;
    let transport = transport(&args.timeouts, args.source);
    build_with(context, args, transport, Arc::new(Wall::default()))
}

/// As [`build`], with another way to send requests, and another clock.
///
/// # Errors
/// As [`build`].
pub fn build_with(
    context: &AgentContext,
    args: ChatArgs,
    transport: Option<Box<dyn Transport>>,
    clock: Arc<dyn Clock>,
) -> Result<Correspondent, AgentError> {
    args.check()?;
    let url = format!("{}/chat/completions", address("base_url", &args.base_url)?);
    let key = match args.source {
        Source::Strict => None,
        _ => Secret::from_env("key_env", &args.key_env)?,
    };
    let wire = Wire {
        agent: ID,
        url,
        key: key.map(|key| ("authorization", "Bearer ", key)),
        model: args.model.clone(),
        fallbacks: args.fallbacks.clone(),
        context_window_fallbacks: args.context_window_fallbacks.clone(),
        longest: u64::from(args.max_tokens),
        read: message::answer,
        timeouts: args.timeouts.clone(),
        max_retries: args.max_retries,
        limits: args.limits.clone(),
        budget: args.budget,
        prices: args.prices.clone(),
        ledger: args.ledger.clone(),
        transcript: args.transcript.clone(),
        source: args.source,
    };
    let client = Client::new(wire, transport, clock)?;
    let body = move |told: Told<'_>| {
        message::request(&args, told.chat, &told.expects["schema"], told.seed)
    };
    Correspondent::new(ID, context, client, Box::new(body))
}

/// Registers the agent.
pub fn register(registry: &mut Registry) {
    registry.register(
        ID,
        "A model of language behind an endpoint for chats, in games that are played in words.",
        |context, args: ChatArgs| Ok(Box::new(build(context, args)?)),
    );
}
