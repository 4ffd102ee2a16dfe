//! What a SPEC of `brigand evaluate` stands for.

use std::path::{Path, PathBuf};

use brigand::data::{self, Cache, Dataset, Options, Spec, Split};
use brigand::evaluation::extractors::Extractor;
use brigand::evaluation::{
    ArraySamples, DataSamples, FeatureFile, FirstSamples, GeneratedSamples, Reference, Samples, Side,
    read_features, read_reference,
};
use brigand::hardware::Device;
use brigand::recipe::Recipe;
use brigand::systems::System;
use brigand::training::{Which, load_data, load_run_at, load_test_part, real_samples};

use super::ends_in;
use crate::data::warn;
use crate::failure::Failure;

/// A set of samples that was asked for, not yet read as far as it can be large.
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
    /// The data a run is judged by.
    DataOf(Box<Recipe>),
    Data(Spec, Option<Split>),
    Array(ArraySamples),
    Features(FeatureFile),
    Statistics(Reference),
}

/// How data is read.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) size: Option<usize>,
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
        let (recipe, system, step) = load_run_at(path, which, device)?;
        let name = format!("{} at step {step}", path.display());
        Ok(Self { name, kind: Kind::Run { recipe: Box::new(recipe), system, step } })
    }

    /// What `text` stands for.
    pub(super) fn understand(
        text: &str,
        features: &str,
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
                Kind::Array(ArraySamples::read(path)?)
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

    /// The data that a run is judged by.
    pub(super) fn own_data(&self) -> Result<Self, Failure> {
        match &self.kind {
            Kind::Run { recipe, .. } => {
                Ok(Self { name: recipe.common.data.source.clone(), kind: Kind::DataOf(recipe.clone()) })
            }
            _ => Err(super::refused("only a run has data of its own; give --real")),
        }
    }

    /// The data a run was trained on, where it is judged by other data.
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

    /// The data behind it.
    pub(super) fn spec(&self) -> Option<Spec> {
        match &self.kind {
            Kind::Run { recipe, .. } | Kind::DataOf(recipe) => recipe.common.data.source.parse().ok(),
            Kind::Data(spec, _) => Some(spec.clone()),
            _ => None,
        }
    }

    /// The shape of a sample, as far as it is known without reading data.
    pub(super) fn shape(&self) -> Option<Vec<usize>> {
        match &self.kind {
            Kind::Run { system, .. } => Some(system.sample_shape().dims()),
            Kind::Array(samples) => Some(samples.shape().to_vec()),
            _ => None,
        }
    }

    /// At most `most` of its samples; images of a folder in the shape of the `other` set, if that is known.
    pub(super) fn open<'a>(
        &'a self,
        reading: Reading,
        other: Option<&[usize]>,
        most: usize,
    ) -> Result<Opened<'a>, Failure> {
        Ok(match &self.kind {
            Kind::Run { system, recipe, .. } => {
                let made = GeneratedSamples::new(system.as_ref(), &self.name, most, reading.seed)?;
                Opened::Samples(Box::new(made.with_classes(&recipe.common.data.classes)))
            }
            Kind::DataOf(recipe) => {
                Opened::Samples(Box::new(real_samples(recipe, &load_data(recipe)?, most)?))
            }
            Kind::Data(spec, split) => {
                let (dataset, part) = load(spec, *split, reading, other)?;
                Opened::Samples(Box::new(DataSamples::new(dataset, part).at_most(most)))
            }
            Kind::Array(samples) => Opened::Samples(Box::new(FirstSamples::new(samples, most))),
            Kind::Features(file) => Opened::Features(file, &self.name),
            Kind::Statistics(reference) => Opened::Statistics(reference, &self.name),
        })
    }

    /// Where the statistics of published data are kept; they depend on nothing else.
    pub(super) fn kept(&self, samples: &dyn Samples, extractor: &Extractor) -> Option<PathBuf> {
        let Some(Spec::Catalogue(entry)) = self.spec().filter(|_| !matches!(self.kind, Kind::Run { .. }))
        else {
            return None;
        };
        let shape: Vec<String> = samples.shape().iter().map(ToString::to_string).collect();
        let identity = extractor.identity().to_string().replace(' ', "-");
        let split = samples.source().split.unwrap_or_default();
        let name =
            format!("statistics-{split}-{}-{}-{identity}.safetensors", samples.count(), shape.join("x"));
        Some(Cache::standard().ok()?.folder(entry).join(name))
    }
}

/// Data and the name of its part. Data that its authors divided gives its test part unless another is asked for.
fn load(
    spec: &Spec,
    split: Option<Split>,
    reading: Reading,
    other: Option<&[usize]>,
) -> Result<(Dataset, Option<&'static str>), Failure> {
    let divided = matches!(spec, Spec::Catalogue(_));
    let split = split.unwrap_or(if divided { Split::Test } else { Split::Train });
    let fitting = match (spec, other) {
        (Spec::Folder(_), Some(&[channels, height, _])) => Some((channels, height)),
        _ => None,
    };
    let options = Options {
        size: reading.size.or(fitting.map(|(_, height)| height)),
        channels: fitting.map(|(channels, _)| channels),
        seed: reading.seed,
        split,
        ..Options::default()
    };
    let name = if split == Split::Test { "test" } else { "train" };
    let named = divided || matches!(spec, Spec::Toy(_));
    let dataset = data::load(spec, &options)?;
    warn(dataset.notes());
    Ok((dataset, named.then_some(name)))
}
