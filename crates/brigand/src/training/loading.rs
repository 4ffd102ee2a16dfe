//! Trained systems from run folders.

use std::path::Path;

use brigand_core::capability::Classifier;
use brigand_core::networks::ImageClassifier;
use brigand_core::session::restore_system;
use brigand_core::system::System;
use candle_core::Device;

use super::checkpoint::{self, Snapshot};
use super::run_folder::RunFolder;
use crate::error::{Error, Result};
use crate::files::FileError;
use crate::recipe::Recipe;

/// Which checkpoint of a run is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// The newest whole one.
    #[default]
    Newest,
    /// The one with the best score, of a run that was evaluated while it trained.
    Best,
}

/// The recipe in a run folder.
pub(super) fn saved_recipe(folder: &RunFolder) -> Result<Recipe> {
    let path = folder.recipe();
    let text = std::fs::read_to_string(&path).map_err(FileError::when("read", &path))?;
    Recipe::from_toml(&text, &path.display().to_string())
}

/// The recipe of the run in `path`, and a checkpoint of it.
fn load_snapshot(path: &Path, which: Which) -> Result<(Recipe, Snapshot)> {
    let folder = RunFolder::open(path)?;
    let recipe = saved_recipe(&folder)?;
    let snapshot = match which {
        Which::Newest => checkpoint::latest(&folder.checkpoints())?.snapshot,
        Which::Best => {
            let best = checkpoint::best(&folder.checkpoints())?;
            let none = || {
                let reason = "was not evaluated while it trained, so none of its checkpoints is the best; \
                              train with --set evaluation.every=N";
                Error::Request(format!("{} {reason}", path.display()))
            };
            checkpoint::load(&best.ok_or_else(none)?)?
        }
    };
    Ok((recipe, snapshot))
}

/// The classifier of images that the run in `path` trained.
///
/// # Errors
/// As [`load_run`], and if the run trained another system.
pub fn load_classifier(path: &Path, device: &Device) -> Result<ImageClassifier> {
    let (recipe, system, _) = load_run(path, device)?;
    let found = system.as_classifier().map(Classifier::image_classifier).transpose()?;
    found.flatten().ok_or_else(|| {
        Error::Request(format!(
            "{} trained `{}`, which is no classifier of images; give a run of `brigand train classifier`",
            path.display(),
            recipe.common.system
        ))
    })
}

/// A trained system from the run in `path`, at its newest whole checkpoint, with its recipe and step.
///
/// # Errors
/// If it is no run folder or has no usable checkpoint.
pub fn load_run(path: &Path, device: &Device) -> Result<(Recipe, Box<dyn System>, u64)> {
    load_run_at(path, Which::Newest, device)
}

/// A trained system from the run in `path`, at the checkpoint that is meant, with its recipe and step.
///
/// # Errors
/// If it is no run folder or has no such checkpoint.
pub fn load_run_at(path: &Path, which: Which, device: &Device) -> Result<(Recipe, Box<dyn System>, u64)> {
    let (recipe, mut snapshot) = load_snapshot(path, which)?;
    let schema = std::mem::take(&mut snapshot.schema);
    let mut system = recipe.system.build(&recipe.common.setup(schema, recipe.common.place(device)))?;
    let step = snapshot.step;
    restore_system(system.as_mut(), snapshot.into_state()?)?;
    Ok((recipe, system, step))
}
