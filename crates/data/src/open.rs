//! From a SPEC to the sources that batches are drawn from.

use std::sync::Arc;

use brigand_core::batch::{IMAGES, PICTURE, Renamed, Source};

use super::caption_scenes;
use super::captions::load_captioned;
use super::domains::{paired, pairs, second_domain, two_domains};
use super::folder::load_pairs;
use super::label_maps::load_labelled;
use super::label_scenes;
use super::landscapes::{self, Style};
use super::load::load;
use super::notes::Notes;
use super::options::Options;
use super::people;
use super::run_data::{Part, RunData};
use super::scenes::{self, Domain};
use super::sounds::{load_sounds, tones};
use super::source::DatasetSource;
use super::spec::Spec;
use super::speech;
use super::split::Split;
use super::styles;
use super::tagged_shapes;
use super::tags::load_tagged;
use super::text::{Lines, lines_of_file, lines_of_grammar, lines_of_oracle};
use brigand_core::error::Result;

/// Opens the part of `spec` that is trained on.
///
/// # Errors
/// As [`load`].
pub fn open(spec: &Spec, options: &Options) -> Result<RunData> {
    let (tokens, length) = spec.words(options);
    let text = |Lines { source, fingerprint, skipped }| RunData {
        parts: vec![Part::Read(fingerprint)],
        sources: vec![Arc::new(source)],
        dataset: None,
        notes: Notes { lines: skipped, ..Notes::default() },
    };
    match spec {
        Spec::Lines(path) => return Ok(text(lines_of_file(path, tokens, length)?)),
        Spec::Grammar => return Ok(text(lines_of_grammar(options.seed, length)?)),
        Spec::Oracle { vocabulary } => {
            return Ok(text(lines_of_oracle(*vocabulary, options.seed, length)?));
        }
        Spec::Scenes => {
            let of = |domain| scenes::training(domain, options);
            return Ok(two_domains(of(Domain::Day)?, of(Domain::Night)?));
        }
        Spec::Landscapes => {
            let of = |style| landscapes::training(style, options);
            return Ok(two_domains(of(Style::Photograph)?, of(Style::Illustration)?));
        }
        Spec::Unpaired(first, second) => {
            return Ok(two_domains(load(first, options)?, load(second, options)?));
        }
        Spec::People(which) => return people::open(which, options),
        Spec::Speech(which) => return speech::open(which, options),
        Spec::Styles(which) => return styles::open(which, (tokens, length)),
        Spec::ScenePairs => return pairs(scenes::training_pairs(options)?),
        Spec::Pairs { first, second } => return pairs(load_pairs(first, second.as_deref(), options)?),
        Spec::LabelScenes => return RunData::of_images(label_scenes::training(options)?),
        Spec::Labels { images, maps, palette } => {
            return RunData::of_images(load_labelled((images, maps), palette.as_deref(), options)?);
        }
        Spec::CaptionScenes => {
            return RunData::of_images(caption_scenes::training((tokens, length), options)?);
        }
        Spec::Captions(list) => {
            return RunData::of_images(load_captioned(list, (tokens, length), options)?);
        }
        Spec::TaggedShapes => return RunData::of_images(tagged_shapes::training(options)?),
        Spec::ToneDiscs => return RunData::of_images(tones::training(options)?),
        Spec::Sounds(path) => return RunData::of_images(load_sounds(path, options)?),
        Spec::Tags(path) => return RunData::of_images(load_tagged(path, options)?),
        Spec::Digits
        | Spec::Catalogue(_)
        | Spec::Idx { .. }
        | Spec::Folder(_)
        | Spec::Image(_)
        | Spec::Stones
        | Spec::Toy(_) => {}
    }
    let dataset = Arc::new(load(spec, options)?);
    let notes = dataset.notes().clone();
    Ok(RunData {
        parts: vec![Part::Samples(Arc::clone(&dataset))],
        sources: vec![match spec.is_one_picture() {
            true => {
                let source = DatasetSource(Arc::clone(&dataset));
                Arc::new(Renamed { source, from: IMAGES, to: PICTURE })
            }
            false => Arc::new(DatasetSource(Arc::clone(&dataset))),
        }],
        dataset: Some(dataset),
        notes,
    })
}

/// Opens `named`, on which a system that is trained on `trained` is measured. Text is read over the vocabulary of `trained`.
///
/// # Errors
/// As [`load`].
pub fn open_beside(named: &Spec, trained: &Spec, options: &Options) -> Result<RunData> {
    match (named, trained) {
        (Spec::Styles(named), Spec::Styles(own)) => styles::open_beside(named, own, trained.words(options)),
        _ => open(named, options),
    }
}

/// Opens the part of `spec` that its authors keep for measuring, where they do: a source for each that [`open`] gives.
///
/// # Errors
/// As [`load`].
pub fn open_test_part(spec: &Spec, options: &Options) -> Result<Vec<Option<Box<dyn Source>>>> {
    match spec {
        Spec::Catalogue(_) => {
            let options = Options { split: Split::Test, ..options.clone() };
            Ok(vec![Some(Box::new(DatasetSource(Arc::new(load(spec, &options)?))))])
        }
        Spec::Scenes => scenes::held_out(options),
        Spec::Landscapes => landscapes::held_out(options),
        Spec::People(which) => Ok(vec![people::open_test_part(which, options)?]),
        Spec::Styles(which) => styles::open_test_part(which, spec.words(options)),
        Spec::ScenePairs => Ok(vec![Some(Box::new(paired(scenes::held_out_pairs(options)?)?))]),
        Spec::LabelScenes => Ok(vec![Some(label_scenes::held_out(options)?)]),
        Spec::CaptionScenes => Ok(vec![Some(caption_scenes::held_out(spec.words(options), options)?)]),
        Spec::ToneDiscs => Ok(vec![Some(tones::held_out(options)?)]),
        Spec::TaggedShapes => Ok(vec![Some(tagged_shapes::held_out(options)?)]),
        Spec::Unpaired(first, second) => {
            let mut parts = open_test_part(first, options)?;
            parts.extend(open_test_part(second, options)?.into_iter().map(second_domain));
            Ok(parts)
        }
        Spec::Digits
        | Spec::Idx { .. }
        | Spec::Folder(_)
        | Spec::Image(_)
        | Spec::Stones
        | Spec::Toy(_)
        | Spec::Lines(_)
        | Spec::Grammar
        | Spec::Oracle { .. }
        | Spec::Speech(_)
        | Spec::Pairs { .. }
        | Spec::Labels { .. }
        | Spec::Captions(_)
        | Spec::Tags(_)
        | Spec::Sounds(_) => Ok(vec![None]),
    }
}
