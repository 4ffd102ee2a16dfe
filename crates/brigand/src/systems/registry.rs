//! The one table of systems.

use serde::{Serialize, de::DeserializeOwned};
use toml::Table;

use super::{Duel, DuelRecipe, Setup, System, aae, adagan, catgan, classifier, duels, encoders, imle};
use crate::error::{Error, Result};
use crate::networks::SampleKind;
use crate::recipe::refused;

/// What kind of system it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The first GANs.
    Foundations,
    /// Other divergences between data and generator.
    Divergences,
    /// Optimal transport.
    Wasserstein,
    /// Discriminators of bounded slope.
    Lipschitz,
    /// Real against fake.
    Relativistic,
    /// Discriminators as energies.
    Energies,
    /// Against the collapse of modes.
    Modes,
    /// Samples of a class that is asked for.
    Conditional,
    /// Codes that mean something.
    Codes,
    /// From samples back to latents.
    Encoders,
    /// Samples near every datum, without a discriminator.
    Likelihoods,
    /// What judges samples.
    Judges,
}

impl std::fmt::Display for Family {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Foundations => "foundations",
            Self::Divergences => "divergences",
            Self::Wasserstein => "wasserstein",
            Self::Lipschitz => "lipschitz",
            Self::Relativistic => "relativistic",
            Self::Energies => "energies",
            Self::Modes => "modes",
            Self::Conditional => "conditional",
            Self::Codes => "codes",
            Self::Encoders => "encoders",
            Self::Likelihoods => "likelihoods",
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

/// How an entry's recipe is made, checked and built.
#[derive(Clone, Copy)]
pub enum Make {
    /// A duel with these defaults.
    Duel(fn(SampleKind) -> DuelRecipe),
    /// A system with tables of its own.
    Own {
        /// The default values of its tables for samples of a kind.
        defaults: fn(SampleKind) -> Result<Table>,
        /// Its tables, of which every key must be known, completed with default values.
        normalize: fn(Table) -> Result<Table>,
        /// Refuses values that cannot be trained.
        check: fn(&Table) -> Result<()>,
        /// Builds it from its (complete) tables.
        build: fn(&Table, &Setup<'_>) -> Result<Box<dyn System>>,
    },
}

/// The recipe of a system that is no duel.
pub trait SystemRecipe: Serialize + DeserializeOwned + Sized {
    /// The default values for samples of a kind.
    ///
    /// # Errors
    /// If it cannot work on samples of that kind.
    fn defaults(kind: SampleKind) -> Result<Self>;

    /// Refuses values that cannot be trained.
    fn check(&self) -> Result<()>;

    /// Builds the system.
    fn build(self, setup: &Setup<'_>) -> Result<Box<dyn System>>;
}

/// How a system with the recipe `R` is made.
pub const fn own<R: SystemRecipe>() -> Make {
    Make::Own {
        defaults: |kind| to_table(&R::defaults(kind)?),
        normalize: |table| to_table(&read::<R>(&table)?),
        check: |table| read::<R>(table)?.check(),
        build: |table, setup| read::<R>(table)?.build(setup),
    }
}

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
    /// Its recipe.
    pub make: Make,
}

impl Entry {
    /// Whether it is a generator against a discriminator.
    pub fn is_duel(&self) -> bool {
        matches!(self.make, Make::Duel(_))
    }

    /// The default values of its own tables for samples of a kind.
    pub fn defaults(&self, kind: SampleKind) -> Result<Table> {
        match self.make {
            Make::Duel(recipe) => to_table(&recipe(kind)),
            Make::Own { defaults, .. } => defaults(kind),
        }
    }

    /// Its own tables, of which it must know every key, with the defaults filled in.
    pub fn normalize(&self, table: Table) -> Result<Table> {
        match self.make {
            Make::Duel(_) => to_table(&read::<DuelRecipe>(&table)?),
            Make::Own { normalize, .. } => normalize(table),
        }
    }

    /// Refuses values and combinations in its own (complete) tables that cannot be trained.
    pub fn check(&self, table: &Table) -> Result<()> {
        match self.make {
            Make::Duel(_) => read::<DuelRecipe>(table)?.check(),
            Make::Own { check, .. } => check(table),
        }
    }

    /// The system that its own (complete) tables describe, untrained.
    pub fn build(&self, table: &Table, setup: &Setup<'_>) -> Result<Box<dyn System>> {
        match self.make {
            Make::Duel(_) => Ok(Box::new(Duel::new(read::<DuelRecipe>(table)?, setup)?)),
            Make::Own { build, .. } => build(table, setup),
        }
    }
}

/// All systems, in the order in which a reader meets them.
pub fn registry() -> impl Iterator<Item = &'static Entry> {
    let single = [&adagan::ROW, &catgan::ROW, &imle::ROW].into_iter();
    let others = single.chain(&encoders::ROWS).chain(&aae::ROWS).chain([&classifier::ROW]);
    duels::ROWS.into_iter().flatten().chain(others)
}

/// The system called `name`.
///
/// # Errors
/// If there is none, naming those that are called alike.
pub fn find(name: &str) -> Result<&'static Entry> {
    registry().find(|entry| entry.name == name).ok_or_else(|| {
        let mut near: Vec<&str> = registry().map(|entry| entry.name).collect();
        near.sort_by(|a, b| strsim::jaro_winkler(b, name).total_cmp(&strsim::jaro_winkler(a, name)));
        near.truncate(3);
        Error::Recipe(format!(
            "no system is called `{name}`; nearest: {} (`brigand list` shows all)",
            near.join(", ")
        ))
    })
}

pub(super) fn to_table<R: Serialize>(recipe: &R) -> Result<Table> {
    Table::try_from(recipe).map_err(|error| Error::Recipe(error.to_string()))
}

pub(super) fn read<R: DeserializeOwned>(table: &Table) -> Result<R> {
    table.clone().try_into().map_err(|error| refused(&error))
}
