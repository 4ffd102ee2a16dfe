//! Ctrl-C and the signals by which a system ends programs.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::console;
use crate::failure::{Failure, INTERRUPTED};

static STOP: AtomicBool = AtomicBool::new(false);

/// A flag that the first signal raises; the second ends the program at once. Signals that were ignored when the program
/// started, as under `nohup`, stay ignored.
pub(super) fn install() -> Result<&'static AtomicBool, Failure> {
    let handler = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
        console::tell("\nfinishing this step and writing a checkpoint; once more to stop at once");
    };
    let ignored = signals::ignored();
    ctrlc::set_handler(handler).map_err(|reason| {
        brigand::Error::Request(format!("cannot install a handler for Ctrl-C: {reason}"))
    })?;
    signals::ignore(&ignored);
    Ok(&STOP)
}

#[cfg(unix)]
mod signals {
    use std::mem::MaybeUninit;
    use std::ptr::null;

    /// Those that [`ctrlc::set_handler`] handles.
    const HANDLED: [libc::c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

    pub(super) fn ignored() -> Vec<libc::c_int> {
        HANDLED.into_iter().filter(|&signal| is_ignored(signal)).collect()
    }

    #[allow(unsafe_code, reason = "the standard library does not know signals")]
    fn is_ignored(signal: libc::c_int) -> bool {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: without a new action `sigaction` only writes the present one to `action`, which is large enough for
        // it; all zeros are a valid `sigaction`, should it fail.
        let action = unsafe {
            libc::sigaction(signal, null(), action.as_mut_ptr());
            action.assume_init()
        };
        action.sa_sigaction == libc::SIG_IGN
    }

    #[allow(unsafe_code, reason = "the standard library does not know signals")]
    pub(super) fn ignore(signals: &[libc::c_int]) {
        for &signal in signals {
            // SAFETY: `SIG_IGN` is a valid disposition for these signals, and no Rust code runs when they arrive.
            unsafe { libc::signal(signal, libc::SIG_IGN) };
        }
    }
}

#[cfg(not(unix))]
mod signals {
    pub(super) fn ignored() {}

    pub(super) fn ignore((): &()) {}
}
