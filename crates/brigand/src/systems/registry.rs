//! The one table of systems.

use candle_core::Device;
use serde::{Serialize, de::DeserializeOwned};
use toml::Table;

use super::{Duel, DuelRecipe, System, classifier, dcgan, gan};
use crate::error::{Error, Result};
use crate::networks::{SampleKind, SampleShape};
use crate::recipe::refused;

/// What kind of system it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The first GANs.
    Foundations,
    /// What judges samples.
    Judges,
}

impl std::fmt::Display for Family {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Foundations => "foundations",
            Self::Judges => "judges",
        })
    }
}

/// How long a system trains by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Steps.
    pub steps: u64,
    /// Samples in a batch.
    pub batch: usize,
}

/// Builds a system from its own (complete) tables, for samples of a shape, with first weights from a seed.
pub type Build = fn(&Table, SampleShape, u64, &Device) -> Result<Box<dyn System>>;

/// A system of the registry.
pub struct Entry {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What kind of system it is.
    pub family: Family,
    /// What it is, in a line.
    pub summary: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// The data SPEC it trains on when none is given.
    pub data: &'static str,
    /// How long it trains on samples of a kind.
    pub length: fn(SampleKind) -> Length,
    /// The default values of its own tables for samples of a kind.
    pub defaults: fn(SampleKind) -> Result<Table>,
    /// Its own tables checked and completed with default values.
    pub normalize: fn(Table) -> Result<Table>,
    /// Builds it from its own (complete) tables.
    pub build: Build,
}

/// All systems, in the order in which a reader meets them.
pub fn registry() -> &'static [Entry] {
    const ENTRIES: &[Entry] = &[
        Entry {
            name: "gan",
            family: Family::Foundations,
            summary: "the original GAN, fully connected networks, non-saturating loss",
            paper: "Goodfellow et al. 2014, arXiv:1406.2661",
            data: "digits",
            length: |kind| Length {
                steps: if kind == SampleKind::Image { 30_000 } else { 10_000 },
                batch: 64,
            },
            defaults: |sample| to_table(&gan::recipe(sample)),
            normalize: normalize_duel,
            build: build_duel,
        },
        Entry {
            name: "dcgan",
            family: Family::Foundations,
            summary: "convolutional generator and discriminator with batch normalisation",
            paper: "Radford et al. 2015, arXiv:1511.06434",
            data: "digits",
            length: |_| Length { steps: 3000, batch: 64 },
            defaults: |sample| to_table(&dcgan::recipe(sample)),
            normalize: normalize_duel,
            build: build_duel,
        },
        Entry {
            name: "classifier",
            family: Family::Judges,
            summary: "a small convolutional classifier of labelled images, whose features judge samples of them",
            paper: "LeCun et al. 1998, doi:10.1109/5.726791",
            data: "digits",
            length: |_| Length { steps: 4000, batch: 64 },
            defaults: |_| to_table(&classifier::ClassifierRecipe::default()),
            normalize: |table| {
                let recipe: classifier::ClassifierRecipe = read(&table)?;
                recipe.check()?;
                to_table(&recipe)
            },
            build: |table, sample, seed, device| {
                Ok(Box::new(classifier::ClassifierTraining::new(read(table)?, sample, seed, device)?))
            },
        },
    ];
    ENTRIES
}

/// The system called `name`.
///
/// # Errors
/// If there is none, naming those that are called alike.
pub fn find(name: &str) -> Result<&'static Entry> {
    registry().iter().find(|entry| entry.name == name).ok_or_else(|| {
        let mut near: Vec<&str> = registry().iter().map(|entry| entry.name).collect();
        near.sort_by(|a, b| strsim::jaro_winkler(b, name).total_cmp(&strsim::jaro_winkler(a, name)));
        near.truncate(3);
        Error::Recipe(format!(
            "no system is called `{name}`; nearest: {} (`brigand list` shows all)",
            near.join(", ")
        ))
    })
}

fn to_table<R: Serialize>(recipe: &R) -> Result<Table> {
    Table::try_from(recipe).map_err(|error| Error::Recipe(error.to_string()))
}

fn read<R: DeserializeOwned>(table: &Table) -> Result<R> {
    table.clone().try_into().map_err(|error| refused(&error))
}

/// A duel's tables checked, and written again with the defaults filled in.
fn normalize_duel(table: Table) -> Result<Table> {
    let recipe: DuelRecipe = read(&table)?;
    recipe.check()?;
    to_table(&recipe)
}

fn build_duel(table: &Table, sample: SampleShape, seed: u64, device: &Device) -> Result<Box<dyn System>> {
    Ok(Box::new(Duel::new(read::<DuelRecipe>(table)?, sample, seed, device)?))
}
