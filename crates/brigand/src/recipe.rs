//! Recipes: everything that determines a run, as TOML.
//!
//! The tables that every run has ([`Common`]) are known here; the others belong to the system, which
//! checks them itself. The resolved recipe is saved in the run folder and is enough to repeat the run.

mod changes;
mod evaluation;
mod intervals;
mod paths;
mod tables;

pub use brigand_core::recipe::{Family, Row};
use brigand_core::recipe::{Recipe as SystemRecipe, refused};
use toml::Table;

pub(crate) use self::changes::collect_leaves;
pub use self::changes::{Changes, RecipeFile};
pub use self::evaluation::EvaluationRecipe;
use self::intervals::Interval;
pub use self::tables::{CheckpointRecipe, Common, DataRecipe, Precision, SamplesRecipe, TrainingRecipe};
use crate::data::{Augmentation, Background, Spec};
use crate::error::{Error, Result};
use crate::registry;

const COMMON: [&str; 6] = ["system", "data", "training", "samples", "checkpoint", "evaluation"];

/// Everything that determines a run.
pub struct Recipe {
    /// What every run has.
    pub common: Common,
    /// The system's own tables, parsed.
    pub system: Box<dyn SystemRecipe>,
}

impl Clone for Recipe {
    fn clone(&self) -> Self {
        Self { common: self.common.clone(), system: self.system.boxed() }
    }
}

impl std::fmt::Debug for Recipe {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recipe").field("table", &self.to_table()).finish()
    }
}
impl Recipe {
    /// The defaults of `row` for samples of `source`.
    ///
    /// # Errors
    /// If the system cannot work on samples of that kind.
    pub fn defaults(row: &Row, source: &Spec) -> Result<Self> {
        let kind = source.sample_kind();
        let length = (row.length)(kind);
        let common = Common {
            system: row.name.to_owned(),
            data: DataRecipe {
                source: source.to_string(),
                size: 0,
                channels: 0,
                background: source.reads_image_files().then(Background::default),
                augment: source.has_many_images().then(Augmentation::default),
                tokens: source.tokens(),
                length: source.text_length(),
                held_out: source.is_aligned_files().then(String::new),
                frames: source.episode_frames(),
                classes: Vec::new(),
            },
            training: TrainingRecipe {
                steps: length.steps,
                batch: length.batch,
                seed: 0,
                report_every: 10,
                precision: Precision::F32,
            },
            samples: SamplesRecipe { every: Interval::Samples.default(length.steps), count: 64 },
            checkpoint: CheckpointRecipe {
                every: Interval::Checkpoints.default(length.steps),
                keep: 3,
                statistics_batches: CheckpointRecipe::statistics_batches(),
            },
            evaluation: EvaluationRecipe::default(),
        };
        Ok(Self { common, system: (row.make.defaults)(kind)? })
    }

    /// The whole recipe as one TOML table.
    pub fn to_table(&self) -> Result<Table> {
        let mut table = Table::try_from(&self.common).map_err(|error| Error::Recipe(error.to_string()))?;
        table.extend(self.system.to_table()?);
        Ok(table)
    }

    /// The text of `recipe.toml`.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(&self.to_table()?).map_err(|error| Error::Recipe(error.to_string()))
    }

    /// Reads a complete recipe, as saved in a run folder; `origin` names it in errors.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self> {
        let table: Table = toml::from_str(text).map_err(|error| not_toml(origin, text, &error))?;
        let checked = Self::from_table(table).and_then(|recipe| recipe.check().map(|()| recipe));
        checked.map_err(|error| Error::Recipe(format!("{origin}: {error}")))
    }

    /// Refuses values and combinations that cannot be trained.
    fn check(&self) -> Result<()> {
        self.common.evaluation.check()?;
        self.system.check()
    }

    /// Takes a complete table apart; every part must have the keys and types it knows.
    fn from_table(mut table: Table) -> Result<Self> {
        let mut common = Table::new();
        for key in COMMON {
            if let Some(value) = table.remove(key) {
                common.insert(key.to_owned(), value);
            }
        }
        let common: Common = common.try_into().map_err(|error: toml::de::Error| refused(&error))?;
        common.check()?;
        let row = registry::find(&common.system)?;
        Ok(Self { system: (row.make.parse)(table)?, common })
    }
}

fn not_toml(origin: &str, text: &str, error: &toml::de::Error) -> Error {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    Error::Recipe(format!("{origin} is no valid TOML: line {line}: {}", error.message().replace('\n', " ")))
}
