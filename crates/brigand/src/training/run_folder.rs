//! The folder a run writes into.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::checkpoint::{CheckpointError, discard_after};
use super::metrics::{MetricsError, truncate_after};
use super::run_lock::{LOCK, RunLock, RunLockError};
use crate::files::{FileError, remove_if_there, remove_partial_files, step_file_name, step_files};

const RECIPE: &str = "recipe.toml";
const SAMPLES: &str = "samples";
const CHECKPOINTS: &str = "checkpoints";

/// Why a run folder could not be made, opened or wound back.
#[derive(Debug, thiserror::Error)]
pub enum RunFolderError {
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder holds a run already.
    #[error(
        "{0} already holds a run; continue it with `brigand train --resume {0}` or choose another folder",
        path.display()
    )]
    HoldsRun {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds other files.
    #[error("{} exists and is not empty; choose another folder, or empty this one", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Something a run folder has is missing.
    #[error("{} is no run folder: {missing} is missing; give a folder that `brigand train` has made", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        missing: &'static str,
    },
    /// Another process trains in it, or it cannot be locked.
    #[error(transparent)]
    Lock(#[from] RunLockError),
    /// The measurements could not be wound back.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The checkpoints could not be wound back.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl From<RunFolderError> for brigand_core::Error {
    fn from(error: RunFolderError) -> Self {
        Self::other(error)
    }
}

/// A run's folder: `recipe.toml`, `data.json`, `metrics.jsonl`, `history.png`, `samples.gif`, `samples/`,
/// `checkpoints/` and TensorBoard's event files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
    /// The folders that were made for it, the outermost first: what [`RunFolder::discard`] removes.
    made: Vec<PathBuf>,
}

impl RunFolder {
    /// Makes the folder with those inside it; one that is there already will do if it is empty, or holds
    /// no more than the empty folders of a start that was killed. It becomes a run folder for
    /// [`RunFolder::open`] when its `recipe.toml` is written.
    ///
    /// # Errors
    /// [`RunFolderError::HoldsRun`] or [`RunFolderError::NotEmpty`] when there are files in it,
    /// [`RunFolderError::File`] when it cannot be made.
    pub fn create(path: &Path) -> Result<Self, RunFolderError> {
        let made = create_noting(path)?;
        let run = RunFolder { path: path.to_owned(), made };
        RunFolder::refuse_run(path)?;
        let inner = [run.samples(), run.checkpoints()];
        for entry in fs::read_dir(path).map_err(FileError::when("read", path))? {
            let entry = entry.map_err(FileError::when("read", path))?.path();
            let empty = || fs::read_dir(&entry).is_ok_and(|mut held| held.next().is_none());
            let left_over = entry.ends_with(LOCK) || (inner.contains(&entry) && empty());
            if !left_over {
                return Err(RunFolderError::NotEmpty { path: path.to_owned() });
            }
        }
        for inner in inner {
            let created = fs::create_dir_all(&inner).map_err(FileError::when("create", &inner));
            created.inspect_err(|_| run.discard())?;
        }
        Ok(run)
    }

    /// Refuses a path where a run has begun.
    ///
    /// # Errors
    /// [`RunFolderError::HoldsRun`].
    pub fn refuse_run(path: &Path) -> Result<(), RunFolderError> {
        match path.join(RECIPE).exists() {
            true => Err(RunFolderError::HoldsRun { path: path.to_owned() }),
            false => Ok(()),
        }
    }

    /// Makes `<parent>/<system>-<n>` with the first number that is free, from 1. Two programs that do
    /// so at once get different folders.
    ///
    /// # Errors
    /// [`RunFolderError::File`] when a folder cannot be made.
    pub fn create_numbered(parent: &Path, system: &str) -> Result<Self, RunFolderError> {
        let mut made = create_noting(parent)?;
        let mut number = 1_u64;
        loop {
            let path = parent.join(format!("{system}-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => {
                    made.push(path.clone());
                    return RunFolder::create(&path).map(|run| RunFolder { made, ..run });
                }
                Err(reason) if reason.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(reason) => return Err(FileError::new("create", &path, reason).into()),
            }
        }
    }

    /// Opens the folder of an earlier run. Changes nothing in it.
    ///
    /// # Errors
    /// [`RunFolderError::NoRun`] when it does not exist or lacks its recipe or checkpoints.
    pub fn open(path: &Path) -> Result<Self, RunFolderError> {
        let run = RunFolder { path: path.to_owned(), made: Vec::new() };
        let missing = match () {
            () if !path.is_dir() => Some("the folder itself"),
            () if !run.recipe().is_file() => Some(RECIPE),
            () if !run.checkpoints().is_dir() => Some("checkpoints/"),
            () => None,
        };
        if let Some(missing) = missing {
            return Err(RunFolderError::NoRun { path: path.to_owned(), missing });
        }
        Ok(run)
    }

    /// Keeps other processes from training in the folder.
    ///
    /// # Errors
    /// [`RunFolderError::Lock`], naming the process that trains in it.
    pub fn lock(&self) -> Result<RunLock, RunFolderError> {
        Ok(RunLock::take(&self.path)?)
    }

    /// Winds the folder back to `step`, from where a run continues: drops later measurements, samples
    /// and checkpoints and what a killed process left half-written.
    ///
    /// # Errors
    /// [`RunFolderError`] when a file cannot be read, replaced or removed.
    pub fn rewind(&self, step: u64) -> Result<(), RunFolderError> {
        fs::create_dir_all(self.samples()).map_err(FileError::when("create", &self.samples()))?;
        for folder in [&self.path, &self.checkpoints()] {
            remove_partial_files(folder)?;
        }
        for series in self.all_pictures()? {
            remove_partial_files(&series)?;
            for ending in ["png", "gif", "txt"] {
                for (_, path) in step_files(&series, ending)?.into_iter().filter(|(at, _)| *at > step) {
                    remove_if_there(&path)?;
                }
            }
        }
        truncate_after(&self.metrics(), step)?;
        Ok(discard_after(&self.checkpoints(), step)?)
    }

    /// Removes everything in the folder, and the folder with those around it as far as they were made for it: for a run
    /// that could not begin. A folder that was there stays, empty as it was.
    pub fn discard(&self) {
        // The error that led here is the one worth telling.
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let _ = match entry.file_type() {
                Ok(kind) if kind.is_dir() => fs::remove_dir_all(entry.path()),
                _ => fs::remove_file(entry.path()),
            };
        }
        for folder in self.made.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }

    /// The folder itself; TensorBoard's event files lie directly in it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The resolved recipe.
    pub fn recipe(&self) -> PathBuf {
        self.path.join(RECIPE)
    }

    /// What tells its data from other data.
    pub fn data(&self) -> PathBuf {
        self.path.join("data.json")
    }

    /// The measurements.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// The images of the data that could not be read, when there are many.
    pub fn unreadable(&self) -> PathBuf {
        self.path.join("unreadable.txt")
    }

    /// The curves of losses and accuracies.
    pub fn history(&self) -> PathBuf {
        self.path.join("history.png")
    }

    /// The scores that were measured while training, with their protocols.
    pub fn evaluations_while_training(&self) -> PathBuf {
        self.path.join("evaluation-while-training.json")
    }

    /// The scores that were measured afterwards, with their protocols.
    pub fn evaluations(&self) -> PathBuf {
        self.path.join("evaluation.json")
    }

    /// The folder of sample pictures.
    pub fn samples(&self) -> PathBuf {
        self.pictures(SAMPLES)
    }

    /// The folder of a series of pictures: `samples`, `density`, `field`...
    pub fn pictures(&self, series: &str) -> PathBuf {
        self.path.join(series)
    }

    /// The picture of `series` after `step`.
    pub fn picture(&self, series: &str, step: u64) -> PathBuf {
        self.pictures(series).join(step_file_name(step, "png"))
    }

    /// The lines of text of `series` after `step`.
    pub fn text(&self, series: &str, step: u64) -> PathBuf {
        self.pictures(series).join(step_file_name(step, "txt"))
    }

    /// The moving picture of `series` after `step`.
    pub fn animation_of(&self, series: &str, step: u64) -> PathBuf {
        self.pictures(series).join(step_file_name(step, "gif"))
    }

    /// A series of pictures through time.
    pub fn animation(&self, series: &str) -> PathBuf {
        self.path.join(format!("{series}.gif"))
    }

    /// The folders of all series of pictures, in the order of their names.
    ///
    /// # Errors
    /// [`RunFolderError::File`] when the run's folder cannot be read.
    pub fn all_pictures(&self) -> Result<Vec<PathBuf>, RunFolderError> {
        let entries = fs::read_dir(&self.path).map_err(FileError::when("read", &self.path))?;
        let mut folders: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.is_dir() && *path != self.checkpoints())
            .collect();
        folders.sort();
        Ok(folders)
    }

    /// The folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }
}

/// Makes a folder with those around it, and answers which of them were not there, the outermost first.
fn create_noting(path: &Path) -> Result<Vec<PathBuf>, RunFolderError> {
    let absent = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let mut made: Vec<PathBuf> = path.ancestors().take_while(absent).map(Path::to_owned).collect();
    made.reverse();
    fs::create_dir_all(path).map_err(FileError::when("create", path))?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::checkpoint::{self, Snapshot};
    use crate::training::metrics::{self, MetricsLog, Record};
    use std::collections::BTreeSet;

    #[test]
    fn a_killed_start_can_be_started_again_but_nothing_is_overwritten() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        let run = RunFolder::create(&path).unwrap();
        RunFolder::create(&path).unwrap();
        fs::write(run.samples().join("step-00000000.png"), b"x").unwrap();
        assert!(matches!(RunFolder::create(&path), Err(RunFolderError::NotEmpty { .. })));
    }

    /// A failed start deleted an empty folder that the user had made.
    #[test]
    fn a_failed_start_removes_what_it_made_and_no_more() {
        let parent = tempfile::tempdir().unwrap();
        let mine = parent.path().join("mine");
        fs::create_dir(&mine).unwrap();
        for (path, left) in
            [(mine.clone(), "mine"), (mine.join("a/b"), "mine"), (parent.path().join("c/d"), "")]
        {
            let run = RunFolder::create(&path).unwrap();
            fs::write(run.samples().join("step-00000000.png"), "x").unwrap();
            fs::write(run.recipe(), "x").unwrap();
            run.discard();
            assert!(mine.is_dir() && fs::read_dir(&mine).unwrap().next().is_none(), "{path:?} {left}");
            assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1, "{path:?}");
        }
        let numbered = RunFolder::create_numbered(&parent.path().join("runs"), "gan").unwrap();
        numbered.discard();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_folder_opens_once_it_has_a_recipe() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let run = RunFolder::create(&path).unwrap();
        assert!(run.samples().is_dir() && run.checkpoints().is_dir());
        let message = RunFolder::open(&path).unwrap_err().to_string();
        assert!(message.contains("recipe.toml is missing"), "{message}");
        fs::write(run.recipe(), "").unwrap();
        assert_eq!(RunFolder::open(&path).unwrap().path(), run.path());
        let message = RunFolder::create(&path).unwrap_err().to_string();
        assert!(message.contains("--resume") && message.contains("a/b"), "{message}");
        fs::remove_dir(run.checkpoints()).unwrap();
        let message = RunFolder::open(&path).unwrap_err().to_string();
        assert!(message.contains("checkpoints/ is missing"), "{message}");
        let message = RunFolder::open(&parent.path().join("c")).unwrap_err().to_string();
        assert!(message.contains("the folder itself is missing"), "{message}");
    }

    #[test]
    fn a_folder_with_other_files_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("letter.txt"), "dear").unwrap();
        let message = RunFolder::create(parent.path()).unwrap_err().to_string();
        assert!(message.contains("not empty"), "{message}");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
        let below = parent.path().join("letter.txt/run");
        let message = RunFolder::create(&below).unwrap_err().to_string();
        assert!(message.contains("cannot create") && message.contains("letter.txt"), "{message}");
    }

    #[test]
    fn numbers_are_the_first_free_ones_even_in_a_race() {
        let parent = tempfile::tempdir().unwrap();
        let runs = parent.path().join("runs");
        fs::create_dir_all(runs.join("gan-2")).unwrap();
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let runs = runs.clone();
                std::thread::spawn(move || RunFolder::create_numbered(&runs, "gan").unwrap().path)
            })
            .collect();
        let made: BTreeSet<PathBuf> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let expected = [1, 3, 4, 5, 6, 7, 8, 9].map(|n| runs.join(format!("gan-{n}")));
        assert_eq!(made, BTreeSet::from(expected));
    }

    #[test]
    fn rewinding_drops_what_came_later() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&parent.path().join("run")).unwrap();
        let mut log = MetricsLog::open(&run.metrics()).unwrap();
        for step in [0, 10, 20, 30] {
            log.append(&Record { step, ..Record::default() }).unwrap();
            fs::write(run.picture(SAMPLES, step), "").unwrap();
            checkpoint::save(&run.checkpoints(), &Snapshot { step, ..Snapshot::default() }, 9).unwrap();
        }
        fs::write(run.path().join(".history.png.1.partial"), "").unwrap();
        run.rewind(20).unwrap();
        assert_eq!(metrics::read(&run.metrics()).unwrap().len(), 3);
        assert!(run.picture(SAMPLES, 20).exists() && !run.picture(SAMPLES, 30).exists());
        assert_eq!(checkpoint::latest(&run.checkpoints()).unwrap().snapshot.step, 20);
        assert!(!run.path().join(".history.png.1.partial").exists());
    }
}
