//! Arrays as NumPy's `.npy` files, format version 1.0.

use std::path::Path;

use crate::files::{FileError, write_atomically};

/// The header's length is a multiple of this, so that the numbers begin aligned.
const ALIGNMENT: usize = 64;
/// Magic, version, length of the header.
const PREFIX: usize = 10;

/// Writes row-major `values` of `shape` as little-endian 32-bit floats.
///
/// # Errors
/// [`FileError`] when the file cannot be written or the shape does not fit the values.
pub fn write(path: &Path, values: &[f32], shape: &[usize]) -> Result<(), FileError> {
    let refused = |reason: String| FileError::new("write", path, std::io::Error::other(reason));
    if shape.iter().product::<usize>() != values.len() {
        return Err(refused(format!("{} values are no array of shape {shape:?}", values.len())));
    }
    let sides: String = shape.iter().map(|side| format!("{side},")).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sides}), }}");
    let unpadded = PREFIX + header.len() + 1;
    header.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(ALIGNMENT) - unpadded));
    header.push('\n');
    let length = u16::try_from(header.len())
        .map_err(|_| refused(format!("{} dimensions are too many", shape.len())))?;
    let mut bytes = Vec::with_capacity(PREFIX + header.len() + 4 * values.len());
    bytes.extend(b"\x93NUMPY\x01\x00");
    bytes.extend(length.to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    write_atomically(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_numpy_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write(&path, &[1.0, -2.0], &[2, 1]).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 128 + 8);
        assert_eq!(bytes[..10], *b"\x93NUMPY\x01\x00\x76\x00");
        let header = std::str::from_utf8(&bytes[10..128]).unwrap();
        assert!(header.ends_with(" \n"), "{header:?}");
        assert!(
            header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2,1,), }"),
            "{header}"
        );
        assert_eq!(bytes[128..], [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
    }

    #[test]
    fn a_shape_that_does_not_fit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let message = write(&path, &[1.0; 5], &[2, 3]).unwrap_err().to_string();
        assert!(message.contains("5 values") && !path.exists(), "{message}");
    }
}
