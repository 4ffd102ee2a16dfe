//! One process at a time trains in a run folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::files::FileError;

/// The file that is locked. It stays when the process ends; only the lock on it counts.
pub(super) const LOCK: &str = ".lock";
/// More bytes than a holder writes.
const LONGEST: u64 = 1024;

/// Why a run folder could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum RunLockError {
    /// Another process trains in it.
    #[error("{} is being trained by {holder}; wait until it has finished, or stop it", path.display())]
    Held {
        /// The run's folder.
        path: PathBuf,
        /// The process, as far as it is known.
        holder: String,
    },
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The right to train in a run folder, until it is dropped or its process ends, however that happens: the operating
/// system holds the lock, on the computers of a network file system too where that passes locks on. A file system that
/// has no locks at all protects nothing.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Locks the run folder `path`, and notes in `.lock` who did.
    ///
    /// # Errors
    /// [`RunLockError::Held`] when a process has it, this one included; [`RunLockError::File`] when the folder cannot be
    /// written.
    pub fn take(path: &Path) -> Result<Self, RunLockError> {
        let place = path.join(LOCK);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&place);
        let mut file = opened.map_err(FileError::when("open", &place))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(RunLockError::Held { path: path.to_owned(), holder: holder(&mut file) });
        }
        let host = gethostname::gethostname();
        let note = format!("process {} on {}\n", std::process::id(), host.display());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(note.as_bytes()))
            .map_err(FileError::when("write", &place))?;
        Ok(Self { _file: file })
    }
}

/// What the holder of the lock wrote.
fn holder(file: &mut File) -> String {
    let mut note = String::new();
    // Some systems do not let a locked file be read, and the holder may not have written yet.
    let read = file.take(LONGEST).read_to_string(&mut note);
    match note.trim() {
        note if read.is_ok() && !note.is_empty() => note.to_owned(),
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_until_the_lock_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let lock = RunLock::take(folder.path()).unwrap();
        let message = RunLock::take(folder.path()).unwrap_err().to_string();
        let own = format!("is being trained by process {} on ", std::process::id());
        assert!(message.contains(&own) && message.contains("stop it"), "{message}");
        drop(lock);
        std::fs::write(folder.path().join(LOCK), "process 1 on a computer with a long name\n").unwrap();
        let lock = RunLock::take(folder.path()).unwrap();
        let note = std::fs::read_to_string(folder.path().join(LOCK)).unwrap();
        assert!(note.starts_with("process ") && note.lines().count() == 1, "{note}");
        drop(lock);
        let message = RunLock::take(&folder.path().join("absent")).unwrap_err().to_string();
        assert!(message.contains("cannot open") && message.contains("absent"), "{message}");
    }

    #[test]
    fn a_holder_that_left_no_note_is_another_process() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join(LOCK)).unwrap();
        file.lock().unwrap();
        let message = RunLock::take(folder.path()).unwrap_err().to_string();
        assert!(message.contains("being trained by another process"), "{message}");
    }
}
