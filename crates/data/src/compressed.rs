//! Files that may or may not be gzip-compressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::error::DataError;

/// The first bytes of every gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A reader of the content of `path`, decompressing when the file begins with gzip's magic bytes.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let mut file = BufReader::with_capacity(1 << 16, file(path)?);
    let magic = file.fill_buf().map_err(|source| DataError::io("read", path, source))?;
    Ok(if magic.starts_with(&GZIP) { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// Whether the file at `path` begins with gzip's magic bytes.
pub(crate) fn is_gzip(path: &Path) -> Result<bool, DataError> {
    let mut magic = Vec::with_capacity(GZIP.len());
    let read = file(path)?.take(GZIP.len() as u64).read_to_end(&mut magic);
    read.map_err(|source| DataError::io("read", path, source))?;
    Ok(magic == GZIP)
}

fn file(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|source| DataError::io("read", path, source))
}

/// What a failure in the middle of reading `path` means: one without the system's own code is the decoder's.
pub(crate) fn read_error(path: &Path, source: io::Error) -> DataError {
    if source.raw_os_error().is_some() {
        return DataError::io("read", path, source);
    }
    let problem = match source.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => source.to_string(),
    };
    DataError::Damaged { path: path.to_owned(), problem }
}
