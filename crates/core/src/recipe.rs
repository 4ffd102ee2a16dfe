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

    fn boxed(&self) -> Box<dyn Recipe> {
        Box::new(self.clone())
    }
}

/// How a row of the registry makes recipes.
#[derive(Clone, Copy)]
pub struct Make {
    /// The default values for samples of a kind.
    pub defaults: fn(SampleKind) -> Result<Box<dyn Recipe>>,
    /// The recipe in a table of which every key must be known.
    pub parse: fn(Table) -> Result<Box<dyn Recipe>>,
}

/// How a system with the recipe `R` is made.
pub const fn make<R: SystemRecipe>() -> Make {
    Make { defaults: |kind| Ok(Box::new(R::defaults(kind)?)), parse: parse::<R> }
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
