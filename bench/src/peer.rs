//! Processes that measure one workload each and print it as one line of JSON.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;
use serde::de::DeserializeOwned;

use crate::measurement::Measurement;
use crate::workload::Workload;
use crate::{Conditions, Failure, Precision, now};

/// How PyTorch computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// As tutorials write it.
    Eager,
    /// Channels-last memory, fused Adam, the discriminator frozen in the generator's update.
    Tuned,
    /// The same under bfloat16 autocast.
    TunedBf16,
}

impl Peer {
    /// The script's arguments for it.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Eager => &[],
            Self::Tuned => &["--tuned"],
            Self::TunedBf16 => &["--tuned", "--bf16"],
        }
    }
}

/// Measures the workload called `name` with `program`, a build of this one.
pub(crate) fn measure_build<M: DeserializeOwned>(
    program: &Path,
    name: &str,
    conditions: Conditions,
) -> Result<M, Failure> {
    let mut command = Command::new(program);
    command.args(["run", name]);
    match conditions.precision {
        // Older builds do not know the option.
        Precision::F32 => {}
        Precision::Bf16 => {
            command.args(["--precision", "bf16"]);
        }
    }
    measure(command, conditions)
}

/// Measures `peer` of `workload` with the script beside this program's source.
pub(crate) fn measure_theirs(
    python: &Path,
    peer: Peer,
    workload: &Workload,
    conditions: Conditions,
) -> Result<Measurement, Failure> {
    let mut command = Command::new(python);
    command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("pytorch_peer.py"));
    command.args(peer.arguments()).arg(workload.peer);
    measure(command, conditions)
}

fn measure<M: DeserializeOwned>(mut command: Command, conditions: Conditions) -> Result<M, Failure> {
    command.args(["--seconds", &conditions.seconds.to_string()]);
    command.args(["--threads", &conditions.threads()?.to_string()]);
    command.args(["--started-at", &format!("{:.6}", now()?)]);
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::inherit()).output().map_err(|reason| {
        format!("cannot run {program}: {reason}; give the path of a program that exists")
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("{program} ended with {}; its message is above", output.status).into());
    }
    serde_json::from_str(&text)
        .map_err(|reason| format!("{program} printed no measurement ({reason}): {}", text.trim()).into())
}
