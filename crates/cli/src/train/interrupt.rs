//! Ctrl-C and the signals by which a system ends programs.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::console;
use crate::failure::{Failure, INTERRUPTED};

static STOP: AtomicBool = AtomicBool::new(false);

/// A flag that the first signal raises; the second ends the program at once.
pub(super) fn watch() -> Result<&'static AtomicBool, Failure> {
    let handler = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
        console::tell("\nfinishing this step and writing a checkpoint; once more to stop at once");
    };
    ctrlc::set_handler(handler)
        .map_err(|reason| brigand::Error::Request(format!("cannot listen for Ctrl-C: {reason}")))?;
    Ok(&STOP)
}
