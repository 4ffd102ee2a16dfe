//! Going on with a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use brigand_core::modules::is_at_or_below;
use candle_core::Device;
use toml::{Table, Value};

use super::Training;
use super::checkpoint::{self, CheckpointError};
use super::data_record::DataRecord;
use super::loading::saved_recipe;
use super::prepared::{Prepared, open_data};
use super::run_folder::RunFolder;
use super::tensorboard::EventWriter;
use crate::data::Spec;
use crate::error::{Error, Result};
use crate::evaluation::EvaluationFile;
use crate::files::write_atomically;
use crate::recipe::{Recipe, collect_leaves};

/// How a run goes on.
#[derive(Clone, Debug, Default)]
pub struct Continuation {
    /// Steps in all, where not those of its recipe. Intervals of pictures and checkpoints that were the defaults of the
    /// number before become those of the new one.
    pub steps: Option<u64>,
    /// Where its data is now, where it has moved.
    pub data: Option<Spec>,
    /// Whether to go on with data that differs from what the run was trained on.
    pub accept_changed_data: bool,
}

/// A run that goes on.
pub struct Resumed {
    /// The run.
    pub training: Training,
    /// Newer checkpoints that were damaged and had to be passed over, and what is wrong with each.
    pub damaged: Vec<(PathBuf, String)>,
    /// What else whoever watches should know, a sentence each.
    pub notes: Vec<String>,
}

impl Training {
    /// Continues the run in `path` from its newest whole checkpoint.
    ///
    /// # Errors
    /// If it is no run folder, is being trained by another process, has checkpoints of which none can be used, its recipe differs from
    /// that of the newest one in a key that is fixed, it has done more steps already than are asked for, or its data cannot be read or
    /// has changed.
    pub fn resume(path: &Path, continuation: &Continuation, device: &Device) -> Result<Resumed> {
        let folder = RunFolder::open(path)?;
        let lock = folder.lock()?;
        let mut recipe = saved_recipe(&folder)?;
        let mut notes = Vec::new();
        let steps_before = recipe.common.training.steps;
        if let Some(steps) = continuation.steps {
            let changed = recipe.common.set_steps(steps);
            if !changed.is_empty() {
                notes.push(format!("intervals follow the {steps} steps: {}", changed.join(", ")));
            }
        }
        if let Some(data) = &continuation.data {
            recipe.common.data.source = data.to_string();
        }
        recipe.make_paths_absolute()?;
        // Killed before its first checkpoint, it begins again, and so loses nothing that was saved.
        let found = match checkpoint::latest(&folder.checkpoints()) {
            Ok(found) => Some(found),
            Err(CheckpointError::NoneUsable { skipped, .. }) if skipped.is_empty() => None,
            Err(error) => return Err(error.into()),
        };
        // Before the data is read by these keys.
        if let Some(found) = &found {
            refuse_other_keys(&folder, &recipe, &found.snapshot.recipe)?;
        }
        let data = open_data(&recipe).map_err(|error| {
            Error::Data(format!(
                "{error}; if the data of {} is elsewhere now, add --data SPEC",
                path.display()
            ))
        })?;
        let record = DataRecord::of(&mut recipe, &data)?;
        let recorded = DataRecord::read(&folder.data())?;
        let differences = recorded.as_ref().map_or_else(Vec::new, |before| before.differences(&record));
        if !differences.is_empty() && !continuation.accept_changed_data {
            return Err(Error::Data(format!(
                "{} was trained on other data: {}; add --data SPEC if that is elsewhere now, or --accept-changed-data to go \
                 on with this",
                path.display(),
                differences.join("; ")
            )));
        }
        notes.extend(
            differences
                .into_iter()
                .map(|difference| format!("training goes on with other data: {difference}")),
        );
        let mut prepared = Prepared::with(recipe, data, device)?;
        let (step, damaged) = match found {
            Some(found) => {
                let step = found.snapshot.step;
                let (trained, data) = (&found.snapshot.schema, prepared.session.feed().schema());
                trained.refuse_other_words(data, prepared.recipe.system.needs())?;
                prepared.session.restore(found.snapshot.into_state()?, step)?;
                (step, found.skipped)
            }
            None => (0, Vec::new()),
        };
        if recorded.is_none() && step > 0 {
            let data = folder.data();
            notes
                .push(format!("{} is missing, so whether the data has changed is not known", data.display()));
        }
        let steps = prepared.recipe.common.training.steps;
        if steps < step.max(1) {
            return Err(Error::Request(format!(
                "{} has done {step} steps already; give --steps {step} or more",
                path.display()
            )));
        }
        let spread = prepared.recipe.system.spread_over_run();
        if steps != steps_before && step > 0 && !spread.is_empty() {
            notes.push(format!(
                "{} depends on the number of all steps, which was {steps_before} for the first {step}: the result will differ \
                 from that of a new run of {steps}",
                spread.join(", ")
            ));
        }
        if continuation.steps.is_some() || continuation.data.is_some() {
            write_atomically(&folder.recipe(), prepared.recipe.to_toml()?.as_bytes())?;
        }
        if recorded.as_ref() != Some(&record) {
            record.write(&folder.data())?;
        }
        folder.rewind(step)?;
        let scores = folder.evaluations_while_training();
        if let Some(aside) = EvaluationFile::rewind(&scores, step)? {
            notes.push(format!("{} was damaged and is set aside as {}", scores.display(), aside.display()));
        }
        let events = EventWriter::resume(folder.path(), step)?;
        let training = Self::assemble(prepared, folder, lock, step, events)?;
        Ok(Resumed { training, damaged, notes })
    }
}

/// Keys of a recipe that a checkpoint fixes: with another value the run would be none that can be made again, or its networks would not
/// fit the data. A key of a table stands for all keys in it.
const FIXED: [&str; 3] = ["training.precision", "data.length", "phases"];

/// Refuses a recipe that differs from that of a checkpoint, `trained`, in a key that cannot be changed any more.
fn refuse_other_keys(folder: &RunFolder, recipe: &Recipe, trained: &str) -> Result<()> {
    let before = Recipe::from_toml(trained, "the recipe in the checkpoint")?.to_table()?;
    let now = recipe.to_table()?;
    let Some((key, now, before)) = FIXED.into_iter().find_map(|key| difference(key, &now, &before)) else {
        return Ok(());
    };
    Err(Error::Recipe(format!(
        "{} says {key} = {now}, and the newest checkpoint was trained with {before}; set it back to {before}, or train a new run",
        folder.recipe().display()
    )))
}

/// The first key at or below `key` whose values in two tables differ, with both.
fn difference(key: &str, now: &Table, before: &Table) -> Option<(String, String, String)> {
    let [now, before] = [now, before].map(|table| leaves_below(key, table));
    let keys: BTreeSet<&String> = now.keys().chain(before.keys()).collect();
    let value = |of: &BTreeMap<String, Value>, key: &str| match of.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "nothing".to_owned(),
    };
    let mut differing = keys.into_iter().filter(|key| now.get(*key) != before.get(*key));
    differing.next().map(|key| (key.clone(), value(&now, key), value(&before, key)))
}

/// The values at or below the dotted `key`, by their dotted keys.
fn leaves_below(key: &str, table: &Table) -> BTreeMap<String, Value> {
    let mut leaves = Vec::new();
    collect_leaves(table, &mut Vec::new(), &mut leaves);
    let leaves = leaves.into_iter().map(|(path, value)| (path.join("."), value));
    leaves.filter(|(path, _)| is_at_or_below(path, key)).collect()
}
