//! Running the program in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_brigand");

/// A folder in which commands are given. It is also where the cache of downloads would be.
pub(crate) struct Desk(TempDir);

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A command whose arguments are the words of `line`.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(line.split_whitespace());
        self.place(command)
    }

    /// The same command given in a shell, after `preparation`.
    pub(crate) fn in_shell(&self, preparation: &str, line: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{preparation}; exec \"$0\" \"$@\""), PROGRAM])
            .args(line.split_whitespace());
        self.place(command)
    }

    fn place(&self, mut command: Command) -> Command {
        command.current_dir(self.0.path()).env("BRIGAND_CACHE", self.path("cache")).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, line: &str) -> Ended {
        Ended::from(self.command(line).output().unwrap())
    }

    /// Runs a command that must succeed; answers its standard output.
    pub(crate) fn succeed(&self, line: &str) -> String {
        let ended = self.run(line);
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.err);
        ended.out
    }

    /// Runs a command that must be refused in at most three lines that contain `words`.
    pub(crate) fn refuse(&self, line: &str, words: &[&str]) -> Ended {
        let ended = self.run(line);
        ended.assert_refused(line, words);
        ended
    }

    /// As [`Desk::refuse`], for a training that must not begin: nothing is left behind.
    pub(crate) fn refuse_to_train(&self, line: &str, words: &[&str]) {
        let ended = self.refuse(&format!("train {line} --out run"), words);
        assert_eq!(ended.out, "", "{line}");
        assert!(!self.path("run").exists(), "{line} left a run folder");
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    pub(crate) fn assert_refused(&self, line: &str, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{line}: {}", self.err);
        assert!(self.err.lines().any(|line| line.starts_with("error: ")), "{line}: {}", self.err);
        assert!((1..=3).contains(&self.err.lines().count()), "{line}: {}", self.err);
        assert!(
            !self.err.contains("panicked") && !self.err.contains("bug in brigand"),
            "{line}: {}",
            self.err
        );
        for word in words {
            assert!(self.err.contains(word), "{line}: no `{word}` in: {}", self.err);
        }
    }
}

/// Sends a signal, by its name without SIG.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// The steps of the whole checkpoints of a run, in order.
pub(crate) fn checkpoints(run: &Path) -> Vec<u64> {
    let mut steps: Vec<u64> = names(&run.join("checkpoints"))
        .iter()
        .filter_map(|name| name.strip_prefix("step-")?.strip_suffix(".json")?.parse().ok())
        .collect();
    steps.sort_unstable();
    steps
}

/// The bytes of the tensors that a run had after a step.
pub(crate) fn tensors(run: &Path, step: u64) -> Vec<u8> {
    std::fs::read(run.join(format!("checkpoints/step-{step:08}.safetensors"))).unwrap()
}

/// What a folder holds, in order; nothing when it is not there.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
