//! What a user changes about a system's defaults: keys set, and recipe files.

use toml::{Table, Value};

use super::intervals::Interval;
use super::{Recipe, Row, not_toml};
use crate::data::Spec;
use crate::error::{Error, Result};

/// What a user changes about a system's defaults, later entries over earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// A recipe file.
    pub file: Option<RecipeFile>,
    /// `key.path=value` pairs.
    pub assignments: Vec<String>,
}

/// A recipe file, which may be partial.
#[derive(Clone, Debug)]
pub struct RecipeFile {
    /// Its name in messages.
    pub name: String,
    /// What it holds, as TOML.
    pub text: String,
}

impl<T: Into<String>> From<T> for RecipeFile {
    /// A text without a file of its own.
    fn from(text: T) -> Self {
        Self { name: "the recipe file".into(), text: text.into() }
    }
}

impl RecipeFile {
    fn table(&self) -> Result<Table> {
        toml::from_str(&self.text).map_err(|error| not_toml(&self.name, &self.text, &error))
    }

    /// `error` as one of this file.
    fn at_fault(&self, error: &Error) -> Error {
        Error::Recipe(format!("{}: {error}", self.name))
    }
}

impl Recipe {
    /// The defaults of `row` with `changes` made. `data` in the changes decides the defaults' size.
    ///
    /// # Errors
    /// For a key that does not exist (naming the nearest), a value of the wrong kind, an impossible value.
    pub fn resolve(row: &Row, changes: &Changes) -> Result<Self> {
        let file = changes.file.as_ref().map(RecipeFile::table).transpose()?.unwrap_or_default();
        let in_file = |error: Error| match &changes.file {
            Some(file) => file.at_fault(&error),
            None => error,
        };
        let assignments: Vec<(Vec<String>, Value)> =
            changes.assignments.iter().map(|text| assignment(text)).collect::<Result<_>>()?;
        let is_assigned = |key: &str| assignments.iter().any(|(path, _)| path.join(".") == key);
        let defaults =
            chosen_source(row, &file, &assignments).and_then(|source| Self::defaults(row, &source));
        let mut recipe =
            defaults.map_err(|error| if is_assigned("data.source") { error } else { in_file(error) })?;
        let mut leaves = Vec::new();
        collect_leaves(&file, &mut Vec::new(), &mut leaves);
        // A new kind changes which other keys exist, so kinds come first.
        leaves.sort_by_key(|(path, _)| path.last().is_none_or(|key| key != "kind"));
        let mut followers: Vec<Interval> = Interval::ALL.to_vec();
        followers.retain(|interval| {
            let is_in_file = leaves.iter().any(|(path, _)| path.join(".") == interval.key());
            !is_in_file && !is_assigned(interval.key())
        });
        // Keys whose values are those of the file in the end.
        let of_file: Vec<String> =
            leaves.iter().map(|(path, _)| path.join(".")).filter(|key| !is_assigned(key)).collect();
        for (path, value) in leaves {
            recipe = recipe.with(&path, value).map_err(in_file)?;
        }
        for (path, value) in assignments {
            recipe = recipe.with(&path, value)?;
        }
        // Intervals that nobody chose follow the length that somebody did.
        for interval in followers {
            *interval.of(&mut recipe.common) = interval.default(recipe.common.training.steps);
        }
        let names_file = |message: &str| {
            changes.assignments.is_empty() || of_file.iter().any(|key| message.contains(key.as_str()))
        };
        if recipe.common.system != row.name {
            let error = Error::Recipe(format!(
                "the recipe is for `{}`, not for `{}`; name that system",
                recipe.common.system, row.name
            ));
            return Err(if names_file("system") { in_file(error) } else { error });
        }
        // Only now: two assignments may contradict what stood before and agree with each other.
        match recipe.check() {
            Ok(()) => Ok(recipe),
            Err(error) if names_file(&error.to_string()) => Err(in_file(error)),
            Err(error) => Err(error),
        }
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

/// Adds the values of a table with their paths.
pub(crate) fn collect_leaves(table: &Table, path: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, Value)>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Better;
    use crate::registry;

    fn resolve(system: &str, assignments: &[&str], file: Option<&str>) -> Result<Recipe> {
        let assignments = assignments.iter().map(ToString::to_string).collect();
        Recipe::resolve(registry::find(system)?, &Changes { file: file.map(RecipeFile::from), assignments })
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
        let of_images = [
            "lapgan",
            "pggan",
            "sagan",
            "biggan",
            "singan",
            "pix2pix",
            "cyclegan",
            "ganilla",
            "nice-gan",
            "gaugan",
            "talking-head",
            "text-to-image",
            "stackgan",
            "sound-to-image",
            "draw",
            "image-to-label",
        ];
        assert_eq!(refused, of_images.map(|name| (name, "ring8")));
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
    fn mistakes_of_a_file_name_it_and_those_of_assignments_do_not() {
        let refusal = |text: &str, assignments: &[&str]| {
            let file = Some(RecipeFile { name: "own.toml".into(), text: text.into() });
            let assignments = assignments.iter().map(ToString::to_string).collect();
            let row = registry::find("gan").unwrap();
            Recipe::resolve(row, &Changes { file, assignments }).unwrap_err().to_string()
        };
        for (text, words) in [
            ("[training]\nbatch = = 3", "own.toml is no valid TOML: line 2"),
            ("[training]\nbach = 3", "own.toml: no key `training.bach`"),
            ("[training]\nbatch = 0", "own.toml: training.batch is 0"),
            ("[data]\nsource = \"mist\"", "own.toml: there is no data called `mist`"),
            ("[data]\nsource = 3", "own.toml: data.source is 3"),
            ("system = \"dcgan\"", "own.toml: the recipe is for `dcgan`"),
            ("[evaluation]\nmetrics = [\"fdi\"]", "own.toml: "),
        ] {
            let message = refusal(text, &[]);
            assert!(message.starts_with(words), "{message}");
        }
        let message = refusal("[training]\nbatch = 3", &["training.batch=0"]);
        assert!(message.starts_with("training.batch is 0"), "{message}");
        let message = refusal("[training]\nbatch = 3", &["data.source=mist"]);
        assert!(message.starts_with("there is no data"), "{message}");
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
}
