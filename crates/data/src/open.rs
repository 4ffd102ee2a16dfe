//! From a SPEC to the sources that batches are drawn from.

use std::sync::Arc;

use brigand_core::batch::{IMAGES, PICTURE, Renamed, Source};

use super::beside::BesideImages;
use super::caption_scenes;
use super::dataset::Dataset;
use super::domains::{paired, pairs, second_domain, two_domains};
use super::fingerprint::Fingerprint;
use super::folder::{load_captioned, load_labelled, load_pairs, load_tagged};
use super::label_scenes;
use super::landscapes::{self, Style};
use super::load::{Options, Split, load};
use super::notes::Notes;
use super::people::{self, People};
use super::scenes::{self, Domain};
use super::sounds::{load_sounds, tones};
use super::source::DatasetSource;
use super::spec::Spec;
use super::speech;
use super::styles;
use super::tagged_shapes;
use super::text::{Lines, Tokens, lines_of_file, lines_of_grammar, lines_of_oracle};
use brigand_core::error::Result;

/// What the fingerprint of data is made from, when it is asked for.
#[derive(Clone)]
pub(crate) enum Contents {
    /// Images or points.
    Samples(Arc<Dataset>),
    /// What belongs to the images before it.
    Beside(Arc<dyn BesideImages>),
    /// Frames of people with landmarks.
    People(People),
    /// Text or speech, whose fingerprint is made when it is read.
    Read(Fingerprint),
}

/// The data of a run: what batches are drawn from, and the images or points themselves where that is what they are.
#[derive(Clone)]
pub struct RunData {
    /// Each source is drawn from independently of the others.
    pub sources: Vec<Arc<dyn Source>>,
    /// The images or points, for pictures and measurements; `None` for data of another kind.
    pub dataset: Option<Arc<Dataset>>,
    /// What was noticed when it was read.
    pub notes: Notes,
    pub(crate) contents: Vec<Contents>,
}

impl RunData {
    /// What tells this data from other data, of each source. Reads all of it.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        let of = |contents: &Contents| match contents {
            Contents::Samples(dataset) => dataset.fingerprint(),
            Contents::Beside(beside) => beside.fingerprint(),
            Contents::People(people) => people.fingerprint(),
            Contents::Read(fingerprint) => fingerprint.clone(),
        };
        self.contents.iter().map(of).collect()
    }

    /// The sources, as a feed takes them.
    pub fn boxed_sources(&self) -> Vec<Box<dyn Source>> {
        self.sources.iter().map(|source| Box::new(Arc::clone(source)) as Box<dyn Source>).collect()
    }
}

/// What a token of its text is, and the most of a line.
pub(crate) fn words(spec: &Spec, options: &Options) -> (Tokens, usize) {
    let length = options.length.or(spec.text_length()).unwrap_or_default();
    (options.tokens.or(spec.tokens()).unwrap_or_default(), length)
}

/// Opens the part of `spec` that is trained on.
///
/// # Errors
/// As [`load`].
pub fn open(spec: &Spec, options: &Options) -> Result<RunData> {
    let (tokens, length) = words(spec, options);
    let text = |Lines { source, fingerprint, skipped }| RunData {
        contents: vec![Contents::Read(fingerprint)],
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
        contents: vec![Contents::Samples(Arc::clone(&dataset))],
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
        (Spec::Styles(named), Spec::Styles(own)) => styles::open_beside(named, own, words(trained, options)),
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
        Spec::Styles(which) => styles::open_test_part(which, words(spec, options)),
        Spec::ScenePairs => Ok(vec![Some(Box::new(paired(scenes::held_out_pairs(options)?)?))]),
        Spec::LabelScenes => Ok(vec![Some(label_scenes::held_out(options)?)]),
        Spec::CaptionScenes => Ok(vec![Some(caption_scenes::held_out(words(spec, options), options)?)]),
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
