//! Where downloaded sets lie on this machine.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use super::catalogue::{Entry, Pin, Remote};
use super::checksum;
use super::compressed;
use super::error::DataError;

/// The user's cache folder; each set has a sub-folder of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The folder in the environment variable `BRIGAND_CACHE`, else the system's place for caches
    /// (`~/.cache/brigand` on Linux).
    ///
    /// # Errors
    /// [`DataError::NoCache`] when there is neither.
    pub fn standard() -> Result<Self, DataError> {
        let chosen = std::env::var_os("BRIGAND_CACHE").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        chosen
            .or_else(|| {
                directories::ProjectDirs::from("", "", "brigand").map(|dirs| dirs.cache_dir().to_owned())
            })
            .map(Self::at)
            .ok_or(DataError::NoCache)
    }

    /// The cache in a folder of one's choice; it is created when something is stored.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder of one set.
    pub fn folder(&self, entry: &Entry) -> PathBuf {
        self.root.join(entry.name)
    }

    /// The file, packed or plain, in the cache or where a system package puts it. It is not verified here.
    pub fn locate(&self, entry: &Entry, remote: &Remote) -> Option<PathBuf> {
        self.places(entry)
            .into_iter()
            .flat_map(|folder| remote.names().map(move |name| folder.join(name)))
            .find(|path| path.is_file())
    }

    /// The error for a set that is not here.
    pub(crate) fn absent(&self, entry: &Entry) -> DataError {
        let places: Vec<String> =
            self.places(entry).iter().map(|place| place.display().to_string()).collect();
        DataError::Absent { name: entry.name, looked: places.join(", ") }
    }

    /// The decompressed content of a located file, whose checksum has been verified.
    ///
    /// # Errors
    /// [`DataError::Checksum`] when it is not what was published; [`DataError::Io`] when it cannot be read.
    pub(crate) fn content(
        &self,
        entry: &Entry,
        remote: &Remote,
        path: &Path,
    ) -> Result<Box<dyn Read>, DataError> {
        let wrong = || DataError::Checksum { path: path.to_owned(), name: entry.name };
        let Pin::Content { sha256, bytes } = remote.pin else {
            return if checksum::is_published(remote, path)? { compressed::open(path) } else { Err(wrong()) };
        };
        // Read once for both the checksum and the caller.
        let mut content = Vec::new();
        compressed::open(path)?.take(bytes + 1).read_to_end(&mut content).map_err(|_| wrong())?;
        match checksum::sha256(content.as_slice()) {
            Ok(found) if found == sha256 => Ok(Box::new(Cursor::new(content))),
            _ => Err(wrong()),
        }
    }

    fn places(&self, entry: &Entry) -> Vec<PathBuf> {
        std::iter::once(self.folder(entry)).chain(entry.system_folders.iter().map(PathBuf::from)).collect()
    }
}

impl Remote {
    /// The names the file may have: packed, then plain.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let plain = match self.pin {
            Pin::Content { .. } => self.file.strip_suffix(".gz"),
            Pin::File { .. } => None,
        };
        std::iter::once(self.file).chain(plain)
    }

    /// More bytes than any right copy of the file has, packed badly or not at all.
    pub(crate) fn limit(&self) -> u64 {
        let unpacked = match self.pin {
            Pin::Content { bytes, .. } => bytes,
            Pin::File { .. } => 0,
        };
        self.bytes.max(unpacked) + (1 << 20)
    }
}
