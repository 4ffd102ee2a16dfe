//! Runs that start from another run: a talking head that is fine-tuned on a person.

use std::path::{Path, PathBuf};

use brigand_core::system::System;
use candle_core::Device;

use super::prepared::{Prepared, open_data};
use super::{Training, load_run};
use crate::data::Spec;
use crate::data::people::PeopleSpec;
use crate::error::{Error, Result};
use crate::recipe::Recipe;
use crate::registry;

/// How a run is fine-tuned.
#[derive(Clone, Debug)]
pub struct FineTuningPlan {
    /// The run it starts from.
    pub run: PathBuf,
    /// The folder of the person's frames and landmarks.
    pub person: PathBuf,
    /// Steps.
    pub steps: u64,
    /// Decides the order of the frames.
    pub seed: u64,
}

impl Training {
    /// A new run in `out`, or in the first free folder `runs/<system>-<n>`, of the system of `plan.run` fine-tuned on a
    /// person. Its first checkpoint is written before its recipe, so that a run folder never lacks what it starts from.
    ///
    /// # Errors
    /// If the run makes no frames of people or was fine-tuned itself, the person's frames cannot be read or are of another
    /// size, or the folder cannot be written.
    pub fn fine_tune(plan: &FineTuningPlan, out: Option<&Path>, device: &Device) -> Result<Self> {
        let (from, system, _) = load_run(&plan.run, device)?;
        let reenactor = system.as_reenactor().ok_or_else(|| {
            Error::Request(format!(
                "{} is a run of `{}`, which draws no people; give a run of `brigand train talking-head`",
                plan.run.display(),
                from.common.system
            ))
        })?;
        let spec = Spec::People(PeopleSpec::One(plan.person.clone()));
        let mut recipe = Recipe::defaults(registry::find(&from.common.system)?, &spec)?;
        let source = &mut recipe.common.data;
        (source.size, source.channels) = (from.common.data.size, from.common.data.channels);
        source.background = from.common.data.background.or(source.background);
        let data = open_data(&recipe)?;
        let count = data.sources.first().map_or(0, |source| source.count());
        recipe.common.set_steps(plan.steps);
        recipe.common.training.seed = plan.seed;
        recipe.common.training.report_every = 1;
        recipe.common.training.batch = from.common.training.batch.min(count).max(1);
        let place = brigand_core::Place::on(device);
        let feed = brigand_core::batch::Feed::new(data.boxed_sources(), 1, plan.seed, &place)?;
        let start = reenactor.fine_tuning(&feed.samples(&(0..count).collect::<Vec<_>>())?)?;
        recipe.system = (registry::find(&from.common.system)?.make.parse)(start.recipe)?;
        let mut prepared = Prepared::with(recipe, data, device)?;
        let mut state = prepared.session.save()?;
        for (name, tensor) in start.start {
            let own = state
                .tensors
                .get_mut(&name)
                .ok_or_else(|| Error::Internal(format!("a system to fine-tune has no `{name}`")))?;
            *own = tensor.to_device(&Device::Cpu)?;
        }
        prepared.session.restore(state, 0)?;
        Self::start_after(prepared, out, |prepared, folder| {
            let snapshot = super::snapshot_of(&mut prepared.session, &prepared.recipe)?;
            super::checkpoint::save(&folder.checkpoints(), &snapshot, 1)?;
            Ok(())
        })
    }
}

/// A trained system of people from the run in `path`, with its recipe.
///
/// # Errors
/// As [`load_run`].
pub fn load_reenactor(path: &Path, device: &Device) -> Result<(Recipe, Box<dyn System>)> {
    let (recipe, system, _) = load_run(path, device)?;
    if system.as_reenactor().is_none() {
        return Err(Error::Request(format!(
            "{} is a run of `{}`, which draws no people in given poses; give a run of `brigand train talking-head`",
            path.display(),
            recipe.common.system
        )));
    }
    Ok((recipe, system))
}
