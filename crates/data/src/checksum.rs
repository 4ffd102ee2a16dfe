//! SHA-256 of files and of their decompressed content.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::catalogue::{Pin, Remote};
use super::compressed::open;
use super::error::DataError;

/// SHA-256 of everything `reader` gives, in lower-case hexadecimal.
pub fn sha256(mut reader: impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hash.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether the file at `path` is the `remote` its authors published. Damaged compression counts as not.
///
/// # Errors
/// Only when the file cannot be opened.
pub(crate) fn is_published(remote: &Remote, path: &Path) -> Result<bool, DataError> {
    let (found, wanted) = match remote.pin {
        // One byte more than the content shows that a file is longer; a stream without end stops there too.
        Pin::Content { sha256: wanted, bytes } => (sha256(open(path)?.take(bytes + 1)), wanted),
        Pin::File { sha256: wanted } => {
            let file = File::open(path).map_err(|source| DataError::io("read", path, source))?;
            (sha256(file), wanted)
        }
    };
    Ok(found.is_ok_and(|found| found == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_example() {
        let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc".as_slice()).unwrap(), wanted);
    }

    #[test]
    fn content_counts_packed_or_not() {
        let place = tempfile::tempdir().unwrap();
        let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let content = Remote { file: "f", bytes: 3, pin: Pin::Content { sha256: wanted, bytes: 3 } };
        let file = Remote { file: "f", bytes: 3, pin: Pin::File { sha256: wanted } };
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut encoder, b"abc").unwrap();
        let packed = encoder.finish().unwrap();
        let path = place.path().join("f");
        for (bytes, as_content, as_file) in [
            (b"abc".as_slice(), true, true),
            (b"abcd", false, false),
            (&packed, true, false),
            (&packed[..packed.len() - 9], false, false),
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(is_published(&content, &path).unwrap(), as_content);
            assert_eq!(is_published(&file, &path).unwrap(), as_file);
        }
        assert!(is_published(&file, Path::new("/no/such")).is_err());
    }
}
