//! From a SPEC to a data set.

use std::path::PathBuf;

use brigand_core::batch::SampleKind;

use super::cache::Cache;
use super::catalogue::Entry;
use super::dataset::{Dataset, Labels};
use super::error::DataError;
use super::options::Options;
use super::spec::Spec;
use super::split::Split;
use super::{caption_scenes, captions, cifar, digits, folder, idx, people, picture, toy};

/// Reads the data `spec` names.
///
/// # Errors
/// Any [`DataError`] of the source; [`DataError::BadOption`] when the options do not suit it;
/// [`DataError::NoTestSplit`] when a test part is asked of a source without one.
pub fn load(spec: &Spec, options: &Options) -> Result<Dataset, DataError> {
    let drawn_afresh = spec.sample_kind() == SampleKind::Points;
    if options.split == Split::Test && !spec.is_divided() && !drawn_afresh {
        return Err(DataError::NoTestSplit(spec.to_string()));
    }
    match spec {
        Spec::Digits => digits::load(options),
        Spec::Catalogue(entry) => load_entry(entry, options),
        Spec::Idx { images, labels } => idx::load(spec.to_string(), images, labels.as_deref(), options),
        Spec::Folder(root) => folder::load(root, options),
        Spec::Image(file) => picture::of_file(file, options),
        Spec::Stones => picture::stones(options),
        Spec::People(which) => people::frames(which, options),
        Spec::Toy(toy) => toy::load(*toy, options),
        Spec::Speech(_) => Err(DataError::Speech(spec.to_string())),
        Spec::Lines(_) | Spec::Grammar | Spec::Oracle { .. } | Spec::Styles(_) => {
            Err(DataError::Text(spec.to_string()))
        }
        Spec::Scenes | Spec::Landscapes | Spec::Unpaired(..) | Spec::ScenePairs | Spec::Pairs { .. } => {
            Err(DataError::TwoDomains(spec.to_string()))
        }
        Spec::CaptionScenes => Ok(caption_scenes::images(options)?),
        Spec::Captions(list) => Ok(captions::load_captioned(list, spec.words(options), options)?.0),
        Spec::LabelScenes | Spec::Labels { .. } => Err(DataError::WithLabelMaps(spec.to_string())),
        Spec::ToneDiscs | Spec::Sounds(_) => Err(DataError::WithSounds(spec.to_string())),
        Spec::TaggedShapes | Spec::Tags(_) => Err(DataError::WithTags(spec.to_string())),
    }
}

/// A set of the catalogue, from the files on this machine, their checksums verified.
fn load_entry(entry: &'static Entry, options: &Options) -> Result<Dataset, DataError> {
    let cache = options.cache.clone().map_or_else(Cache::standard, Ok)?;
    let paths: Vec<PathBuf> = entry
        .files(options.split)
        .iter()
        .map(|remote| cache.locate(entry, remote).ok_or_else(|| cache.absent(entry)))
        .collect::<Result<_, _>>()?;
    let mut contents = entry
        .files(options.split)
        .iter()
        .zip(&paths)
        .map(|(remote, path)| cache.content(entry, remote, path))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter();
    let (images, labels) = match (contents.next(), contents.next(), paths.as_slice()) {
        (Some(mut images), Some(mut labels), [images_path, labels_path]) => {
            let images = idx::images(&mut images, images_path)?;
            let labels = idx::labels(&mut labels, labels_path)?;
            let count = images.bytes.len() / (images.height * images.width);
            idx::check_counts(images_path, count, labels_path, labels.len())?;
            (images, labels)
        }
        (Some(archive), None, [path]) => cifar::read(archive, path, options.split)?,
        _ => return Err(cache.absent(entry)),
    };
    let classes = entry.classes.iter().map(|&class| class.to_owned()).collect();
    images.into_dataset(entry.name, Some(Labels { classes, values: labels }), entry.licence, options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn an_absent_set_says_how_to_get_it() {
        let place = tempfile::tempdir().unwrap();
        let options = Options { cache: Some(Cache::at(place.path())), ..Options::default() };
        for name in ["mnist", "cifar10"] {
            let spec = Spec::Catalogue(catalogue::entry(name).unwrap());
            let message = load(&spec, &options).unwrap_err().to_string();
            assert!(message.ends_with(&format!("run `brigand data get {name}`")), "{message}");
            assert!(message.contains(&place.path().display().to_string()), "{message}");
        }
    }

    #[test]
    fn a_local_file_that_was_altered_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("mnist");
        std::fs::create_dir_all(&folder).unwrap();
        for file in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"] {
            std::fs::write(folder.join(file), [0, 0, 8, 1, 0, 0, 0, 1, 7]).unwrap();
        }
        let options = Options { cache: Some(Cache::at(place.path())), ..Options::default() };
        let error = load(&"mnist".parse().unwrap(), &options).unwrap_err();
        assert!(matches!(error, DataError::Checksum { name: "mnist", .. }), "{error}");
        // The test files are still absent.
        let options = Options { split: Split::Test, ..options };
        let error = load(&"mnist".parse().unwrap(), &options).unwrap_err();
        assert!(matches!(error, DataError::Absent { name: "mnist", .. }), "{error}");
    }

    #[test]
    fn a_test_part_is_only_where_there_is_one() {
        let options = Options { split: Split::Test, ..Options::default() };
        for spec in ["digits", "folder:/x", "idx:/x"] {
            assert!(
                matches!(load(&spec.parse().unwrap(), &options), Err(DataError::NoTestSplit(name)) if name == spec)
            );
        }
        assert_eq!(load(&Spec::Toy(toy::Toy::Ring8), &options).unwrap().shape(), [2]);
    }
}
