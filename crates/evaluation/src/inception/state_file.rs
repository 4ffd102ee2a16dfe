//! Tensors by name from files that others wrote: `.safetensors`, and PyTorch's `.pth` in both of its formats.
//!
//! Since 2020 PyTorch writes a zip archive, which candle reads. Before, it wrote five pickles one after another
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

/// All tensors of a file, on the processor.
///
/// # Errors
/// If it cannot be read, or its ending is none of `.safetensors`, `.pth`, `.pt`, `.bin`.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let damaged = |reason: String| {
        let first = reason.lines().next().unwrap_or_default().to_owned();
        Error::Network(format!("{} holds no weights that can be read: {first}", path.display()))
    };
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    let bytes = fs::read(path).map_err(FileError::when("read", path))?;
    let tensors = match ending.as_str() {
        "safetensors" => candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
            .map(|tensors| tensors.into_iter().collect()),
        "pth" | "pt" | "bin" if bytes.starts_with(&OLD_FORMAT) => read_old(&bytes),
        "pth" | "pt" | "bin" => {
            candle_core::pickle::read_all(path).map(|tensors| tensors.into_iter().collect())
        }
        _ => return Err(damaged("its name ends in none of .safetensors, .pth, .pt".into())),
    };
    tensors.map_err(|reason| damaged(reason.to_string()))
}

/// The elements of a tensor as 32-bit floats, row-major.
pub(crate) fn floats(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?)
}

fn read_old(bytes: &[u8]) -> candle_core::Result<BTreeMap<String, Tensor>> {
    let mut rest = &bytes[OLD_FORMAT.len()..];
    let _version = unpickle(&mut rest)?;
    let _machine = unpickle(&mut rest)?;
    let state = unpickle(&mut rest)?.dict()?;
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
        let users: Vec<&TensorInfo> = infos.iter().filter(|info| info.path == place).collect();
        let Some(size) = users.first().map(|info| info.dtype.size_in_bytes()) else {
            candle_core::bail!("no tensor gives the type of storage {key}");
        };
        let storage = take_storage(&mut rest, size)?;
        for info in users {
            tensors.insert(info.name.clone(), tensor(info, storage)?);
        }
    }
    Ok(tensors)
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

fn tensor(info: &TensorInfo, storage: &[u8]) -> candle_core::Result<Tensor> {
    let layout = &info.layout;
    if !layout.is_contiguous() {
        candle_core::bail!("`{}` is not stored row by row", info.name);
    }
    // candle counts its offset in bytes.
    let (start, bytes) = (layout.start_offset(), layout.shape().elem_count() * info.dtype.size_in_bytes());
    let Some(bytes) = storage.get(start..start.saturating_add(bytes)) else {
        candle_core::bail!("`{}` lies beyond its storage", info.name);
    };
    Tensor::from_raw_buffer(bytes, info.dtype, layout.dims(), &Device::Cpu)
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
            let tensors = read(&fixture(name)).unwrap();
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

    #[test]
    fn torn_and_foreign_files_are_errors_that_name_them() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["state-zip.pth", "state-old.pth"] {
            let bytes = std::fs::read(fixture(name)).unwrap();
            let path = folder.path().join(name);
            for length in (0..bytes.len()).step_by(29).chain([bytes.len() - 1]) {
                std::fs::write(&path, &bytes[..length]).unwrap();
                let message = read(&path).unwrap_err().to_string();
                assert!(message.contains(name), "{length}: {message}");
            }
        }
        let text = folder.path().join("weights.txt");
        std::fs::write(&text, "none").unwrap();
        assert!(read(&text).unwrap_err().to_string().contains(".safetensors"));
        assert!(read(&folder.path().join("absent.pth")).unwrap_err().to_string().contains("absent.pth"));
    }
}
