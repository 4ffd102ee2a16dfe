//! Fetching the files of a downloadable set, so that only whole and right ones ever carry their final name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cache::Cache;
use super::catalogue::{Entry, Remote};
use super::checksum;
use super::error::DataError;
use super::transfer::{Failure, Transfer};

/// How far the download of a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The file.
    pub file: &'static str,
    /// Bytes on disk so far, those of an earlier attempt included.
    pub done: u64,
    /// Bytes in all, when the server says.
    pub total: Option<u64>,
}

/// A file that is now on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obtained {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it was fetched now, or already here with the right checksum.
    pub fetched: bool,
}

/// A fetcher of downloadable sets into a cache.
///
/// A file is written to `NAME.part`, continued by HTTP range requests when the connection breaks or the
/// program is stopped, verified against the pinned SHA-256, synced and renamed. A file with the wrong checksum
/// is discarded and the next mirror asked.
#[derive(Debug)]
pub struct Download {
    cache: Cache,
    mirror: Option<String>,
    transfer: Transfer,
}

impl Download {
    /// A fetcher into `cache`. `mirror` replaces the catalogue's addresses: the base address of the files, with
    /// `http://`, `https://` or `file://`, or the path of a folder.
    pub fn new(cache: Cache, mirror: Option<String>) -> Self {
        Self { cache, mirror, transfer: Transfer::new(Duration::from_secs(1)) }
    }

    /// Makes every file of `entry` present and right, fetching those that are not.
    ///
    /// # Errors
    /// [`DataError::Download`] with each mirror's failure when none delivers; [`DataError::Io`] when the cache
    /// cannot be written; [`DataError::Busy`] while another process fetches the same file.
    pub fn get(&self, entry: &Entry, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Obtained>, DataError> {
        entry.all_files().into_iter().map(|remote| self.get_file(entry, remote, progress)).collect()
    }

    fn get_file(
        &self,
        entry: &Entry,
        remote: &'static Remote,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Obtained, DataError> {
        if let Some(path) = self.cache.locate(entry, remote)
            && checksum::is_published(remote, &path)?
        {
            return Ok(Obtained { path, fetched: false });
        }
        let folder = self.cache.folder(entry);
        fs::create_dir_all(&folder).map_err(|source| DataError::io("create", &folder, source))?;
        let mut part = Part::open(folder.join(format!("{}.part", remote.file)))?;
        let mirrors: Vec<&str> = match &self.mirror {
            Some(mirror) => vec![mirror],
            None => entry.mirrors.to_vec(),
        };
        let mut failures = Vec::new();
        for mirror in mirrors {
            match self.fetch(mirror, remote, &mut part, progress) {
                Ok(()) => return Ok(Obtained { path: part.finish(remote)?, fetched: true }),
                Err(Failure::Local(error)) => return Err(error),
                Err(Failure::Missing(reason) | Failure::Broken(reason) | Failure::Refused(reason)) => {
                    failures.push(format!("{mirror}: {reason}"));
                }
            }
        }
        part.discard_if_empty();
        Err(DataError::Download { file: remote.file, failures: failures.join("; ") })
    }

    /// Brings the right file from one mirror into `part`.
    fn fetch(
        &self,
        mirror: &str,
        remote: &'static Remote,
        part: &mut Part,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Failure> {
        let mut report = |done, total| progress(Progress { file: remote.file, done, total });
        let mut missing = Failure::Missing("no such file".to_owned());
        for name in remote.names() {
            let address = format!("{}/{name}", mirror.trim_end_matches('/'));
            // What an earlier attempt left may be of another packing of the same content: then once more afresh.
            for _ in 0..2 {
                let resumed = part.length()? > 0;
                match self.transfer.fetch(&address, part, remote.limit(), &mut report) {
                    Err(failure @ Failure::Missing(_)) => {
                        missing = failure;
                        break;
                    }
                    other => other?,
                }
                if checksum::is_published(remote, &part.path)? {
                    return Ok(());
                }
                part.restart()?;
                if !resumed {
                    return Err(Failure::Refused("it has the wrong checksum".to_owned()));
                }
            }
        }
        Err(missing)
    }
}

/// The file being downloaded, locked against other processes.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
}

impl Part {
    fn open(path: PathBuf) -> Result<Self, DataError> {
        let opened = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let file = opened.map_err(|source| DataError::io("write", &path, source))?;
        // Where locks are not supported, downloading goes on without.
        let locked = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        // A file that vanished since was finished by the process that held the lock.
        if locked || !path.exists() { Err(DataError::Busy(path)) } else { Ok(Self { path, file }) }
    }

    /// Bytes in it.
    pub(crate) fn length(&self) -> Result<u64, DataError> {
        self.file
            .metadata()
            .map(|meta| meta.len())
            .map_err(|source| DataError::io("read", &self.path, source))
    }

    /// Empties it.
    pub(crate) fn restart(&mut self) -> Result<(), DataError> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map(|_| ()).map_err(|source| DataError::io("write", &self.path, source))
    }

    /// Gives the verified file its final name: that of the packed or of the plain form, as its content is.
    fn finish(self, remote: &Remote) -> Result<PathBuf, DataError> {
        let failed = |source| DataError::io("write", &self.path, source);
        let packed = super::compressed::is_gzip(&self.path)?;
        let mut names = remote.names();
        let name = if packed { names.next() } else { names.last() };
        let path = self.path.with_file_name(name.unwrap_or(remote.file));
        self.file.sync_all().map_err(failed)?;
        fs::rename(&self.path, &path).map_err(failed)?;
        sync_folder(&path);
        Ok(path)
    }

    fn discard_if_empty(self) {
        if self.length().is_ok_and(|length| length == 0) {
            // Left behind it would do no harm.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the renaming itself durable, where the system can; the content already is.
fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests;
