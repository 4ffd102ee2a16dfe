//! Arrays as NumPy's `.npy` files.

use std::path::Path;

use crate::files::{FileError, write_atomically};
use crate::numbers::Numbers;

const MAGIC: &[u8] = b"\x93NUMPY";
/// The header's length is a multiple of this, so that the numbers begin aligned.
const ALIGNMENT: usize = 64;
/// Magic, version, length of the header.
const PREFIX: usize = 10;

/// An array of floats.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its numbers, row-major.
    pub numbers: Numbers,
    /// Its sides.
    pub shape: Vec<usize>,
}

/// Writes row-major `values` of `shape` as little-endian 32-bit floats.
///
/// # Errors
/// [`FileError`] when the file cannot be written or the shape does not fit the values.
pub fn write(path: &Path, values: &[f32], shape: &[usize]) -> Result<(), FileError> {
    let refused = |reason: String| FileError::new("write", path, std::io::Error::other(reason));
    let mut bytes = header("<f4", shape, values.len()).map_err(refused)?;
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    write_atomically(path, &bytes)
}

/// The bytes of a file of little-endian 64-bit floats.
///
/// # Errors
/// A sentence, when the shape does not fit the values.
pub fn encode(values: &[f64], shape: &[usize]) -> Result<Vec<u8>, String> {
    let mut bytes = header("<f8", shape, values.len())?;
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    Ok(bytes)
}

/// Everything before the numbers, in format version 1.0.
fn header(kind: &str, shape: &[usize], count: usize) -> Result<Vec<u8>, String> {
    if shape.iter().product::<usize>() != count {
        return Err(format!("{count} values are no array of shape {shape:?}"));
    }
    let sides: String = shape.iter().map(|side| format!("{side},")).collect();
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sides}), }}");
    let unpadded = PREFIX + header.len() + 1;
    header.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(ALIGNMENT) - unpadded));
    header.push('\n');
    let length =
        u16::try_from(header.len()).map_err(|_| format!("{} dimensions are too many", shape.len()))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend(length.to_le_bytes());
    bytes.extend(header.as_bytes());
    Ok(bytes)
}

/// Reads an array of 32- or 64-bit floats.
///
/// # Errors
/// [`FileError`] when the file cannot be read or holds something else.
pub fn read(path: &Path) -> Result<Array, FileError> {
    let bytes = std::fs::read(path).map_err(FileError::when("read", path))?;
    decode(&bytes).map_err(|reason| FileError::new("read", path, std::io::Error::other(reason)))
}

/// Understands the bytes of a `.npy` file.
///
/// # Errors
/// A sentence, when they are none or hold other numbers than floats.
pub fn decode(bytes: &[u8]) -> Result<Array, String> {
    let damaged = || "it is no complete .npy file; save it again with numpy.save".to_owned();
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (header_length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err(damaged()),
    };
    let (header, data) = rest.split_at_checked(header_length).ok_or_else(damaged)?;
    let header = str::from_utf8(header).map_err(|_| damaged())?;
    let after = |key: &str| header.split_once(key).map(|(_, rest)| rest).ok_or_else(damaged);
    let sides = after("'shape': (")?.split_once(')').ok_or_else(damaged)?.0;
    let sides = sides.split(',').map(str::trim).filter(|side| !side.is_empty());
    let shape: Vec<usize> = sides.map(str::parse).collect::<Result<_, _>>().map_err(|_| damaged())?;
    let count = shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side));
    let numbers = match after("'descr': '")?.split_once('\'').ok_or_else(damaged)?.0 {
        "<f4" => {
            let (words, rest) = data.as_chunks::<4>();
            rest.is_empty()
                .then(|| Numbers::Single(words.iter().map(|word| f32::from_le_bytes(*word)).collect()))
        }
        "<f8" => {
            let (words, rest) = data.as_chunks::<8>();
            rest.is_empty()
                .then(|| Numbers::Double(words.iter().map(|word| f64::from_le_bytes(*word)).collect()))
        }
        other => {
            return Err(format!(
                "its numbers are of type {other:?}; save 32- or 64-bit floats (array.astype('float32'))"
            ));
        }
    };
    let numbers = numbers.filter(|numbers| Some(numbers.len()) == count).ok_or_else(damaged)?;
    if !after("'fortran_order': ")?.starts_with("True") {
        return Ok(Array { numbers, shape });
    }
    match *shape {
        [] | [_] => Ok(Array { numbers, shape }),
        [rows, columns] => {
            let order: Vec<usize> = (0..rows * columns).map(|i| i % columns * rows + i / columns).collect();
            Ok(Array { numbers: numbers.select(&order, 1), shape })
        }
        _ => Err("its numbers are in Fortran order; save numpy.ascontiguousarray(array)".to_owned()),
    }
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

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write(&path, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[3, 2]).unwrap();
        let array = read(&path).unwrap();
        assert_eq!(array.shape, [3, 2]);
        assert_eq!(array.numbers, Numbers::Single(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        let double = decode(&encode(&[0.1, 0.2], &[2]).unwrap()).unwrap();
        assert_eq!(double, Array { numbers: Numbers::Double(vec![0.1, 0.2]), shape: vec![2] });
    }

    /// As NumPy writes it: no comma behind the last side.
    fn file(version: &[u8], kind: &str, order: &str, shape: &str, data: &[f64]) -> Vec<u8> {
        let header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}  \n");
        let mut bytes = [MAGIC, version, &[header.len() as u8, 0]].concat();
        bytes.extend(if version[0] > 1 { vec![0, 0] } else { vec![] });
        bytes.extend(header.as_bytes());
        bytes.extend(data.iter().flat_map(|value| value.to_le_bytes()));
        bytes
    }

    #[test]
    fn numpys_other_forms_are_understood() {
        let data = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let turned = decode(&file(&[2, 0], "<f8", "True", "(2, 3)", &data)).unwrap();
        assert_eq!(turned.numbers, Numbers::Double(vec![1.0, 3.0, 5.0, 2.0, 4.0, 6.0]));
        assert_eq!(turned.shape, [2, 3]);
        assert_eq!(decode(&file(&[1, 0], "<f8", "False", "(6,)", &data)).unwrap().shape, [6]);
        assert_eq!(decode(&file(&[3, 0], "<f8", "False", "()", &data[..1])).unwrap().shape, [0; 0]);
    }

    #[test]
    fn other_files_are_refused() {
        let data = [1.0, 2.0];
        let reason = |bytes: &[u8]| decode(bytes).unwrap_err();
        assert!(reason(&file(&[1, 0], "<i8", "False", "(2,)", &data)).contains("of type \"<i8\""));
        assert!(reason(&file(&[1, 0], "<f8", "True", "(1, 2, 1)", &data)).contains("ascontiguousarray"));
        let whole = file(&[1, 0], "<f8", "False", "(2,)", &data);
        assert!(decode(&whole).is_ok());
        for end in 0..whole.len() {
            assert!(reason(&whole[..end]).contains("no complete .npy file"));
        }
        assert!(reason(&file(&[1, 0], "<f8", "False", "(3,)", &data)).contains("no complete"));
        assert!(
            reason(&file(&[1, 0], "<f8", "False", "(4294967296, 4294967296)", &data)).contains("no complete")
        );
    }
}
