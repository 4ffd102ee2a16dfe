//! CIFAR-10 as its authors publish it: a gzipped tar of files of 10,000 records, each a label byte and 3,072
//! bytes of pixels (red, green, blue plane of 32x32).

use std::io::Read;
use std::path::Path;

use super::compressed::read_error;
use super::error::DataError;
use super::pixels::Images;
use super::split::Split;

const PIXELS: usize = 3 * 32 * 32;

/// Images and labels of one split, read from the decompressed tar. `path` is for messages.
pub(crate) fn read(tar: impl Read, path: &Path, split: Split) -> Result<(Images, Vec<u32>), DataError> {
    let failed = |source| read_error(path, source);
    let prefix = match split {
        Split::Train => "data_batch_",
        Split::Test => "test_batch",
    };
    let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
    for entry in tar::Archive::new(tar).entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let inside = entry.path().map_err(failed)?.into_owned();
        let name = inside.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(prefix) && name.ends_with(".bin") {
            let mut records = Vec::new();
            entry.read_to_end(&mut records).map_err(failed)?;
            parts.push((name, records));
        }
    }
    parts.sort();
    let mut bytes = Vec::new();
    let mut labels = Vec::new();
    for (name, records) in &parts {
        for record in records.chunks(1 + PIXELS) {
            let (Some(label), Some(pixels)) = (record.first(), record.get(1..=PIXELS)) else {
                let problem = format!("{name} inside it is cut off in the middle of an image");
                return Err(DataError::Damaged { path: path.to_owned(), problem });
            };
            labels.push(u32::from(*label));
            bytes.extend_from_slice(pixels);
        }
    }
    if labels.is_empty() {
        let problem = format!("there is no {prefix}*.bin inside");
        return Err(DataError::WrongKind {
            path: path.to_owned(),
            wanted: "CIFAR-10 in binary form",
            problem,
        });
    }
    Ok((Images { bytes, channels: 3, height: 32, width: 32, top: u8::MAX }, labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("cifar-10-batches-bin/{name}"), bytes.as_slice()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn records(label: u8, count: usize) -> Vec<u8> {
        let record: Vec<u8> =
            std::iter::once(label).chain((0..PIXELS).map(|i| label * 50 + (i / 1024) as u8)).collect();
        record.repeat(count)
    }

    #[test]
    fn splits_are_told_apart_and_batches_come_in_order() {
        let tar = archive(&[
            ("data_batch_2.bin", records(2, 2)),
            ("batches.meta.txt", b"airplane\n".to_vec()),
            ("data_batch_1.bin", records(1, 3)),
            ("test_batch.bin", records(4, 1)),
        ]);
        let (images, labels) = read(tar.as_slice(), Path::new("c.tar.gz"), Split::Train).unwrap();
        assert_eq!((labels, images.bytes.len()), (vec![1, 1, 1, 2, 2], 5 * PIXELS));
        assert_eq!([images.bytes[0], images.bytes[1024], images.bytes[2048]], [50, 51, 52]);
        let (images, labels) = read(tar.as_slice(), Path::new("c.tar.gz"), Split::Test).unwrap();
        assert_eq!((labels, images.bytes[0]), (vec![4], 200));
    }

    #[test]
    fn a_cut_or_foreign_archive_is_refused() {
        let message = |tar: Vec<u8>| match read(tar.as_slice(), Path::new("c.tar.gz"), Split::Train) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("accepted"),
        };
        let mut short = records(1, 2);
        short.pop();
        assert!(message(archive(&[("data_batch_1.bin", short)])).contains("middle of an image"));
        assert!(message(archive(&[("readme", vec![1])])).contains("no data_batch_*.bin inside"));
        let whole = archive(&[("data_batch_1.bin", records(1, 2))]);
        let cut = message(whole[..4000].to_vec());
        assert!(cut.contains("damaged") || cut.contains("cut off"), "{cut}");
    }
}
