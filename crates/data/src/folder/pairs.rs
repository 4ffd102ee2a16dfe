//! Folders of images of two domains that belong together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::DynamicImage;

use super::{Found, SIZE, decode, find, images_of_size};
use crate::dataset::Dataset;
use crate::error::DataError;
use crate::notes::{Notes, Skipped};
use crate::options::Options;
use crate::{parallel, pixels};

/// The images of two domains, image `n` of the one belonging to image `n` of the other: those of equal names below `first`
/// and `second`, whatever their endings, or the left and right halves of the images below `first`. Images without a
/// partner, or of which one of the two cannot be read, are left out and noted.
///
/// # Errors
/// If a folder cannot be read, or no pair remains.
pub(crate) fn load_pairs(
    first: &Path,
    second: Option<&Path>,
    options: &Options,
) -> Result<(Dataset, Dataset), DataError> {
    pixels::check(options)?;
    let size = options.size.unwrap_or(SIZE);
    let Found { images, mut unreadable, others } = find(first)?;
    let mut notes = Notes { others, ..Notes::default() };
    let pairs: Vec<(PathBuf, PathBuf)> = match second {
        None => images.into_iter().map(|path| (path.clone(), path)).collect(),
        Some(second) => {
            let found = find(second)?;
            unreadable.extend(found.unreadable);
            let (pairs, alone) = of_equal_names((first, images), (second, found.images));
            unreadable.extend(alone);
            pairs
        }
    };
    let both = parallel::map(&pairs, |(own, partner)| match second {
        None => decode::read_halves(own, size, options.background).map_err(|reason| (own.clone(), reason)),
        Some(_) => {
            let read = |path: &PathBuf| {
                decode::read(path, size, options.background).map_err(|reason| (path.clone(), reason))
            };
            Ok([read(own)?, read(partner)?])
        }
    });
    let mut sides: [Vec<DynamicImage>; 2] = [Vec::new(), Vec::new()];
    for found in both {
        match found {
            Ok(images) => sides.iter_mut().zip(images).for_each(|(side, image)| side.push(image)),
            Err((path, reason)) => unreadable.push(Skipped { path, reason }),
        }
    }
    let [own, partners] = &sides;
    if own.is_empty() {
        let root = first.to_owned();
        return Err(match unreadable.first().cloned() {
            Some(Skipped { path: first, reason }) => {
                DataError::NothingReadable { path: root, count: unreadable.len(), first, reason }
            }
            None => DataError::NotFound(root),
        });
    }
    notes.unreadable = unreadable;
    let name = |of: &Path| format!("pairs:{}", of.display());
    let own = images_of_size(&name(first), own, None, size, options)?.with_notes(notes);
    Ok((own, images_of_size(&name(second.unwrap_or(first)), partners, None, size, options)?))
}

/// The pairs of paths with equal names below their folders, but for their endings, in the order of the names; and those
/// without a partner.
pub(crate) fn of_equal_names(
    (first, own): (&Path, Vec<PathBuf>),
    (second, others): (&Path, Vec<PathBuf>),
) -> (Vec<(PathBuf, PathBuf)>, Vec<Skipped>) {
    let name = |root: &Path, path: &Path| path.strip_prefix(root).unwrap_or(path).with_extension("");
    let mut partners: BTreeMap<PathBuf, PathBuf> =
        others.into_iter().map(|path| (name(second, &path), path)).collect();
    let (mut pairs, mut alone) = (Vec::new(), Vec::new());
    let without = |path: PathBuf, other: &Path| Skipped {
        path,
        reason: format!("{} has no image of the same name", other.display()),
    };
    for path in own {
        match partners.remove(&name(first, &path)) {
            Some(partner) => pairs.push((path, partner)),
            None => alone.push(without(path, second)),
        }
    }
    alone.extend(partners.into_values().map(|path| without(path, first)));
    (pairs, alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, width: u32, colour: impl Fn(u32) -> [u8; 3]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_fn(width, 4, |x, _| image::Rgb(colour(x))).save(path).unwrap();
    }

    fn options() -> Options {
        Options { size: Some(4), ..Options::default() }
    }

    #[test]
    fn images_of_equal_names_are_pairs_and_others_are_noted() {
        let place = tempfile::tempdir().unwrap();
        let (a, b) = (place.path().join("a"), place.path().join("b"));
        for (name, level) in [("x/1", 10), ("x/2", 20), ("3", 30)] {
            write(&a.join(format!("{name}.png")), 4, |_| [level; 3]);
            write(&b.join(format!("{name}.bmp")), 4, |_| [level, 0, 255]);
        }
        write(&a.join("alone.png"), 4, |_| [0; 3]);
        write(&b.join("other.png"), 4, |_| [0; 3]);
        std::fs::write(b.join("x/2.bmp"), b"BM").unwrap();
        let (first, second) = load_pairs(&a, Some(&b), &options()).unwrap();
        assert_eq!((first.len(), first.shape(), second.shape()), (2, &[1, 4, 4][..], &[3, 4, 4][..]));
        let level = |set: &Dataset, number: usize| {
            ((set.get(&[number]).unwrap().values[0] + 1.0) * 127.5).round() as u8
        };
        for number in 0..2 {
            assert_eq!(level(&first, number), level(&second, number));
        }
        let reasons: Vec<&str> = first.skipped().iter().map(|of| of.reason.as_str()).collect();
        assert_eq!(reasons.iter().filter(|of| of.contains("no image of the same name")).count(), 2);
        assert_eq!(first.skipped().len(), 3, "{reasons:?}");
    }

    #[test]
    fn halves_of_one_image_are_a_pair() {
        let place = tempfile::tempdir().unwrap();
        write(&place.path().join("1.png"), 8, |x| if x < 4 { [255, 0, 0] } else { [0, 0, 255] });
        write(&place.path().join("2.png"), 7, |_| [9; 3]);
        let (first, second) = load_pairs(place.path(), None, &options()).unwrap();
        assert_eq!((first.len(), first.skipped().len()), (1, 1));
        assert!(first.skipped()[0].reason.contains("7 pixels wide"), "{:?}", first.skipped());
        let (left, right) = (first.get(&[0]).unwrap().values, second.get(&[0]).unwrap().values);
        assert_eq!((left[0], left[32], right[0], right[32]), (1.0, -1.0, -1.0, 1.0));
    }

    #[test]
    fn folders_without_a_pair_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let (a, b) = (place.path().join("a"), place.path().join("b"));
        write(&a.join("1.png"), 4, |_| [1; 3]);
        write(&b.join("2.png"), 4, |_| [1; 3]);
        let message = load_pairs(&a, Some(&b), &options()).unwrap_err().to_string();
        assert!(message.contains("no image of the same name"), "{message}");
        assert!(load_pairs(&a, Some(&place.path().join("c")), &options()).is_err());
    }
}
