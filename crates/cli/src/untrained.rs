//! What is to be said of a run whose generator was not trained yet.

use std::path::Path;

use brigand::system::System;

use crate::console;

/// Says on standard error that the run in `run` is used before what makes its samples was trained, if it is.
pub(crate) fn note(system: &dyn System, step: u64, run: &Path) {
    let reason = match system.untrained_phase(step) {
        Some(phase) => format!("in its phase phases.{phase}, before the generator is trained"),
        None if step == 0 => "before any training".to_owned(),
        None => return,
    };
    console::tell(&format!(
        "note: {} is at step {step}, {reason}: this is what untrained networks make; train it further with {}",
        run.display(),
        console::command_line("train --resume", run)
    ));
}
