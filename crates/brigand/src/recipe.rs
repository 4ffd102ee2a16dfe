//! Recipes: everything that determines a run, as TOML.
//!
//! The tables that every run has ([`Common`]) are known here; the others belong to the system, which
//! checks them itself. The resolved recipe is saved in the run folder and is enough to repeat the run.

use brigand_core::batch::{SampleKind, Schema};
pub use brigand_core::recipe::{Family, Row};
use brigand_core::recipe::{Recipe as SystemRecipe, refused};
use brigand_core::{Place, Setup};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::data::{Spec, Tokens};
use crate::error::{Error, Result};
use crate::evaluation::{Better, MetricRow, find_metric};
use crate::registry;

/// Where the real samples come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecipe {
    /// A data SPEC: `digits`, `mnist`, `folder:DIR`, `ring8`...
    pub source: String,
    /// Side that images are resized and cropped to; 0 leaves them as the source has them (folders: 64).
    pub size: usize,
    /// 1 for grey, 3 for colour, 0 for what the source has.
    pub channels: usize,
    /// What a token of a line of text is: `characters` or `words`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Most tokens of a line of text; longer lines are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// What the classes are called, noted for systems that can be asked for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

/// How long, how much at once, with which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecipe {
    /// Steps; one step is one generator update.
    pub steps: u64,
    /// Samples in a batch.
    pub batch: usize,
    /// Decides first weights, batches, latents and every other draw. At most `i64::MAX`, TOML's largest.
    pub seed: u64,
    /// Steps between two lines of `metrics.jsonl`.
    pub report_every: u64,
}

/// Pictures of the same latents while training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplesRecipe {
    /// Steps between two pictures; 0 for none but the last.
    pub every: u64,
    /// Samples in a picture of images; points have a fixed number.
    pub count: usize,
}

/// Checkpoints while training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointRecipe {
    /// Steps between two checkpoints; 0 for none but the last.
    pub every: u64,
    /// How many of the latest are kept.
    pub keep: usize,
    /// Batches over which the statistics of batch normalisation are estimated for the weights that sample, before a
    /// checkpoint and an evaluation; 0 to sample with the running statistics of training.
    #[serde(default = "statistics_batches")]
    pub statistics_batches: usize,
}

/// Enough that their noise is far below what differs between running and estimated statistics.
fn statistics_batches() -> usize {
    50
}

/// Measuring samples while training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationRecipe {
    /// Steps between two evaluations, with one after the last; 0 for none.
    pub every: u64,
    /// The metrics by name, as `brigand evaluate --metrics` has them.
    pub metrics: Vec<String>,
    /// Samples generated for each evaluation, and at most so many real ones to compare them with.
    pub count: usize,
    /// What makes features: `classifier`, `classifier:RUN`, `inception:FILE`, `pixels`, or `auto` for the best that
    /// needs no file.
    pub features: String,
    /// The score by which the best checkpoint is kept; empty to keep none.
    pub best: String,
}

impl Default for EvaluationRecipe {
    fn default() -> Self {
        let fid = || "fid".to_owned();
        Self { every: 0, metrics: vec![fid()], count: 2000, features: "auto".into(), best: fid() }
    }
}

impl EvaluationRecipe {
    /// The metrics.
    ///
    /// # Errors
    /// For a name that is none, or a metric that cannot be measured while training.
    pub fn chosen(&self) -> Result<Vec<&'static MetricRow>> {
        let chosen: Vec<&'static MetricRow> =
            self.metrics.iter().map(|name| Ok(find_metric(name)?)).collect::<Result<_>>()?;
        match chosen.iter().find(|metric| metric.slow) {
            None => Ok(chosen),
            Some(metric) => Err(Error::Recipe(format!(
                "evaluation.metrics: {metric} takes too long for every few steps and is measured when the run is \
                 finished; use `brigand evaluate --metrics {metric}`"
            ))),
        }
    }

    /// The score by which the best checkpoint is kept, and which of its values are better.
    ///
    /// # Errors
    /// If no chosen metric gives it, or it is none to choose by.
    pub fn best_score(&self) -> Result<Option<(&'static str, Better)>> {
        if self.best.is_empty() {
            return Ok(None);
        }
        let given: Vec<(&'static str, Better)> = self
            .chosen()?
            .iter()
            .flat_map(|metric| metric.scores)
            .filter(|score| score.better != Better::Neither)
            .map(|score| (score.name, score.better))
            .collect();
        let found = given.iter().find(|(name, _)| *name == self.best).copied();
        found.map(Some).ok_or_else(|| {
            let names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
            Error::Recipe(format!(
                "evaluation.best is `{}`, which the chosen metrics do not give; choose one of {}, or \"\" for none",
                self.best,
                names.join(", ")
            ))
        })
    }

    fn check(&self) -> Result<()> {
        if self.every == 0 {
            return self.chosen().map(|_| ());
        }
        if self.metrics.is_empty() || self.count < 20 {
            return Err(Error::Recipe(format!(
                "evaluation.metrics names {} metrics and evaluation.count is {}; name at least one, and measure 20 \
                 samples or more",
                self.metrics.len(),
                self.count
            )));
        }
        self.best_score().map(|_| ())
    }
}

/// The tables that every recipe has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// The system's name in the registry.
    pub system: String,
    /// Where the real samples come from.
    pub data: DataRecipe,
    /// How long, how much at once, with which seed.
    pub training: TrainingRecipe,
    /// Pictures while training.
    pub samples: SamplesRecipe,
    /// Checkpoints while training.
    pub checkpoint: CheckpointRecipe,
    /// Measuring samples while training.
    #[serde(default)]
    pub evaluation: EvaluationRecipe,
}

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

/// What a user changes about a system's defaults, later entries over earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// A recipe file's text.
    pub file: Option<String>,
    /// `key.path=value` pairs.
    pub assignments: Vec<String>,
}

impl Recipe {
    /// The defaults of `row` for samples of kind `kind`, with `data` as source.
    pub fn defaults(row: &Row, source: &Spec, kind: SampleKind) -> Result<Self> {
        let length = (row.length)(kind);
        let common = Common {
            system: row.name.to_owned(),
            data: DataRecipe {
                source: source.to_string(),
                size: 0,
                channels: 0,
                tokens: source.text_length().map(|_| Tokens::default()),
                length: source.text_length(),
                classes: Vec::new(),
            },
            training: TrainingRecipe { steps: length.steps, batch: length.batch, seed: 0, report_every: 10 },
            samples: SamplesRecipe { every: pictures_every(length.steps), count: 64 },
            checkpoint: CheckpointRecipe {
                every: checkpoints_every(length.steps),
                keep: 3,
                statistics_batches: statistics_batches(),
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

    /// The defaults of `row` with `changes` made. `data` in the changes decides the defaults' size.
    ///
    /// # Errors
    /// For a key that does not exist (naming the nearest), a value of the wrong kind, an impossible value.
    pub fn resolve(row: &Row, changes: &Changes) -> Result<Self> {
        let file: Table = match &changes.file {
            Some(text) => toml::from_str(text).map_err(|error| not_toml("the recipe file", text, &error))?,
            None => Table::new(),
        };
        let assignments: Vec<(Vec<String>, Value)> =
            changes.assignments.iter().map(|text| assignment(text)).collect::<Result<_>>()?;
        let source = chosen_source(row, &file, &assignments)?;
        let kind = if matches!(source, Spec::Toy(_)) { SampleKind::Points } else { SampleKind::Image };
        let mut recipe = Self::defaults(row, &source, kind)?;
        let mut leaves = Vec::new();
        collect_leaves(&file, &mut Vec::new(), &mut leaves);
        // A new kind changes which other keys exist, so kinds come first.
        leaves.sort_by_key(|(path, _)| path.last().is_none_or(|key| key != "kind"));
        let (mut pictures, mut checkpoints) = (true, true);
        for (path, value) in leaves.into_iter().chain(assignments) {
            pictures &= path != ["samples", "every"];
            checkpoints &= path != ["checkpoint", "every"];
            recipe = recipe.with(&path, value)?;
        }
        // Intervals that nobody chose follow the length that somebody did.
        if pictures {
            recipe.common.samples.every = pictures_every(recipe.common.training.steps);
        }
        if checkpoints {
            recipe.common.checkpoint.every = checkpoints_every(recipe.common.training.steps);
        }
        if recipe.common.system != row.name {
            return Err(Error::Recipe(format!(
                "the recipe is for `{}`, not for `{}`; name that system",
                recipe.common.system, row.name
            )));
        }
        // Only now: two assignments may contradict what stood before and agree with each other.
        recipe.check()?;
        Ok(recipe)
    }

    /// This recipe with the value at `path` replaced.
    fn with(&self, path: &[String], value: Value) -> Result<Self> {
        let mut table = self.to_table()?;
        let dotted = path.join(".");
        let (last, parents) = path.split_last().ok_or_else(|| Error::Recipe("an empty key".into()))?;
        let mut place = &mut table;
        for key in parents {
            let keys: Vec<String> = place.keys().cloned().collect();
            place = match place.get_mut(key) {
                Some(Value::Table(inner)) => inner,
                _ => return Err(unknown_key(&dotted, key, &keys)),
            };
        }
        match place.get_mut(last) {
            None => return Err(unknown_key(&dotted, last, &place.keys().cloned().collect::<Vec<_>>())),
            Some(slot) if last == "kind" && *slot != value => {
                // Another kind has other fields, which start at their defaults.
                place.clear();
                place.insert(last.clone(), value);
            }
            Some(slot) => *slot = like(slot, value),
        }
        Self::from_table(table).map_err(|error| match error {
            Error::Recipe(reason) if !reason.contains(&dotted) => {
                Error::Recipe(format!("{dotted}: {reason}"))
            }
            other => other,
        })
    }
}

impl Common {
    /// What the system is built for.
    pub fn setup(&self, schema: Schema, place: Place) -> Setup {
        let TrainingRecipe { steps, batch, seed, .. } = self.training;
        Setup { schema, batch, steps, seed, place }
    }

    fn check(&self) -> Result<()> {
        let refuse = |text: String| Err(Error::Recipe(text));
        if self.training.steps == 0 {
            return refuse("training.steps is 0; give at least 1".into());
        }
        if self.training.batch == 0 {
            return refuse("training.batch is 0; give at least 1".into());
        }
        if self.training.seed > i64::MAX as u64 {
            return refuse(format!("training.seed {} is larger than {}", self.training.seed, i64::MAX));
        }
        if self.training.report_every == 0 {
            return refuse("training.report_every is 0; give at least 1".into());
        }
        if self.samples.count == 0 || self.samples.count > 10_000 {
            return refuse(format!("samples.count is {}; give 1 to 10000", self.samples.count));
        }
        if self.checkpoint.keep == 0 {
            return refuse("checkpoint.keep is 0, so nothing could be resumed; give at least 1".into());
        }
        if self.data.length == Some(0) {
            return refuse("data.length is 0; give at least 1".into());
        }
        if ![0, 1, 3].contains(&self.data.channels) {
            return refuse(format!(
                "data.channels is {}; give 1 (grey), 3 (colour) or 0",
                self.data.channels
            ));
        }
        Ok(())
    }
}

fn pictures_every(steps: u64) -> u64 {
    rounded(steps / 30)
}

fn checkpoints_every(steps: u64) -> u64 {
    rounded(steps / 6)
}

/// The largest of 1, 2, 5, 10, 20, 50... that is not above `count`, at least 1.
fn rounded(count: u64) -> u64 {
    let mut power = 1;
    while power * 10 <= count {
        power *= 10;
    }
    [5, 2, 1].into_iter().map(|digit| digit * power).find(|&round| round <= count).unwrap_or(1)
}

/// A number of the kind that stands in the recipe: `1` for a float is `1.0`.
fn like(present: &Value, given: Value) -> Value {
    match (present, given) {
        (Value::Float(_), Value::Integer(number)) => Value::Float(number as f64),
        (Value::Integer(_), Value::Float(number)) if number.fract() == 0.0 && number.abs() < 1e15 => {
            Value::Integer(number as i64)
        }
        // A list of names may be written without brackets and quotes.
        (Value::Array(_), Value::String(names)) => {
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            Value::Array(names.map(Value::from).collect())
        }
        (Value::String(_), Value::Integer(number)) => Value::String(number.to_string()),
        (_, given) => given,
    }
}

/// Splits `key.path=value`; the value is TOML, or else a plain string.
fn assignment(text: &str) -> Result<(Vec<String>, Value)> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(Error::Recipe(format!(
            "`{text}` sets nothing; write key=value, for example training.batch=32"
        )));
    };
    let path = key.trim().split('.').map(str::to_owned).collect();
    let value = value.trim();
    let parsed =
        toml::from_str::<Table>(&format!("value = {value}")).ok().and_then(|mut t| t.remove("value"));
    Ok((path, parsed.unwrap_or_else(|| Value::String(value.to_owned()))))
}

/// The data source that the changes ask for, or the system's own.
fn chosen_source(row: &Row, file: &Table, assignments: &[(Vec<String>, Value)]) -> Result<Spec> {
    let assigned =
        assignments.iter().rev().find(|(path, _)| path == &["data", "source"]).map(|(_, value)| value);
    let filed = file.get("data").and_then(|data| data.get("source"));
    let name = match assigned.or(filed) {
        Some(Value::String(name)) => name.as_str(),
        Some(other) => return Err(Error::Recipe(format!("data.source is {other}; give a name in quotes"))),
        None => row.data,
    };
    Ok(name.parse::<Spec>()?)
}

fn collect_leaves(table: &Table, path: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, Value)>) {
    for (key, value) in table {
        path.push(key.clone());
        match value {
            Value::Table(inner) => collect_leaves(inner, path, leaves),
            leaf => leaves.push((path.clone(), leaf.clone())),
        }
        path.pop();
    }
}

fn unknown_key(dotted: &str, key: &str, present: &[String]) -> Error {
    let mut near: Vec<&String> = present.iter().collect();
    near.sort_by(|a, b| strsim::jaro_winkler(b, key).total_cmp(&strsim::jaro_winkler(a, key)));
    let list: Vec<&str> = near.iter().take(8).map(|name| name.as_str()).collect();
    let here = if list.is_empty() {
        "there are no keys below it".to_owned()
    } else {
        format!("there are: {}", list.join(", "))
    };
    Error::Recipe(format!("no key `{dotted}` in the recipe: no `{key}` there; {here}"))
}

fn not_toml(origin: &str, text: &str, error: &toml::de::Error) -> Error {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    Error::Recipe(format!("{origin} is no valid TOML: line {line}: {}", error.message().replace('\n', " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(system: &str, assignments: &[&str], file: Option<&str>) -> Result<Recipe> {
        let assignments = assignments.iter().map(ToString::to_string).collect();
        Recipe::resolve(registry::find(system)?, &Changes { file: file.map(str::to_owned), assignments })
    }

    fn refusal(assignments: &[&str]) -> String {
        resolve("gan", assignments, None).unwrap_err().to_string()
    }

    #[test]
    fn every_default_survives_its_own_file() {
        let mut refused = Vec::new();
        for row in registry::rows() {
            for source in [row.data, "digits", "ring8"] {
                let recipe = match resolve(row.name, &[&format!("data.source={source}")], None) {
                    Ok(recipe) => recipe,
                    Err(error) => {
                        refused.push((row.name, source));
                        assert!(source != row.data && error.to_string().contains("needs images"), "{error}");
                        continue;
                    }
                };
                let again = Recipe::from_toml(&recipe.to_toml().unwrap(), "a test").unwrap();
                assert_eq!(again.to_table().unwrap(), recipe.to_table().unwrap());
            }
        }
        assert_eq!(refused, [("sagan", "ring8"), ("cyclegan", "ring8")]);
    }

    #[test]
    fn assignments_win_over_the_file_and_the_file_over_defaults() {
        let file = "[training]\nbatch = 16\nsteps = 7\n[objective]\nkind = \"least-squares\"\nb = 2";
        let recipe = resolve("gan", &["training.steps=9", "generator.widths=[8, 4]"], Some(file)).unwrap();
        assert_eq!((recipe.common.training.batch, recipe.common.training.steps), (16, 9));
        assert_eq!(recipe.system.to_table().unwrap()["objective"]["b"].as_float(), Some(2.0));
        assert_eq!(
            recipe.system.to_table().unwrap()["generator"]["widths"].as_array().map(Vec::len),
            Some(2)
        );
    }

    #[test]
    fn a_new_kind_starts_from_its_own_defaults() {
        let recipe = resolve("gan", &["objective.kind=least-squares", "objective.c=0"], None).unwrap();
        assert_eq!(recipe.system.to_table().unwrap()["objective"]["b"].as_float(), Some(1.0));
        assert_eq!(recipe.system.to_table().unwrap()["objective"]["c"].as_float(), Some(0.0));
        assert!(
            resolve("gan", &["objective.kind=least-squares", "objective.kind=hinge", "objective.c=0"], None)
                .is_err()
        );
    }

    #[test]
    fn mistakes_are_named_with_what_would_fit() {
        assert!(refusal(&["trainning.batch=3"]).contains("training"));
        assert!(refusal(&["training.bach=3"]).contains("batch"));
        assert!(refusal(&["objective.kind=hing"]).contains("hinge"));
        assert!(refusal(&["training.batch=0"]).contains("training.batch is 0"));
        assert!(refusal(&["training.batch=-3"]).contains("training.batch"));
        assert!(refusal(&["training.batch"]).contains("key=value"));
        assert!(refusal(&["optimizer.generator.beta1=1.5"]).contains("beta1"));
        assert!(refusal(&["system=dcgan"]).contains("dcgan"));
        assert!(refusal(&["data.source=digit"]).contains("digits"));
        assert!(registry::find("dcgn").err().unwrap().to_string().contains("dcgan"));
    }

    #[test]
    fn what_is_measured_while_training_is_checked() {
        let chosen = resolve(
            "gan",
            &["evaluation.every=5", "evaluation.metrics=kid, prdc", "evaluation.best=recall"],
            None,
        );
        let evaluation = chosen.unwrap().common.evaluation;
        assert_eq!(evaluation.metrics, ["kid", "prdc"]);
        assert_eq!(evaluation.best_score().unwrap(), Some(("recall", Better::Higher)));
        assert!(refusal(&["evaluation.metrics=[\"fdi\"]"]).contains("nearest is fid"));
        assert!(refusal(&["evaluation.metrics=memorisation"]).contains("brigand evaluate"));
        assert!(refusal(&["evaluation.every=5", "evaluation.best=recall"]).contains("choose one of fid"));
        assert!(refusal(&["evaluation.every=5", "evaluation.count=3"]).contains("evaluation.count is 3"));
        let text = resolve("gan", &[], None).unwrap().to_toml().unwrap();
        let (older, _) = text.split_once("[evaluation]").unwrap();
        let (_, parts) = text.split_once("best = \"fid\"").unwrap();
        assert!(
            Recipe::from_toml(&format!("{older}{}", &parts[parts.find("\n[").unwrap()..]), "older").is_ok()
        );
    }

    #[test]
    fn intervals_follow_the_length_unless_chosen() {
        let every = |assignments: &[&str]| {
            let common = resolve("gan", assignments, None).unwrap().common;
            (common.samples.every, common.checkpoint.every)
        };
        assert_eq!(every(&["training.steps=300"]), (10, 50));
        assert_eq!(every(&["training.steps=300", "samples.every=0"]), (0, 50));
        assert_eq!(every(&["checkpoint.every=7", "training.steps=300"]), (10, 7));
    }

    #[test]
    fn intervals_are_round() {
        assert_eq!([0, 1, 4, 9, 266, 1333, 5000].map(rounded), [1, 1, 2, 5, 200, 1000, 5000]);
    }
}
