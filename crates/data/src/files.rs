//! Files that are never seen half-written, and folders of files numbered by training step.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Ending of a file that is still being written; one left over by a killed process is rubbish.
const PARTIAL: &str = ".partial";

/// The operating system refused something asked of a file or folder.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {reason}{}", path.display(), advice(action, reason))]
pub struct FileError {
    /// What was being done: `"write"`, `"read"`, `"create"`...
    pub action: &'static str,
    /// The file or folder it was done to.
    pub path: PathBuf,
    /// The operating system's reason.
    pub reason: io::Error,
}

impl From<FileError> for brigand_core::Error {
    fn from(error: FileError) -> Self {
        Self::other(error)
    }
}

impl FileError {
    /// Names what was being done to which path when the operating system gave `reason`.
    pub fn new(action: &'static str, path: &Path, reason: io::Error) -> Self {
        FileError { action, path: path.to_owned(), reason }
    }

    /// For `map_err`: the same as [`FileError::new`] with the reason still to come.
    pub fn when<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |reason| FileError::new(action, path, reason)
    }
}

/// What is done to a path that is written to.
const WRITE: &str = "write";

fn advice(action: &str, reason: &io::Error) -> &'static str {
    match reason.kind() {
        io::ErrorKind::NotFound if action == WRITE => "; make the folder that it is to lie in first",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space or choose a folder on another disk"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "; choose a folder you may write to"
        }
        io::ErrorKind::NotADirectory => "; a part of this path is a file, choose another folder",
        _ => "",
    }
}

/// Replaces `path` by `bytes` so that a reader, or this machine after a power cut, finds either the
/// old content or the new, never a mixture: written to a hidden file beside it, synced, renamed, and
/// the folder synced. On an error the hidden file is removed and `path` is as it was.
///
/// # Errors
/// [`FileError`] when the folder is missing or read-only, or the disk is full.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let beside = partial_path(path);
    let outcome = write_and_sync(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if let Err(reason) = outcome {
        // The first error is the one worth telling; a left-over is cleaned up at the next save.
        let _ = fs::remove_file(&beside);
        return Err(FileError::new(WRITE, path, reason));
    }
    sync_folder_of(path)
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The hidden file beside `path` this process writes before renaming.
pub fn partial_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}{PARTIAL}", std::process::id()))
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Refuses a file whose folder is not there, with the error that writing it would give: for use before long work.
///
/// # Errors
/// [`FileError`] when there is no such folder.
pub fn refuse_missing_folder(path: &Path) -> Result<(), FileError> {
    let found = fs::metadata(folder_of(path)).map_err(FileError::when(WRITE, path))?;
    match found.is_dir() {
        true => Ok(()),
        false => Err(FileError::new(WRITE, path, io::ErrorKind::NotADirectory.into())),
    }
}

/// Makes a rename or removal beside `path` survive a power cut.
fn sync_folder_of(path: &Path) -> Result<(), FileError> {
    // Windows has no way to sync a folder.
    if cfg!(unix) {
        let folder = folder_of(path);
        File::open(folder).and_then(|opened| opened.sync_all()).map_err(FileError::when("sync", folder))?;
    }
    Ok(())
}

/// Removes the half-written files a killed process left in `folder`.
///
/// # Errors
/// [`FileError`] when the folder cannot be read or a file cannot be removed.
pub fn remove_partial_files(folder: &Path) -> Result<(), FileError> {
    for entry in fs::read_dir(folder).map_err(FileError::when("read", folder))? {
        let path = entry.map_err(FileError::when("read", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(PARTIAL) {
            remove_if_there(&path)?;
        }
    }
    Ok(())
}

/// Removes a file that may already be gone.
///
/// # Errors
/// [`FileError`] when it is there and cannot be removed.
pub fn remove_if_there(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(reason) if reason.kind() != io::ErrorKind::NotFound => {
            Err(FileError::new("remove", path, reason))
        }
        _ => Ok(()),
    }
}

/// The path that `text` names, where a leading `~` is the user's folder as in a shell: shells replace it at the
/// beginning of a word only, not in `folder:~/photos`. Other users' folders (`~anna`) are left as they are.
pub fn path_of(text: &str) -> PathBuf {
    match (text.strip_prefix('~'), directories::BaseDirs::new()) {
        (Some(""), Some(user)) => user.home_dir().to_owned(),
        (Some(rest), Some(user)) if rest.starts_with(std::path::is_separator) => {
            user.home_dir().join(rest.trim_start_matches(std::path::is_separator))
        }
        _ => PathBuf::from(text),
    }
}

/// The name of a file belonging to a training step: `step-00001000.png`.
pub fn step_file_name(step: u64, extension: &str) -> String {
    format!("step-{step:08}.{extension}")
}

/// The files `step-<number>.<extension>` in `folder` with their steps, in order of the step.
///
/// # Errors
/// [`FileError`] when the folder cannot be read.
pub fn step_files(folder: &Path, extension: &str) -> Result<Vec<(u64, PathBuf)>, FileError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(FileError::when("read", folder))? {
        let path = entry.map_err(FileError::when("read", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let digits =
            name.strip_prefix("step-").and_then(|rest| rest.strip_suffix(extension)?.strip_suffix('.'));
        if let Some(step) = digits.and_then(|digits| digits.parse::<u64>().ok())
            // Refuses other spellings of the same number, so that a step has one file.
            && name == step_file_name(step, extension)
        {
            found.push((step, path));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_content_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn error_names_path_and_reason() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let below = file.join("a.txt");
        let message = write_atomically(&below, b"one").unwrap_err().to_string();
        assert!(message.contains(&below.display().to_string()), "{message}");
        assert!(message.contains("choose another folder"), "{message}");
        // What is looked at before gives the same advice.
        let message = refuse_missing_folder(&below).unwrap_err().to_string();
        assert!(message.contains("file/a.txt") && message.contains("choose another folder"), "{message}");
        let absent = folder.path().join("absent/a.txt");
        let message = refuse_missing_folder(&absent).unwrap_err().to_string();
        assert!(message.contains("absent/a.txt") && message.contains("make the folder"), "{message}");
        assert!(refuse_missing_folder(&file).is_ok() && refuse_missing_folder(Path::new("a.txt")).is_ok());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn full_disk_keeps_old_content_and_removes_the_partial_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomically(&path, b"one").unwrap();
        std::os::unix::fs::symlink("/dev/full", partial_path(&path)).unwrap();
        let message = write_atomically(&path, b"two").unwrap_err().to_string();
        assert!(message.contains("free some space"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn step_files_come_in_order_of_step_and_others_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["step-00000010.png", "step-00000002.png", "step-123456789.png"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        for other in ["step-3.png", "step-00000004.json", "x.png", "step-.png", "step-+0000005.png"] {
            fs::write(folder.path().join(other), "").unwrap();
        }
        let steps: Vec<u64> =
            step_files(folder.path(), "png").unwrap().into_iter().map(|(step, _)| step).collect();
        assert_eq!(steps, [2, 10, 123_456_789]);
    }

    #[test]
    fn a_tilde_is_the_users_folder_at_the_beginning_only() {
        let home = directories::BaseDirs::new().unwrap().home_dir().to_owned();
        assert_eq!(path_of("~"), home);
        assert_eq!(path_of("~/a/b"), home.join("a/b"));
        assert_eq!(path_of("~//a"), home.join("a"));
        for same in ["~anna/a", "a/~/b", "/~", "", "a"] {
            assert_eq!(path_of(same), PathBuf::from(same));
        }
    }

    #[test]
    fn only_partial_files_are_cleaned_up() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".a.txt.12.partial"), "x").unwrap();
        fs::write(folder.path().join("a.partial"), "x").unwrap();
        remove_partial_files(folder.path()).unwrap();
        assert!(!folder.path().join(".a.txt.12.partial").exists());
        assert!(folder.path().join("a.partial").exists());
    }
}
