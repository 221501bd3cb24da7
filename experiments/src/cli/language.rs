//! `language`: recorded games of bargaining, negotiation and persuasion.

mod import;
mod regress;

use clap::Subcommand;

use super::{CliError, Exit, output::Output};
use crate::Registries;

/// `palaestra language`
#[derive(Debug, Clone, Subcommand)]
pub(super) enum LanguageArgs {
    /// Read folders of recorded games into two tables, of games and of actions
    #[command(
        after_help = "Example:\n  palaestra language import Data --out games --lenient\n\n`palaestra export RUN --format glee` writes such folders."
    )]
    Import(import::ImportArgs),
    /// Explain what came out of games by how they are configured and who plays
    #[command(
        after_help = "Examples:\n  palaestra language regress games\n  palaestra language regress runs/tournament --family bargaining --measure efficiency --plot effects.svg\n  palaestra language regress games --pairs --reference 'money=100' --json"
    )]
    Regress(regress::RegressArgs),
}

pub(super) fn language(
    registries: &Registries,
    output: &Output,
    args: &LanguageArgs,
) -> Result<Exit, CliError> {
    match args {
        LanguageArgs::Import(args) => import::import(output, args),
        LanguageArgs::Regress(args) => regress::regress(registries, output, args),
    }
}
