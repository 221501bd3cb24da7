//! The `palaestra` program with everything that ships.

use std::process::ExitCode;

fn main() -> ExitCode {
    palaestra::cli::main(palaestra::Registries::default())
}
