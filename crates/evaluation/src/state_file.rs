//! Tensors by name from files that others wrote: `.safetensors`, and PyTorch's `.pth` in both of its formats.
//!
//! Nothing in a file is run: a pickle may name functions of Python, of which the few that rebuild tensors are known
//! and all others are left as names. Since 2020 PyTorch writes a zip archive, which candle reads. Before, it wrote five pickles one after another
//! (a magic number, the format's version, facts about the machine, the state dict, the keys of the storages), then
//! each storage as the number of its elements and their bytes; published weights of that age still come so.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, Read};
use std::path::Path;

use candle_core::pickle::{Object, Stack, TensorInfo};
use candle_core::{DType, Device, Tensor};

use brigand_core::error::{Error, Result};
use brigand_data::files::FileError;

/// The pickle of the number that begins a file of the old format.
const OLD_FORMAT: [u8; 15] =
    [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];
/// No storage of a network that fits this machine has more elements.
const MOST_ELEMENTS: u64 = 1 << 34;

/// The first bytes of a zip archive.
const ZIP: &[u8] = b"PK\x03\x04";

/// All tensors of a file, on the processor. Its first bytes say which format it has, whatever its name.
///
/// Of a PyTorch file that holds several tables, such as `{"state_dict": {...}, "epoch": 3}`, `table` names the one that is
/// read; without it the tensors at the top are.
///
/// # Errors
/// If it cannot be read, has none of these formats, has no such table, or there are no tensors.
pub fn read(path: &Path, table: Option<&str>) -> Result<BTreeMap<String, Tensor>> {
    let damaged = |reason: String| {
        let first = reason.lines().next().unwrap_or_default().to_owned();
        Error::Network(format!("{} holds no weights that can be read: {first}", path.display()))
    };
    let bytes = fs::read(path).map_err(FileError::when("read", path))?;
    let tensors = if bytes.starts_with(&OLD_FORMAT) {
        read_old(&bytes, table)
    } else if bytes.starts_with(ZIP) {
        candle_core::pickle::read_all_with_key(path, table).map(|tensors| tensors.into_iter().collect())
    } else if bytes.get(8) == Some(&b'{') && table.is_none() {
        candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
            .map(|tensors| tensors.into_iter().collect::<BTreeMap<_, _>>())
    } else {
        return Err(damaged("it is neither a .safetensors file nor one of PyTorch's (.pth)".into()));
    };
    let tensors = tensors.map_err(|reason| damaged(reason.to_string()))?;
    if tensors.is_empty() {
        let place = table.map_or("at its top".to_owned(), |table| format!("in its table `{table}`"));
        return Err(damaged(format!(
            "there are no tensors {place}; they may be in a table, such as `state_dict`"
        )));
    }
    Ok(tensors)
}

/// The elements of a tensor as 32-bit floats, row-major.
///
/// # Errors
/// If it cannot be fetched from its device.
pub fn floats(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?)
}

/// The parameter `name` of `tensors`, which were read from `path`, row-major; it must have `shape`.
///
/// # Errors
/// If there is none or it has another shape; `advice` ends the message.
pub fn parameter(
    tensors: &BTreeMap<String, Tensor>,
    path: &Path,
    (name, shape): (&str, &[usize]),
    advice: &str,
) -> Result<Vec<f32>> {
    let fault = |what: String| Error::Network(format!("{}: {what}; {advice}", path.display()));
    match tensors.get(name) {
        None => Err(fault(format!("there is no tensor `{name}`, which must have shape {shape:?}"))),
        Some(tensor) if tensor.dims() != shape => {
            Err(fault(format!("`{name}` has shape {:?} instead of {shape:?}", tensor.dims())))
        }
        Some(tensor) => floats(tensor),
    }
}

fn read_old(bytes: &[u8], table: Option<&str>) -> candle_core::Result<BTreeMap<String, Tensor>> {
    let mut rest = &bytes[OLD_FORMAT.len()..];
    let _version = unpickle(&mut rest)?;
    let _machine = unpickle(&mut rest)?;
    let state = unpickle(&mut rest)?;
    let mut users_of_storages = Vec::new();
    collect(state.clone(), &mut users_of_storages)?;
    let state = within(state, table)?;
    let keys: Vec<String> = match unpickle(&mut rest)? {
        Object::List(keys) => {
            keys.into_iter().map(|key| Ok(key.unicode()?)).collect::<candle_core::Result<_>>()?
        }
        other => candle_core::bail!("a list of storages was expected, not {other:?}"),
    };
    let mut infos = Vec::with_capacity(state.len());
    for (name, value) in state {
        infos.extend(value.into_tensor_info(name, Path::new(""))?);
    }
    let mut tensors = BTreeMap::new();
    for key in keys {
        let place = format!("/{key}");
        let Some(user) = users_of_storages.iter().find(|info| info.path == place) else {
            candle_core::bail!("no tensor gives the type of storage {key}");
        };
        let storage = take_storage(&mut rest, user.dtype.size_in_bytes())?;
        for info in infos.iter().filter(|info| info.path == place) {
            tensors.insert(info.name.clone(), tensor(info, storage)?);
        }
    }
    Ok(tensors)
}

/// Adds the tensors in `value`, of every table in it, to `found`.
fn collect(value: Object, found: &mut Vec<TensorInfo>) -> candle_core::Result<()> {
    match value {
        Object::Dict(entries) => entries.into_iter().try_for_each(|(_, value)| collect(value, found)),
        Object::List(values) | Object::Tuple(values) => {
            values.into_iter().try_for_each(|value| collect(value, found))
        }
        other => {
            found.extend(other.into_tensor_info(Object::Unicode(String::new()), Path::new(""))?);
            Ok(())
        }
    }
}

/// The entries of the dictionary, or of the one in it that is called `table`.
fn within(state: Object, table: Option<&str>) -> candle_core::Result<Vec<(Object, Object)>> {
    let entries = state.dict()?;
    let Some(table) = table else { return Ok(entries) };
    let named = |name: &Object| matches!(name, Object::Unicode(name) if name == table);
    match entries.into_iter().find(|(name, _)| named(name)) {
        Some((_, found)) => Ok(found.dict()?),
        None => candle_core::bail!("key {table} not found"),
    }
}

fn unpickle(rest: &mut impl BufRead) -> candle_core::Result<Object> {
    let mut stack = Stack::empty();
    stack.read_loop(rest)?;
    stack.finalize()
}

/// The bytes of the next storage, whose elements have `size` bytes.
fn take_storage<'a>(rest: &mut &'a [u8], size: usize) -> candle_core::Result<&'a [u8]> {
    let mut count = [0; 8];
    rest.read_exact(&mut count)?;
    let count = u64::from_le_bytes(count);
    let split = (count <= MOST_ELEMENTS).then(|| rest.split_at_checked(count as usize * size)).flatten();
    let Some((storage, after)) = split else {
        candle_core::bail!("the file ends before a storage of {count} elements does");
    };
    *rest = after;
    Ok(storage)
}

/// A tensor of its storage's bytes, in whichever order its elements lie there: weights that were converted from
/// another framework often lie turned.
fn tensor(info: &TensorInfo, storage: &[u8]) -> candle_core::Result<Tensor> {
    let (layout, size) = (&info.layout, info.dtype.size_in_bytes());
    let beyond = || candle_core::Error::Msg(format!("`{}` lies beyond its storage", info.name)).bt();
    if layout.shape().elem_count().saturating_mul(size) > storage.len() {
        return Err(beyond());
    }
    // candle counts this offset in bytes.
    let start = layout.start_offset();
    let mut bytes = Vec::with_capacity(layout.shape().elem_count() * size);
    for element in 0..layout.shape().elem_count() {
        let mut rest = element;
        let place = layout.dims().iter().zip(layout.stride()).rev().fold(0_usize, |place, (side, stride)| {
            let at = rest % side;
            rest /= side;
            place.saturating_add(at.saturating_mul(*stride))
        });
        let first = start.saturating_add(place.saturating_mul(size));
        bytes.extend_from_slice(storage.get(first..first.saturating_add(size)).ok_or_else(beyond)?);
    }
    Tensor::from_raw_buffer(&bytes, info.dtype, layout.dims(), &Device::Cpu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn fixture(name: &str) -> PathBuf {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).join(name)
    }

    fn quarters(range: std::ops::Range<usize>) -> Vec<f32> {
        range.map(|i| i as f32 / 4.0).collect()
    }

    /// Origin: `fixtures/make_state_fixture.py`.
    #[test]
    fn both_formats_of_pytorch_hold_the_same_tensors() {
        for name in ["state-zip.pth", "state-old.pth"] {
            let tensors = read(&fixture(name), None).unwrap();
            let names: Vec<&str> = tensors.keys().map(String::as_str).collect();
            assert_eq!(names, ["count", "double", "half", "part", "whole"], "{name}");
            assert_eq!(
                (tensors["whole"].dims(), tensors["part"].dims()),
                ([2, 3, 2, 2].as_slice(), [3, 4].as_slice())
            );
            assert_eq!(floats(&tensors["whole"]).unwrap(), quarters(0..24), "{name}");
            assert_eq!(floats(&tensors["part"]).unwrap(), quarters(12..24), "{name}");
            assert_eq!(floats(&tensors["half"]).unwrap(), [-2.0, -1.0, 0.0, 1.0, 2.5], "{name}");
            assert_eq!(floats(&tensors["double"]).unwrap(), [1e-3, 3.0], "{name}");
            assert_eq!(floats(&tensors["count"]).unwrap(), [7.0], "{name}");
        }
    }

    /// Weights of GANs are published together with the optimizers', in a table of their own, and under any name.
    #[test]
    fn a_table_in_a_file_is_read_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["tables-zip.pth", "tables-old.pth"] {
            let path = folder.path().join("weights.tar");
            std::fs::copy(fixture(name), &path).unwrap();
            let tensors = read(&path, Some("generator")).unwrap();
            assert_eq!(tensors.keys().collect::<Vec<_>>(), ["main.0.bias", "main.0.weight"], "{name}");
            assert_eq!(floats(&tensors["main.0.weight"]).unwrap(), quarters(0..6), "{name}");
            assert_eq!(floats(&tensors["main.0.bias"]).unwrap(), [0.5, -0.5], "{name}");
            let message = |table| read(&path, table).unwrap_err().to_string();
            assert!(message(None).contains("no tensors at its top"), "{}", message(None));
            assert!(message(Some("optimizer")).contains("optimizer"), "{name}");
            let other = read(&path, Some("discriminator")).unwrap();
            assert_eq!(floats(&other["bias"]).unwrap(), [1.0], "{name}");
            let shape = |shape: &[usize]| parameter(&tensors, &path, ("main.0.bias", shape), "give another");
            assert_eq!(shape(&[2]).unwrap(), [0.5, -0.5]);
            assert!(shape(&[3]).unwrap_err().to_string().contains("shape [2] instead of [3]; give another"));
        }
    }

    /// EfficientNet's weights, converted from TensorFlow, do not lie row by row.
    #[test]
    fn elements_that_lie_in_another_order_are_put_in_theirs() {
        let tensors = read(&fixture("turned-old.pth"), None).unwrap();
        assert_eq!(tensors["turned"].dims(), [4, 1, 3, 2]);
        // [2, 3, 1, 4] with its first and last side exchanged.
        let wanted: Vec<f32> = (0..4)
            .flat_map(|last| (0..3).flat_map(move |middle| (0..2).map(move |first| (first, middle, last))))
            .map(|(first, middle, last)| (first * 12 + middle * 4 + last) as f32 / 4.0)
            .collect();
        assert_eq!(floats(&tensors["turned"]).unwrap(), wanted);
    }

    /// A pickle that asks Python to run a command is refused, and nothing is run.
    #[test]
    fn a_pickle_runs_no_code() {
        let folder = tempfile::tempdir().unwrap();
        let (path, trace) = (folder.path().join("evil.pth"), folder.path().join("ran"));
        let command = format!("touch {}", trace.display());
        let mut bytes = OLD_FORMAT.to_vec();
        for _ in 0..3 {
            bytes.extend(b"\x80\x02cos\nsystem\nq\x00X");
            bytes.extend((command.len() as u32).to_le_bytes());
            bytes.extend(command.as_bytes());
            bytes.extend(b"q\x01\x85q\x02Rq\x03.");
        }
        std::fs::write(&path, bytes).unwrap();
        assert!(read(&path, None).unwrap_err().to_string().contains("evil.pth"));
        assert!(!trace.exists());
    }

    #[test]
    fn torn_and_foreign_files_are_errors_that_name_them() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["state-zip.pth", "state-old.pth"] {
            let bytes = std::fs::read(fixture(name)).unwrap();
            let path = folder.path().join(name);
            for length in (0..bytes.len()).step_by(29).chain([bytes.len() - 1]) {
                std::fs::write(&path, &bytes[..length]).unwrap();
                let message = read(&path, None).unwrap_err().to_string();
                assert!(message.contains(name), "{length}: {message}");
            }
        }
        let text = folder.path().join("weights.txt");
        std::fs::write(&text, "none").unwrap();
        assert!(read(&text, None).unwrap_err().to_string().contains(".safetensors"));
        assert!(
            read(&folder.path().join("absent.pth"), None).unwrap_err().to_string().contains("absent.pth")
        );
    }
}
