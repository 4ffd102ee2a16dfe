//! What can go wrong with data, each with the file or value at fault and what to do about it.

use std::io;
use std::path::PathBuf;

/// An error of the data module; its message is one or two lines for the user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The data SPEC names nothing known.
    #[error("there is no data called `{given}`; {nearest}")]
    UnknownSource {
        /// What was asked for.
        given: String,
        /// The nearest names, as the end of the sentence.
        nearest: String,
    },
    /// Text where images or points are needed.
    #[error(
        "`{0}` is text; images or points are needed here. Text is for systems of sequences (see \
         `brigand list`), whose scores are in their run's metrics.jsonl"
    )]
    Text(String),
    /// Speech where images or points are needed.
    #[error(
        "`{0}` is speech and text of phonemes; images or points are needed here. Both are for speech-recognition, whose error \
         rates are in its run's metrics.jsonl"
    )]
    Speech(String),
    /// Two domains of images where one data set is needed.
    #[error(
        "`{0}` is two domains of images; one data set is needed here. Two are for systems that translate \
         (see `brigand list`), whose errors are in their run's metrics.jsonl"
    )]
    TwoDomains(String),
    /// Images with label maps where one data set is needed.
    #[error(
        "`{0}` is images with label maps; one data set is needed here, for example folder:IMAGES. Both are for systems that \
         translate maps (gaugan), whose errors are in their run's metrics.jsonl"
    )]
    WithLabelMaps(String),
    /// Images with several labels each where one data set is needed.
    #[error(
        "`{0}` is images with several labels each; one data set is needed here, for example folder:IMAGES. Several labels are for \
         image-to-label, whose scores are in its run's metrics.jsonl, every held_out.every steps"
    )]
    WithTags(String),
    /// Sounds with pictures where one data set is needed.
    #[error(
        "`{0}` is sounds with pictures; one data set is needed here, for example folder:IMAGES. Sounds are for sound-to-image, \
         whose pictures are in its run, and its pair_error in metrics.jsonl every held_out.every steps"
    )]
    WithSounds(String),
    /// A SPEC with a known beginning but an unusable rest.
    #[error("`{given}` cannot be read: write {form}")]
    IncompleteSpec {
        /// What was asked for.
        given: String,
        /// The form it should have.
        form: &'static str,
    },
    /// A file or folder named by the user is absent.
    #[error("{} does not exist: check the path", .0.display())]
    NotFound(PathBuf),
    /// A folder where a file is needed.
    #[error("{} is a folder: give a file", .0.display())]
    IsAFolder(PathBuf),
    /// A file that should be text and is in another encoding.
    #[error("{}: line {line} is no UTF-8; convert the file to UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The first such line, counted from 1.
        line: usize,
    },
    /// A path of the wrong sort.
    #[error("{} is not a folder: give the folder that holds the images", .0.display())]
    NotAFolder(PathBuf),
    /// The system refused to read or write.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The content breaks off or its checksum within the gzip stream fails.
    #[error("{} is damaged: {problem}; get the file again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file is of another kind than the reader needs.
    #[error("{} cannot be used as {wanted}: {problem}", .path.display())]
    WrongKind {
        /// The file.
        path: PathBuf,
        /// What it should be.
        wanted: &'static str,
        /// What was found instead.
        problem: String,
    },
    /// Images and labels do not belong together.
    #[error("{} holds {images} images but {} holds {labels} labels: they do not belong together", .images_path.display(), .labels_path.display())]
    CountMismatch {
        /// Image file.
        images_path: PathBuf,
        /// Number of images.
        images: usize,
        /// Label file.
        labels_path: PathBuf,
        /// Number of labels.
        labels: usize,
    },
    /// A folder without any file the reader looks at.
    #[error(
        "no images below {}: files ending in {extensions} are looked for, also in sub-folders; there are {}",
        .path.display(),
        if .others.is_empty() { "no files" } else { .others.as_str() }
    )]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
        /// The endings looked for.
        extensions: String,
        /// How many other files there are, by ending.
        others: String,
    },
    /// Every image of a folder is unreadable.
    #[error("none of the {count} images below {} can be read; the first is {}: {reason}", .path.display(), .first.display())]
    NothingReadable {
        /// The folder.
        path: PathBuf,
        /// How many were tried.
        count: usize,
        /// The first of them.
        first: PathBuf,
        /// Why that one failed.
        reason: String,
    },
    /// A downloadable set that is not on this machine.
    #[error("{name} is not on this machine (looked in {looked}): run `brigand data get {name}`")]
    Absent {
        /// Name of the set.
        name: &'static str,
        /// The folders searched.
        looked: String,
    },
    /// A local copy of a downloadable set differs from what its authors published.
    #[error("{} does not have the published checksum: run `brigand data get {name}` to replace it", .path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Name of the set.
        name: &'static str,
    },
    /// No mirror delivered a file.
    #[error(
        "could not download {file}: {failures}; try again later or give another source with --mirror URL"
    )]
    Download {
        /// The file.
        file: &'static str,
        /// Each mirror with its failure.
        failures: String,
    },
    /// Another process is downloading the same file.
    #[error("{} is being downloaded by another process: wait for it to end", .0.display())]
    Busy(PathBuf),
    /// The system names no place for caches.
    #[error("no cache folder is known on this system: set BRIGAND_CACHE to a folder")]
    NoCache,
    /// The source has no test split.
    #[error("`{0}` has no test split: use the training split or hold some samples out")]
    NoTestSplit(String),
    /// An option that makes no sense for the source.
    #[error("data.{option} cannot be {given}: {allowed}")]
    BadOption {
        /// The recipe's key under `data`.
        option: &'static str,
        /// What was asked for.
        given: String,
        /// What would be possible.
        allowed: String,
    },
    /// A sample number beyond the data.
    #[error("there is no sample {index}: the data holds {samples}, counted from 0")]
    NoSuchSample {
        /// The number asked for.
        index: usize,
        /// Samples there are.
        samples: usize,
    },
    /// What is wrong with captions or their images.
    #[error(transparent)]
    Captions(#[from] brigand_core::Error),
    /// Parts of a data set that do not fit each other.
    #[error("the parts of `{name}` do not fit: {problem}")]
    Inconsistent {
        /// Name of the set.
        name: String,
        /// What does not fit.
        problem: String,
    },
}

impl From<DataError> for brigand_core::Error {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Captions(error) => error,
            other => Self::other(other),
        }
    }
}

impl DataError {
    /// The error for a failed system call on `path`; a missing file becomes [`DataError::NotFound`], a folder in place of a file
    /// [`DataError::IsAFolder`].
    pub(crate) fn io(action: &'static str, path: &std::path::Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound(path.to_owned()),
            io::ErrorKind::IsADirectory => Self::IsAFolder(path.to_owned()),
            _ => Self::Io { action, path: path.to_owned(), source },
        }
    }
}
