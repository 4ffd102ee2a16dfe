//! Processes that measure one workload each and print it as one line of JSON.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::measurement::Measurement;
use crate::workload::Workload;
use crate::{Conditions, Failure, now};

/// Measures `workload` with this program.
pub(crate) fn measure_ours(workload: &Workload, conditions: Conditions) -> Result<Measurement, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["run", workload.name]);
    measure(command, conditions)
}

/// Measures the peer of `workload` with the script beside this program's source.
pub(crate) fn measure_theirs(
    python: &Path,
    workload: &Workload,
    conditions: Conditions,
) -> Result<Measurement, Failure> {
    let mut command = Command::new(python);
    command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("pytorch_peer.py")).arg(workload.peer);
    measure(command, conditions)
}

fn measure(mut command: Command, conditions: Conditions) -> Result<Measurement, Failure> {
    command.args(["--seconds", &conditions.seconds.to_string()]);
    command.args(["--threads", &conditions.threads()?.to_string()]);
    command.args(["--started-at", &format!("{:.6}", now()?)]);
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|reason| format!("cannot run {program}: {reason}; give --python an existing file"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("{program} ended with {}; its message is above", output.status).into());
    }
    serde_json::from_str(&text)
        .map_err(|reason| format!("{program} printed no measurement ({reason}): {}", text.trim()).into())
}
