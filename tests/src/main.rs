//! The shipped program, for the tests of the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    palaestra::cli::main(palaestra::Registries::default())
}
