//! `data.json` in a run's folder: what tells its data from other data.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data::{Fingerprint, RunData, checksum::sha256};
use crate::error::{Error, Result};
use crate::files::{FileError, path_of, write_atomically};
use crate::recipe::Recipe;

const FORMAT: &str = "brigand-data";
const VERSION: u64 = 1;

/// What a run was trained on, as far as it has to be recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataRecord {
    format: String,
    version: u64,
    /// The data SPEC.
    source: String,
    /// Each part of the data, as it was read: one, or two domains.
    parts: Vec<Fingerprint>,
    /// SHA-256 of the other files that the recipe of the system names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    files: BTreeMap<String, String>,
}

impl DataRecord {
    /// Of `data` and the files that `recipe` names, by absolute paths. Reads all of them.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(super) fn of(recipe: &mut Recipe, data: &RunData) -> Result<Self> {
        let hash = |file: &String| {
            let path = path_of(file);
            let content = File::open(&path).and_then(sha256).map_err(FileError::when("read", &path))?;
            Ok((file.clone(), content))
        };
        Ok(Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            source: recipe.common.data.source.clone(),
            parts: data.fingerprints(),
            files: recipe.system.files().into_iter().map(|file| hash(file)).collect::<Result<_>>()?,
        })
    }

    /// The one at `path`; none where there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is no such file.
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let bytes = std::fs::read(path).map_err(FileError::when("read", path))?;
        let unfit = |reason: String| {
            Error::Request(format!(
                "{} does not say what the run was trained on: {reason}; remove it to go on without the comparison",
                path.display()
            ))
        };
        let record: Self = serde_json::from_slice(&bytes).map_err(|reason| unfit(reason.to_string()))?;
        if record.format != FORMAT || record.version != VERSION {
            return Err(unfit(format!("it is a `{}` of version {}", record.format, record.version)));
        }
        Ok(Some(record))
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|reason| Error::Internal(format!("{} cannot be laid out: {reason}", path.display())))?;
        Ok(write_atomically(path, &bytes)?)
    }

    /// What is different now, a sentence for each part of the data and each file; nothing where all is the same.
    pub(super) fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.parts.len() != now.parts.len() {
            found.push(format!(
                "{} has {} domains instead of {}",
                now.source,
                now.parts.len(),
                self.parts.len()
            ));
        }
        for (number, (before, part)) in self.parts.iter().zip(&now.parts).enumerate() {
            let differences = before.differences(part);
            if !differences.is_empty() {
                let which =
                    if now.parts.len() > 1 { format!(" (domain {})", number + 1) } else { String::new() };
                found.push(format!("{}{which} has {}", now.source, differences.join(", ")));
            }
        }
        for (file, content) in &now.files {
            if self.files.get(file).is_some_and(|before| before != content) {
                found.push(format!("{file} has other content"));
            }
        }
        found
    }
}
