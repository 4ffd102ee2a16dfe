//! Folders of images and of their label maps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use brigand_core::batch::MapLabel;
use image::{DynamicImage, GenericImageView};

use super::{LabelMaps, default_colour, fit, read_map, read_palette};
use crate::dataset::Dataset;
use crate::error::DataError;
use crate::folder::{Found, SIZE, decode_safely, find, fitted, images_of_size, of_equal_names};
use crate::notes::{Notes, Skipped};
use crate::options::Options;
use crate::{parallel, pixels};

/// An image, its map at the size that is trained on, and the colours that the map's own palette gives its labels.
type Labelled = (DynamicImage, Vec<u8>, BTreeMap<u8, [u8; 3]>);

/// Why there is no such pair.
enum Fault {
    /// A file is torn: the pair is left out.
    Unreadable(Skipped),
    /// The map is wrong, as others may be: nothing is trained.
    Wrong(DataError),
}

/// The images below `images` and the label maps of equal names below `maps`, whatever their endings. Images are fitted to the
/// size as those of any folder, maps to the same square without interpolation. With a palette its lines are the labels;
/// without one the numbers in the maps are, up to the largest.
///
/// Files without a partner and files that cannot be read are left out and noted.
///
/// # Errors
/// If a folder or the palette cannot be read, no pair remains, a map has another size than its image, a pixel is of no label,
/// or the palettes of two maps give a label two colours.
pub(crate) fn load_labelled(
    (images, maps): (&Path, &Path),
    palette: Option<&Path>,
    options: &Options,
) -> Result<(Dataset, LabelMaps), brigand_core::Error> {
    pixels::check(options)?;
    let size = options.size.unwrap_or(SIZE);
    let labels = palette.map(read_palette).transpose()?;
    let Found { images: found, mut unreadable, others } = find(images)?;
    let found_maps = find(maps)?;
    unreadable.extend(found_maps.unreadable);
    let (pairs, alone) = of_equal_names((images, found), (maps, found_maps.images));
    unreadable.extend(alone);
    let read = parallel::map(&pairs, |pair| labelled(pair, labels.as_deref(), size, options));
    let (mut kept, mut values, mut known) = (Vec::new(), Vec::new(), Known::default());
    for ((_, path), read) in pairs.iter().zip(read) {
        match read {
            Ok((image, map, colours)) => {
                known.add(path, &map, colours)?;
                kept.push(image);
                values.extend(map);
            }
            Err(Fault::Unreadable(skipped)) => unreadable.push(skipped),
            Err(Fault::Wrong(error)) => return Err(error.into()),
        }
    }
    if kept.is_empty() {
        let root = images.to_owned();
        return Err(match unreadable.first().cloned() {
            Some(Skipped { path: first, reason }) => {
                DataError::NothingReadable { path: root, count: unreadable.len(), first, reason }
            }
            None => DataError::NotFound(root),
        }
        .into());
    }
    let notes = Notes { unreadable, others, ..Notes::default() };
    let name = format!("labels:{}", images.display());
    let set = images_of_size(&name, &kept, None, size, options)?.with_notes(notes);
    Ok((set, LabelMaps::new(labels.unwrap_or_else(|| known.labels()), [size; 2], values)?))
}

fn labelled(
    (image, map): &(PathBuf, PathBuf),
    labels: Option<&[MapLabel]>,
    size: usize,
    options: &Options,
) -> Result<Labelled, Fault> {
    let unreadable = |path: &Path, reason| Fault::Unreadable(Skipped { path: path.to_owned(), reason });
    let wrong =
        |problem| Fault::Wrong(DataError::WrongKind { path: map.clone(), wanted: "a label map", problem });
    let decoded = decode_safely(image, options.background).map_err(|reason| unreadable(image, reason))?;
    let raw = read_map(map).map_err(|reason| unreadable(map, reason))?;
    let (width, height) = decoded.dimensions();
    let [rows, columns] = raw.size;
    if [rows, columns] != [height as usize, width as usize] {
        return Err(wrong(format!(
            "it is {columns}x{rows}, and its image {} is {width}x{height}; both must have one size",
            image.display()
        )));
    }
    let (values, colours) = match labels {
        Some(labels) => (raw.labels(labels).map_err(wrong)?, BTreeMap::new()),
        None => raw.numbers().map_err(wrong)?,
    };
    Ok((fitted(&decoded, size), fit(&values, raw.size, size), colours))
}

/// The labels of maps without a palette of their own.
#[derive(Default)]
struct Known {
    /// How many there are: the largest number and 1.
    count: usize,
    /// The colour that a map's palette gives a label, and the first map that does.
    colours: BTreeMap<u8, ([u8; 3], PathBuf)>,
}

impl Known {
    /// Takes in the labels of another map.
    fn add(&mut self, path: &Path, map: &[u8], colours: BTreeMap<u8, [u8; 3]>) -> Result<(), DataError> {
        let largest = map.iter().chain(colours.keys()).copied().max();
        self.count = self.count.max(largest.map_or(0, |label| usize::from(label) + 1));
        for (label, colour) in colours {
            let (before, first) = self.colours.entry(label).or_insert_with(|| (colour, path.to_owned()));
            if *before != colour {
                return Err(DataError::WrongKind {
                    path: path.to_owned(),
                    wanted: "a label map",
                    problem: format!(
                        "its palette gives label {label} another colour than that of {}, as programs do that number colours \
                         anew in every file; say which colour is which label by a palette, labels:IMAGES,MAPS,PALETTE",
                        first.display()
                    ),
                });
            }
        }
        Ok(())
    }

    fn labels(&self) -> Vec<MapLabel> {
        let numbers = (0..=u8::MAX).take(self.count);
        let colour = |number: u8| {
            self.colours.get(&number).map_or_else(|| default_colour(number), |(colour, _)| *colour)
        };
        numbers.map(|number| MapLabel { name: number.to_string(), colour: colour(number) }).collect()
    }
}
