//! `serve`: an agent that games elsewhere can ask, over HTTP as GLEE's released code does.

use std::net::SocketAddr;

use clap::Args;
use palaestra_agents::language::{
    chat::Secret,
    http::{Desk, Server},
};
use serde_json::json;

use super::{CliError, Exit, output::Output};
use crate::Registries;

/// `palaestra serve`
#[derive(Debug, Clone, Args)]
pub(super) struct ServeArgs {
    /// Identifier of the agent
    agent: String,
    /// Its arguments as JSON
    #[arg(long, default_value = "null")]
    args: String,
    /// Where to listen; other machines can ask only if it says so
    #[arg(long, default_value = "127.0.0.1:5000")]
    address: SocketAddr,
    /// The environment variable with the key that requests must carry in `X-API-Key`
    #[arg(long, value_name = "VARIABLE", default_value = "")]
    key_env: String,
    /// Seed of the agent
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

pub(super) fn serve(
    registries: &Registries,
    output: &Output,
    args: &ServeArgs,
) -> Result<Exit, CliError> {
    let given = serde_json::from_str(&args.args).map_err(|e| {
        let hint = "e.g. --args '{\"model\": \"gpt-4o-mini\"}'";
        CliError::argument(format!("--args is not JSON: {e}"), hint)
    })?;
    let entry = registries.agents.get(&args.agent)?;
    let desk = Desk::new(&registries.envs, entry, &given, args.seed)?;
    let key = Secret::from_env("key-env", &args.key_env)?;
    let taken = |error: std::io::Error| {
        let problem = format!("cannot listen at {}: {error}", args.address);
        CliError::argument(
            problem,
            "name another with --address; port 0 takes a free one",
        )
    };
    let server = Server::bind(args.address, key).map_err(taken)?;
    let address = server.address().map_err(taken)?;
    output.text(&format!(
        "agent `{}` answers POST http://{address}/chat; Ctrl-C ends it",
        args.agent
    ));
    output.document(
        "serve/1",
        &json!({ "agent": args.agent, "address": address }),
    );
    server.run(&|request| desk.answer(request));
    Ok(Exit::Success)
}
