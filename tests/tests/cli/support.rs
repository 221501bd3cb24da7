//! Running the program in a folder of its own.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A temporary folder and the program.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The program, started in the temporary folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs, expecting success, and returns stdout.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "{args:?}\n{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs with `--json`, expecting success.
    pub(crate) fn json(&self, args: &[&str]) -> serde_json::Value {
        let mut with_json = args.to_vec();
        with_json.push("--json");
        serde_json::from_str(&self.ok(&with_json)).unwrap()
    }

    /// Exit code, stdout and stderr in one text, with the temporary folder and platform separators hidden.
    pub(crate) fn transcript(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let text = format!(
            "exit code {}\n--- stdout\n{}--- stderr\n{}",
            output
                .status
                .code()
                .map_or("none".into(), |c| c.to_string()),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        text.replace(&self.folder.path().display().to_string(), "TEMP")
    }

    /// The transcripts of several commands, each under its arguments.
    pub(crate) fn transcripts(&self, commands: &[&[&str]]) -> String {
        let said = commands.iter().map(|args| {
            let transcript = self.transcript(args);
            format!("=== {}\n{transcript}", args.join(" "))
        });
        said.collect()
    }
}

/// The program: cargo builds the binary of this package, which is the shipped one under another name.
pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_palaestra-under-test")
}

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every file below `folder` whose name `wanted` accepts, by path relative to it, with its bytes.
pub(crate) fn files(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<(String, Vec<u8>)> {
    fn walk(root: &Path, folder: &Path, out: &mut Vec<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, out);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                out.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    let mut out = Vec::new();
    walk(folder, folder, &mut out);
    out.retain(|(name, _)| wanted(name));
    out.sort();
    out
}

/// The files that must be equal byte for byte between equal runs.
pub(crate) fn is_result(name: &str) -> bool {
    name.ends_with("metrics.parquet") || name.contains("/episodes/") || name.ends_with("trial.json")
}
