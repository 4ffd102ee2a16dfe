//! Recipes of systems: parsed once, then kept as what they are.

use serde::{Serialize, de::DeserializeOwned};
use toml::Table;

use crate::batch::{Need, SampleKind};
use crate::error::{Error, Result};
use crate::setup::Setup;
use crate::system::System;

/// What a system's author writes: the values, what they need of the data, and how they become a system.
pub trait SystemRecipe: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// What the system needs of its data.
    const NEEDS: &'static [Need];

    /// The default values for samples of a kind.
    ///
    /// # Errors
    /// If it cannot work on samples of that kind.
    fn defaults(kind: SampleKind) -> Result<Self>;

    /// Refuses values that cannot be trained.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which key has which value and what to give instead.
    fn check(&self) -> Result<()>;

    /// The system, untrained.
    ///
    /// # Errors
    /// If the networks do not fit the data.
    fn build(&self, setup: &Setup) -> Result<Box<dyn System>>;

    /// The keys whose effect is spread over all steps of a run, such as a decay. A run that is extended has then trained
    /// otherwise than one of the later length would have.
    fn spread_over_run(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// The files that it names.
    fn files(&mut self) -> Vec<&mut String> {
        Vec::new()
    }
}

/// A parsed recipe of any system.
pub trait Recipe: Send + Sync {
    /// What it needs of its data.
    fn needs(&self) -> &'static [Need];

    /// All its values, for the run folder.
    ///
    /// # Errors
    /// If a value has no form in TOML.
    fn to_table(&self) -> Result<Table>;

    /// Refuses values that cannot be trained.
    ///
    /// # Errors
    /// As [`SystemRecipe::check`].
    fn check(&self) -> Result<()>;

    /// The system that it describes, after both the recipe and the data were checked.
    ///
    /// # Errors
    /// As [`SystemRecipe::build`], or if the data lacks something.
    fn build(&self, setup: &Setup) -> Result<Box<dyn System>>;

    /// The keys whose effect is spread over all steps, as [`SystemRecipe::spread_over_run`].
    fn spread_over_run(&self) -> Vec<&'static str>;

    /// The files that it names.
    fn files(&mut self) -> Vec<&mut String>;

    /// The same recipe again.
    fn boxed(&self) -> Box<dyn Recipe>;
}

impl<R: SystemRecipe> Recipe for R {
    fn needs(&self) -> &'static [Need] {
        R::NEEDS
    }

    fn to_table(&self) -> Result<Table> {
        Table::try_from(self).map_err(|error| Error::Recipe(error.to_string()))
    }

    fn check(&self) -> Result<()> {
        SystemRecipe::check(self)
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        setup.schema.check(R::NEEDS)?;
        SystemRecipe::check(self)?;
        SystemRecipe::build(self, setup)
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        SystemRecipe::spread_over_run(self)
    }

    fn files(&mut self) -> Vec<&mut String> {
        SystemRecipe::files(self)
    }

    fn boxed(&self) -> Box<dyn Recipe> {
        Box::new(self.clone())
    }
}

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
    /// Losses of score differences between real and generated samples.
    Relativistic,
    /// Discriminators as energies.
    Energies,
    /// Against mode collapse.
    Modes,
    /// Class-conditional generation.
    Conditional,
    /// Interpretable latent codes.
    Codes,
    /// Systems with an encoder.
    Encoders,
    /// Likelihood-based training, without a discriminator.
    Likelihoods,
    /// Larger images: attention, residual networks, growing.
    Images,
    /// From images to images.
    Translation,
    /// Sequences of tokens.
    Sequences,
    /// Classifiers, whose features other systems are measured by.
    Classifiers,
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
            Self::Images => "images",
            Self::Translation => "translation",
            Self::Sequences => "sequences",
            Self::Classifiers => "classifiers",
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

/// A system of the registry.
pub struct Row {
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

/// How a row of the registry makes recipes.
#[derive(Clone, Copy)]
pub struct Make {
    /// The default values for samples of a kind.
    pub defaults: fn(SampleKind) -> Result<Box<dyn Recipe>>,
    /// The recipe in a table of which every key must be known.
    pub parse: fn(Table) -> Result<Box<dyn Recipe>>,
}

impl Make {
    /// How a system with the recipe `R` is made, with the defaults that the recipe itself gives.
    pub const fn of<R: SystemRecipe>() -> Self {
        Self { defaults: |kind| Ok(Box::new(R::defaults(kind)?)), parse: parse::<R> }
    }
}

/// The recipe `R` in a table of which every key must be known.
///
/// # Errors
/// [`Error::Recipe`], saying which key or value is wrong.
pub fn parse<R: SystemRecipe>(table: Table) -> Result<Box<dyn Recipe>> {
    let recipe: R = table.try_into().map_err(|error| refused(&error))?;
    Ok(Box::new(recipe))
}

/// serde's complaint, on one line.
pub fn refused(error: &toml::de::Error) -> Error {
    Error::Recipe(error.message().replace('\n', " "))
}
