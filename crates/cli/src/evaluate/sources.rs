//! The sets of samples that a SPEC of `brigand evaluate` can name.

use std::path::{Path, PathBuf};

use brigand::batch::SampleKind;
use brigand::data::{self, Background, Cache, Dataset, Notes, Options, Spec, Split};
use brigand::evaluation::extractors::Extractor;
use brigand::evaluation::{
    ArraySamples, DataSamples, DrawnSamples, FeatureFile, OriginalSamples, Recoloured, Reference, Samples,
    Shapes, Side, ValueRange, read_features, read_reference,
};
use brigand::hardware::Device;
use brigand::recipe::Recipe;
use brigand::system::System;
use brigand::training::{Which, generated_samples, load_data, load_run_at, load_test_part, real_samples};

use super::{Notices, ends_in};
use crate::failure::Failure;

/// A set of samples as named on the command line; large data is not read yet.
pub(super) struct Given {
    name: String,
    kind: Kind,
}

enum Kind {
    Run {
        recipe: Box<Recipe>,
        system: Box<dyn System>,
        step: u64,
    },
    /// The data that a run is compared with.
    DataOf(Box<Recipe>),
    Data(Spec, Option<Split>),
    Array(ArraySamples),
    Features(FeatureFile),
    Statistics(Reference),
}

/// How data is read.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    /// Side to which images are scaled; without it they are taken as they are.
    pub(super) size: Option<usize>,
    /// 1 for grey, 3 for colour; without it as they are.
    pub(super) channels: Option<usize>,
    /// What lies under the transparent parts of a folder's images.
    pub(super) background: Background,
    pub(super) seed: u64,
}

/// A set ready to be measured.
pub(super) enum Opened<'a> {
    Samples(Box<dyn Samples + 'a>),
    Features(&'a FeatureFile, &'a str),
    Statistics(&'a Reference, &'a str),
}

impl Opened<'_> {
    pub(super) fn samples(&self) -> Option<&dyn Samples> {
        match self {
            Self::Samples(samples) => Some(samples.as_ref()),
            _ => None,
        }
    }

    pub(super) fn side(&self) -> Side<'_> {
        match self {
            Self::Samples(samples) => Side::Samples(samples.as_ref()),
            Self::Features(file, name) => Side::Features(file, name),
            Self::Statistics(reference, name) => Side::Statistics(reference, name),
        }
    }

    pub(super) fn count(&self) -> Option<usize> {
        match self {
            Self::Samples(samples) => Some(samples.count()),
            Self::Features(file, _) => Some(file.features.count()),
            Self::Statistics(reference, _) => {
                reference.moments.count().and_then(|count| usize::try_from(count).ok())
            }
        }
    }
}

impl Given {
    /// The samples of a run.
    pub(super) fn run(path: &Path, which: Which, device: &Device) -> Result<Self, Failure> {
        Ok(Self::of_run(path, load_run_at(path, which, device)?))
    }

    /// The samples of a loaded run.
    pub(super) fn of_run(path: &Path, (recipe, system, step): (Recipe, Box<dyn System>, u64)) -> Self {
        let name = format!("{} at step {step}", path.display());
        Self { name, kind: Kind::Run { recipe: Box::new(recipe), system, step } }
    }

    /// The set that `text` names.
    pub(super) fn parse(
        text: &str,
        features: &str,
        range: Option<ValueRange>,
        which: Which,
        device: &Device,
    ) -> Result<Self, Failure> {
        let path = Path::new(text);
        let kind = if ends_in(path, "npz") {
            Kind::Statistics(read_reference(path)?)
        } else if ends_in(path, "safetensors") {
            match read_reference(path) {
                Ok(reference) => Kind::Statistics(reference),
                Err(_) => Kind::Features(read_features(path)?),
            }
        } else if ends_in(path, "npy") {
            if features == "given" {
                Kind::Features(read_features(path)?)
            } else {
                Kind::Array(ArraySamples::read(path, range)?)
            }
        } else if path.join("recipe.toml").is_file() {
            return Self::run(path, which, device);
        } else {
            let part = [(":train", Split::Train), (":test", Split::Test)]
                .into_iter()
                .find_map(|(ending, split)| Some((text.strip_suffix(ending)?, split)));
            let (name, split) = part.map_or((text, None), |(name, split)| (name, Some(split)));
            Kind::Data(name.parse()?, split)
        };
        Ok(Self { name: text.to_owned(), kind })
    }

    /// The data that a run is compared with.
    pub(super) fn own_data(&self) -> Result<Self, Failure> {
        match &self.kind {
            Kind::Run { recipe, .. } => {
                Ok(Self { name: recipe.common.data.source.clone(), kind: Kind::DataOf(recipe.clone()) })
            }
            _ => Err(super::refused("only a run has data of its own; give --real")),
        }
    }

    /// The data a run was trained on, where it is compared with other data.
    pub(super) fn training_data(&self) -> Result<Option<DataSamples>, Failure> {
        match &self.kind {
            Kind::Run { recipe, .. } if load_test_part(recipe)?.is_some() => {
                Ok(Some(DataSamples::new(load_data(recipe)?, Some("train"))))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn step(&self) -> Option<u64> {
        match self.kind {
            Kind::Run { step, .. } => Some(step),
            _ => None,
        }
    }

    /// What lies under transparent parts of the images that a run was trained on.
    pub(super) fn background(&self) -> Option<Background> {
        match &self.kind {
            Kind::Run { recipe, .. } | Kind::DataOf(recipe) => recipe.common.data.background,
            Kind::Data(..) | Kind::Array(_) | Kind::Features(_) | Kind::Statistics(_) => None,
        }
    }

    /// The data behind it.
    pub(super) fn spec(&self) -> Option<Spec> {
        match &self.kind {
            Kind::Run { recipe, .. } | Kind::DataOf(recipe) => recipe.common.data.source.parse().ok(),
            Kind::Data(spec, _) => Some(spec.clone()),
            _ => None,
        }
    }

    /// The side to which these images of a folder have to be scaled to be compared pixel by pixel with the `other` set,
    /// where that is of a run or an array and so has one size only. A notice is printed.
    pub(super) fn size_beside(
        &self,
        own: &Opened<'_>,
        other: &Self,
        beside: &Opened<'_>,
        notices: &mut Notices,
    ) -> Option<Option<usize>> {
        let fixed = matches!(other.kind, Kind::Run { .. } | Kind::Array(_));
        let stored = matches!(&self.kind, Kind::Data(Spec::Folder(_), _));
        let (own, beside) = (own.samples()?.shapes(), beside.samples()?.shapes());
        let Shapes::One(shape) = &beside else { return None };
        let [_, height, width] = **shape else { return None };
        let differs = match &own {
            Shapes::One(own) => own.get(1..) != shape.get(1..),
            Shapes::Several { .. } => true,
        };
        if !fixed || !stored || !differs || height != width {
            return None;
        }
        notices.tell(&format!(
            "note: the images of {} are scaled to {height}x{height} pixels (their centre square), the size of {}",
            self.name, other.name
        ));
        Some(Some(height))
    }

    /// At most `most` of its samples.
    pub(super) fn open<'a>(
        &'a self,
        reading: Reading,
        most: usize,
        notices: &mut Notices,
    ) -> Result<Opened<'a>, Failure> {
        let samples: Box<dyn Samples + 'a> = match &self.kind {
            Kind::Run { system, recipe, .. } => {
                let generated = generated_samples(system.as_ref(), &self.name, most, reading.seed)?;
                Box::new(generated.with_classes(&recipe.common.data.classes))
            }
            Kind::DataOf(recipe) => {
                let mut recipe = recipe.clone();
                let background = &mut recipe.common.data.background;
                *background = background.map(|_| reading.background);
                Box::new(real_samples(&recipe, &load_data(&recipe)?, most, reading.seed)?)
            }
            Kind::Data(Spec::Folder(root), None | Some(Split::Train)) if reading.size.is_none() => {
                let samples = OriginalSamples::open(root, reading.background, most, reading.seed)?;
                warn_of(samples.notes(), notices);
                Box::new(samples)
            }
            Kind::Data(spec, split) => {
                let (dataset, part) = load(spec, *split, reading)?;
                warn_of(dataset.notes(), notices);
                let samples = DataSamples::new(dataset, part).scaled(reading.size);
                let background =
                    if spec.reads_image_files() { reading.background } else { Background::WHITE };
                Box::new(samples.over(background).at_most(most, reading.seed))
            }
            Kind::Array(samples) => Box::new(DrawnSamples::new(samples, most, reading.seed)),
            Kind::Features(file) => return Ok(Opened::Features(file, &self.name)),
            Kind::Statistics(reference) => return Ok(Opened::Statistics(reference, &self.name)),
        };
        Ok(Opened::Samples(match reading.channels {
            Some(channels) => Box::new(Recoloured::new(samples, channels)?),
            None => samples,
        }))
    }

    /// Where the statistics of published data are kept; they depend on nothing else.
    pub(super) fn kept(&self, samples: &dyn Samples, extractor: &Extractor, seed: u64) -> Option<PathBuf> {
        let Some(Spec::Catalogue(entry)) = self.spec().filter(|_| !matches!(self.kind, Kind::Run { .. }))
        else {
            return None;
        };
        let shape: Vec<String> = samples.shape().ok()?.iter().map(ToString::to_string).collect();
        let identity = extractor.identity().to_string().replace(' ', "-");
        let source = samples.source();
        let split = source.split.unwrap_or_default();
        let drawn = source.drawn.map(|_| format!("-seed-{seed}")).unwrap_or_default();
        let (count, shape) = (samples.count(), shape.join("x"));
        let name = format!("statistics-{split}-{count}{drawn}-{shape}-{identity}.safetensors");
        Some(Cache::standard().ok()?.folder(entry).join(name))
    }
}

fn warn_of(notes: &Notes, notices: &mut Notices) {
    for sentence in notes.sentences() {
        notices.tell(&format!("warning: {sentence}"));
    }
}

/// Data and the name of its part. Data that its authors divided gives its test part unless another is chosen.
fn load(
    spec: &Spec,
    split: Option<Split>,
    reading: Reading,
) -> Result<(Dataset, Option<&'static str>), Failure> {
    let split = split.unwrap_or(if spec.is_divided() { Split::Test } else { Split::Train });
    let Reading { size, background, seed, .. } = reading;
    let options = Options { size, background, seed, split, ..Options::default() };
    let name = if split == Split::Test { "test" } else { "train" };
    let named = spec.is_divided() || spec.sample_kind() == SampleKind::Points;
    Ok((data::load(spec, &options)?, named.then_some(name)))
}
