//! A system built for its data, and the data that a recipe names.

use brigand_core::batch::{Schema, Source};
use brigand_core::session::{Session, Span};
use brigand_core::system::System;
use candle_core::Device;

use crate::data::{self, Augmentation, Augmented, Dataset, Notes, Options, RunData, Spec, Split};
use crate::error::{Error, Result};
use crate::recipe::{Precision, Recipe, TrainingRecipe};

/// A system built for its data, untrained.
pub struct Prepared {
    /// The recipe, with absolute paths and the data's size, channels and classes filled in.
    pub recipe: Recipe,
    pub(super) session: Session,
    pub(super) data: RunData,
    pub(super) held_out_notes: Notes,
}

impl Prepared {
    /// Reads the data and builds the networks: everything that can be refused before a file is written.
    ///
    /// # Errors
    /// If the data cannot be read, the batch is larger than it, or no network fits it.
    pub fn new(recipe: Recipe, device: &Device) -> Result<Self> {
        let data = open_data(&recipe)?;
        Self::with(recipe, data, device)
    }

    /// As [`Prepared::new`], with the recipe's data already read ([`open_data`]).
    ///
    /// # Errors
    /// If the batch is larger than the data, or no network fits it.
    pub fn with(mut recipe: Recipe, data: RunData, device: &Device) -> Result<Self> {
        recipe.make_paths_absolute()?;
        if recipe.common.training.precision == Precision::Bf16 && !device.is_cpu() {
            return Err(Error::Recipe(
                "training.precision=bf16 is for the CPU; leave it out, or give --device cpu".into(),
            ));
        }
        let spec = recipe.common.data.source.parse::<Spec>()?;
        data.check_needs(&recipe.common.data.source, recipe.system.needs())?;
        if let Some([channels, height, width]) = data.dataset.as_deref().map(Dataset::shape) {
            recipe.common.data.channels = *channels;
            // Other sources stay as stored: to record a side would crop images that are not square.
            if recipe.common.data.size > 0 || spec.is_always_scaled() {
                recipe.common.data.size = *height.max(width);
            }
        }
        let (training, place) = (recipe.common.training, recipe.common.place(device));
        let TrainingRecipe { steps, batch, seed, .. } = training;
        let span = Span { steps, batch, seed };
        let sources = augmented(data.boxed_sources(), recipe.common.data.augment)?;
        let mut session = Session::new(recipe.system.as_ref(), sources, span, &place)?;
        refuse_batch_of_one(session.system_mut(), batch)?;
        let system = session.system();
        if let Some(labels) = data.dataset.as_deref().and_then(Dataset::labels)
            && system.as_sampler().is_some_and(|sampler| sampler.space().classes() > 0)
        {
            recipe.common.data.classes.clone_from(&labels.classes);
        }
        let mut held_out_notes = Notes::default();
        if system.needs_held_out() {
            let HeldOut { sources, notes } = open_held_out(&recipe)?;
            session.hold_out(sources)?;
            held_out_notes = notes;
        }
        Ok(Self { recipe, session, data, held_out_notes })
    }

    /// The system with its first weights.
    pub fn system(&mut self) -> &mut dyn System {
        self.session.system_mut()
    }

    /// The system in training, for whoever needs no run folder.
    pub fn into_session(self) -> Session {
        self.session
    }

    /// The fields of a batch.
    pub fn schema(&self) -> &Schema {
        self.session.feed().schema()
    }

    /// What of the data's files is left out.
    pub fn notes(&self) -> &Notes {
        &self.data.notes
    }

    /// The same of the files that `data.held_out` names.
    pub fn held_out_notes(&self) -> &Notes {
        &self.held_out_notes
    }
}

/// Refuses to normalise over a batch of one sample: after batch normalisation nothing of the sample would be left.
fn refuse_batch_of_one(system: &mut dyn System, batch: usize) -> Result<()> {
    if batch > 1 {
        return Ok(());
    }
    for (_, part) in system.parts() {
        if let Some(network) = part.parameters().into_iter().find(|network| network.couples_samples()) {
            return Err(Error::Recipe(format!(
                "training.batch is 1, but the {}'s batch normalisation or minibatch layer compares the samples of a batch \
                 with each other; set training.batch=2 or more, for which the data needs as many samples, or leave the layer out \
                 (batch_norm=false for dcgan, normalization=none for mlp)",
                network.name()
            )));
        }
    }
    Ok(())
}

/// The sources with their images changed by chance, where the recipe says so.
fn augmented(
    sources: Vec<Box<dyn Source>>,
    augmentation: Option<Augmentation>,
) -> Result<Vec<Box<dyn Source>>> {
    let Some(augmentation) = augmentation.filter(Augmentation::is_active) else { return Ok(sources) };
    let changed = |source| Ok(Box::new(Augmented::new(source, augmentation)?) as Box<dyn Source>);
    sources.into_iter().map(changed).collect()
}

/// How a recipe's data is read.
fn options(recipe: &Recipe) -> Options {
    let source = &recipe.common.data;
    let given = |value: usize| (value > 0).then_some(value);
    Options {
        size: given(source.size),
        channels: given(source.channels),
        background: source.background.unwrap_or_default(),
        seed: recipe.common.training.seed,
        tokens: source.tokens,
        length: source.length,
        frames: source.frames,
        ..Options::default()
    }
}

/// The data that a recipe names, of whatever kind.
///
/// # Errors
/// If it cannot be read.
pub fn open_data(recipe: &Recipe) -> Result<RunData> {
    data::open(&recipe.common.data.source.parse::<Spec>()?, &options(recipe))
}

/// What a system is measured on, which no batch is drawn from.
pub struct HeldOut {
    /// A source for each that the data has, where something is kept of it.
    pub sources: Vec<Option<Box<dyn Source>>>,
    /// What was noticed when they were read.
    pub notes: Notes,
}

/// The samples that the recipe names to measure on, or those that the authors of its data keep for it.
///
/// # Errors
/// If they cannot be read.
pub fn open_held_out(recipe: &Recipe) -> Result<HeldOut> {
    let data = &recipe.common.data;
    match data.held_out.as_deref().filter(|named| !named.is_empty()) {
        None => {
            let sources = data::open_test_part(&data.source.parse::<Spec>()?, &options(recipe))?;
            Ok(HeldOut { sources, notes: Notes::default() })
        }
        Some(named) => {
            let (named, trained) = (named.parse::<Spec>()?, data.source.parse::<Spec>()?);
            let named = data::open_beside(&named, &trained, &options(recipe))?;
            Ok(HeldOut { sources: named.boxed_sources().into_iter().map(Some).collect(), notes: named.notes })
        }
    }
}

/// The images or points that a recipe names.
///
/// # Errors
/// If they cannot be read, or the recipe's data is of another kind.
pub fn load_data(recipe: &Recipe) -> Result<Dataset> {
    Ok(data::load(&recipe.common.data.source.parse::<Spec>()?, &options(recipe))?)
}

/// The part of a recipe's data that its authors keep for measuring, where they do.
///
/// # Errors
/// As [`load_data`].
pub fn load_test_part(recipe: &Recipe) -> Result<Option<Dataset>> {
    let spec = recipe.common.data.source.parse::<Spec>()?;
    let test = || data::load(&spec, &Options { split: Split::Test, ..options(recipe) });
    Ok(spec.is_divided().then(test).transpose()?)
}
