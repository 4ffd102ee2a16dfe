//! The one trainer: it knows a [`System`], a recipe and a run folder, and nothing of any particular system.

pub mod checkpoint;
pub mod history;
mod judging;
pub mod metrics;
pub mod run_folder;
pub mod run_lock;
mod snapshots;
pub mod tensorboard;

pub use judging::{choose_extractor, real_samples};
pub use run_folder::RunFolder;
pub use snapshots::backdrop_for;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use candle_core::Device;

use crate::data::{self, Dataset, Skipped, Spec, Split};
use crate::error::{Error, Result};
use crate::evaluation::EvaluationFile;
use crate::files::write_atomically;
use crate::networks::classifier::Classifier;
use crate::recipe::Recipe;
use crate::systems::classifier::ClassifierTraining;
use crate::systems::{self, Feed, Report, State, System};
use checkpoint::CheckpointError;
use history::{DISCRIMINATOR_LOSS, GENERATOR_LOSS, Panel, Reference};
use judging::Judge;
use metrics::{MetricsLog, Record};
use run_folder::RunFolderError;
use run_lock::{RunLock, RunLockError};
use snapshots::{Snapshot, Snapshots};
use tensorboard::EventWriter;

/// What happens while a run trains, for progress bars and logs. Observers never steer.
#[derive(Debug)]
pub enum Event<'a> {
    /// A step is done.
    Step {
        /// Steps done so far.
        step: u64,
        /// What it reported.
        report: &'a Report,
    },
    /// A picture of samples was written.
    Samples(&'a Path),
    /// A checkpoint was written.
    Checkpoint(&'a Path),
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps of the recipe are done.
    Finished,
    /// It was asked to stop, and wrote a checkpoint after this step.
    Stopped {
        /// The last step done.
        step: u64,
    },
}

/// A system built for its data, untrained.
pub struct Prepared {
    /// The recipe, with the data's size and channels filled in.
    pub recipe: Recipe,
    /// The system with its first weights.
    pub system: Box<dyn System>,
    feed: Feed,
}

impl Prepared {
    /// Reads the data and builds the networks: everything that can be refused before a file is written.
    ///
    /// # Errors
    /// If the data cannot be read, the batch is larger than it, or no network fits it.
    pub fn new(recipe: Recipe, device: &Device) -> Result<Self> {
        let dataset = load_data(&recipe)?;
        Self::with(recipe, dataset, device)
    }

    /// As [`Prepared::new`], with the recipe's data already read ([`load_data`]).
    ///
    /// # Errors
    /// If the batch is larger than the data, or no network fits it.
    pub fn with(mut recipe: Recipe, dataset: Dataset, device: &Device) -> Result<Self> {
        if let [channels, height, _] = *dataset.shape() {
            recipe.common.data.channels = channels;
            // Other sources stay as stored: to record a side would crop images that are not square.
            if recipe.common.data.size > 0
                || matches!(recipe.common.data.source.parse::<Spec>()?, Spec::Folder(_))
            {
                recipe.common.data.size = height;
            }
        }
        let training = recipe.common.training;
        let mut feed = Feed::new(dataset, training.batch, training.seed, device)?;
        let entry = systems::find(&recipe.common.system)?;
        let classes = feed.class_counts();
        let setup = recipe.common.setup(feed.sample_shape()?, &classes, device);
        let system = entry.build(&recipe.parts, &setup)?;
        refuse_batch_of_one(system.as_ref(), training.batch)?;
        system.check_data(feed.dataset())?;
        if let Some(labels) = feed.dataset().labels()
            && system.latent_space().is_ok_and(|space| space.classes() > 0)
        {
            recipe.common.data.classes.clone_from(&labels.classes);
        }
        if system.needs_held_out() {
            feed.hold_out(load_test_part(&recipe)?)?;
        }
        Ok(Self { recipe, system, feed })
    }

    /// Images of the data that could not be read.
    pub fn skipped(&self) -> &[Skipped] {
        self.feed.dataset().skipped()
    }
}

/// Refuses to normalise over a batch of one sample: after batch normalisation nothing of the sample would be left.
fn refuse_batch_of_one(system: &dyn System, batch: usize) -> Result<()> {
    match system.networks().into_iter().find(|network| batch == 1 && network.couples_samples()) {
        None => Ok(()),
        Some(network) => Err(Error::Recipe(format!(
            "training.batch is 1, but the {}'s batch normalisation or minibatch layer compares the samples of a batch \
             with each other; set training.batch=2 or more, or leave the layer out (batch_norm=false for dcgan, \
             normalization=none for mlp)",
            network.name()
        ))),
    }
}

/// The data that a recipe names.
pub fn load_data(recipe: &Recipe) -> Result<Dataset> {
    load_part(recipe, Split::Train)
}

/// The part of a recipe's data that its authors keep for judging, where they do.
pub fn load_test_part(recipe: &Recipe) -> Result<Option<Dataset>> {
    match recipe.common.data.source.parse::<Spec>()? {
        Spec::Catalogue(_) => load_part(recipe, Split::Test).map(Some),
        _ => Ok(None),
    }
}

fn load_part(recipe: &Recipe, split: Split) -> Result<Dataset> {
    let source = &recipe.common.data;
    let given = |value: usize| (value > 0).then_some(value);
    let options = data::Options {
        size: given(source.size),
        channels: given(source.channels),
        seed: recipe.common.training.seed,
        split,
        ..data::Options::default()
    };
    Ok(data::load(&source.source.parse::<Spec>()?, &options)?)
}

/// A run: a system in training and the folder it writes into.
pub struct Training {
    recipe: Recipe,
    system: Box<dyn System>,
    feed: Feed,
    folder: RunFolder,
    /// Keeps other processes from training in the folder.
    _lock: RunLock,
    step: u64,
    log: MetricsLog,
    events: EventWriter,
    /// None for a system that makes no samples.
    snapshots: Option<Snapshots>,
    /// None where nothing is to be measured.
    judge: Option<Judge>,
    /// The score of the best checkpoint, lower is better.
    best: Option<f64>,
    /// The step of the newest checkpoint.
    saved: Option<u64>,
}

impl Training {
    /// A new run in `out`, or in the first free folder `runs/<system>-<n>`.
    ///
    /// # Errors
    /// If the folder exists and is not empty, or cannot be written; then none is left behind, and one that was there is
    /// empty as before.
    pub fn start(prepared: Prepared, out: Option<&Path>) -> Result<Self> {
        let folder = match out {
            Some(path) => RunFolder::create(path)?,
            None => RunFolder::create_numbered(Path::new("runs"), &prepared.recipe.common.system)?,
        };
        let lock = folder.lock().inspect_err(|error| match error {
            // The folder is another process's.
            RunFolderError::Lock(RunLockError::Held { .. }) => {}
            _ => folder.discard(),
        })?;
        // Another process may have begun in it since.
        folder.refuse_run()?;
        Self::begin(prepared, folder.clone(), lock).inspect_err(|_| folder.discard())
    }

    fn begin(prepared: Prepared, folder: RunFolder, lock: RunLock) -> Result<Self> {
        write_atomically(&folder.recipe(), prepared.recipe.to_toml()?.as_bytes())?;
        let events = EventWriter::create(folder.path())?;
        Self::assemble(prepared, folder, lock, 0, events)
    }

    /// Continues the run in `path` from its newest whole checkpoint, for `steps` in all if given.
    /// Also answers which newer checkpoints were damaged and had to be passed over.
    ///
    /// # Errors
    /// If it is no run folder, is being trained by another process, has checkpoints of which none can be used, or has
    /// done more than `steps` already.
    pub fn resume(
        path: &Path,
        steps: Option<u64>,
        device: &Device,
    ) -> Result<(Self, Vec<(PathBuf, String)>)> {
        let folder = RunFolder::open(path)?;
        let lock = folder.lock()?;
        let mut recipe = saved_recipe(&folder)?;
        recipe.common.training.steps = steps.unwrap_or(recipe.common.training.steps);
        let mut prepared = Prepared::new(recipe, device)?;
        let (step, skipped) = match checkpoint::latest(&folder.checkpoints()) {
            Ok(found) => {
                let step = found.snapshot.step;
                prepared.system.restore(&State::from(found.snapshot))?;
                (step, found.skipped)
            }
            // Killed before its first checkpoint: it begins again, and so loses nothing that was saved.
            Err(CheckpointError::NoneUsable { skipped, .. }) if skipped.is_empty() => (0, Vec::new()),
            Err(error) => return Err(error.into()),
        };
        if prepared.recipe.common.training.steps < step.max(1) {
            let run = path.display();
            return Err(Error::Request(format!(
                "{run} has done {step} steps already; give --steps {step} or more"
            )));
        }
        if steps.is_some() {
            write_atomically(&folder.recipe(), prepared.recipe.to_toml()?.as_bytes())?;
        }
        folder.rewind(step)?;
        EvaluationFile::rewind(&folder.evaluations_while_training(), step)?;
        let events = EventWriter::resume(folder.path(), step)?;
        Ok((Self::assemble(prepared, folder, lock, step, events)?, skipped))
    }

    fn assemble(
        prepared: Prepared,
        folder: RunFolder,
        lock: RunLock,
        step: u64,
        events: EventWriter,
    ) -> Result<Self> {
        let Prepared { recipe, system, feed } = prepared;
        let log = MetricsLog::open(&folder.metrics())?;
        let pictures = || Snapshots::new(system.as_ref(), feed.dataset(), &recipe.common);
        let snapshots = system.generates().then(pictures).transpose()?;
        let measured = recipe.common.evaluation.every > 0;
        let judge = || Judge::new(system.as_ref(), feed.dataset(), &recipe);
        let judge = measured.then(judge).transpose()?;
        let best = checkpoint::best(&folder.checkpoints())?;
        let best = best.map(|path| checkpoint::load(&path)).transpose()?.and_then(|found| found.score);
        let saved = (step > 0).then_some(step);
        Ok(Self {
            recipe,
            system,
            feed,
            folder,
            _lock: lock,
            step,
            log,
            events,
            snapshots,
            judge,
            best,
            saved,
        })
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// The run's recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Steps done so far.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The system in training.
    pub fn system(&self) -> &dyn System {
        self.system.as_ref()
    }

    /// Trains until the recipe's last step, or until `stop` becomes true, which is answered after the
    /// step in progress with a checkpoint.
    ///
    /// # Errors
    /// If a loss is no longer finite (the last good checkpoint is kept) or a file cannot be written.
    pub fn run(&mut self, stop: &AtomicBool, observer: &mut dyn FnMut(&Event<'_>)) -> Result<Outcome> {
        let (steps, began) = (self.recipe.common.training.steps, Instant::now());
        if self.step == 0 {
            self.take_pictures(observer)?;
            self.save_checkpoint(None, observer)?;
        }
        while self.step < steps {
            if stop.load(Ordering::Relaxed) {
                // The step's own checkpoint may hold a score.
                if self.saved != Some(self.step) {
                    self.save_checkpoint(None, observer)?;
                }
                self.draw_history()?;
                return Ok(Outcome::Stopped { step: self.step });
            }
            let mut report = self.system.train_step(&mut self.feed, self.step)?;
            self.step += 1;
            refuse_broken(&report, self.step)?;
            observer(&Event::Step { step: self.step, report: &report });
            let last = self.step == steps;
            let mut reports = last || self.step.is_multiple_of(self.recipe.common.training.report_every);
            if last || due(self.step, self.recipe.common.samples.every) {
                let measured = self.take_pictures(observer)?;
                reports |= !measured.is_empty();
                report.extend(measured);
            }
            let score = match &self.judge {
                Some(judge) if last || due(self.step, self.recipe.common.evaluation.every) => {
                    let judged = judge.measure(self.system.as_ref(), self.step)?;
                    let path = self.folder.evaluations_while_training();
                    EvaluationFile::append(&path, &judged.evaluation)?;
                    reports = true;
                    report.extend(judged.values);
                    judged.score
                }
                _ => None,
            };
            if reports {
                self.write_record(report, began)?;
            }
            let regular = last || due(self.step, self.recipe.common.checkpoint.every);
            let best = score.is_some_and(|score| self.best.is_none_or(|best| score < best));
            if best {
                self.best = score;
            }
            if regular || best {
                self.save_checkpoint(score, observer)?;
            }
            if regular {
                self.draw_history()?;
            }
        }
        Ok(Outcome::Finished)
    }

    fn write_record(&mut self, report: Report, began: Instant) -> Result<()> {
        for (name, &value) in &report {
            self.events.scalar(name, value as f32, self.step)?;
        }
        let time = Some(began.elapsed().as_secs_f64());
        Ok(self.log.append(&Record { step: self.step, time, values: report })?)
    }

    /// Takes the pictures of this step; answers what was measured beside them.
    fn take_pictures(&mut self, observer: &mut dyn FnMut(&Event<'_>)) -> Result<Report> {
        let Some(snapshots) = &self.snapshots else { return Ok(Report::new()) };
        let Snapshot { pictures, measured } = snapshots.take(self.system.as_ref(), self.step)?;
        for (series, picture) in &pictures {
            let path = self.folder.picture(series, self.step);
            let folder = self.folder.pictures(series);
            std::fs::create_dir_all(&folder).map_err(crate::files::FileError::when("create", &folder))?;
            picture.save_png(&path)?;
            self.events.image(series, &picture.to_png()?, picture.width(), picture.height(), self.step)?;
            observer(&Event::Samples(&path));
        }
        self.events.flush()?;
        Ok(measured)
    }

    /// Writes a checkpoint; with a score it competes for being kept as the best.
    fn save_checkpoint(&mut self, score: Option<f64>, observer: &mut dyn FnMut(&Event<'_>)) -> Result<()> {
        let mut state = State::default();
        self.system.save(&mut state)?;
        state.put_sample_shape(self.system.sample_shape());
        state.put_classes(&self.feed.class_counts());
        state.refuse_broken(self.step)?;
        let snapshot = checkpoint::Snapshot {
            step: self.step,
            tensors: state.tensors,
            counters: state.counters,
            recipe: self.recipe.to_toml()?,
            score,
            ..checkpoint::Snapshot::default()
        };
        self.log.sync()?;
        let path =
            checkpoint::save(&self.folder.checkpoints(), &snapshot, self.recipe.common.checkpoint.keep)?;
        self.saved = Some(self.step);
        observer(&Event::Checkpoint(&path));
        Ok(())
    }

    /// Draws `history.png` and the animations from what the folder holds.
    fn draw_history(&mut self) -> Result<()> {
        self.events.flush()?;
        let references: Vec<Reference> = self.system.theory().into_iter().map(reference).collect();
        let picture = history::draw(&metrics::read(&self.folder.metrics())?, &references)?;
        picture.save_png(&self.folder.history())?;
        for pictures in self.folder.all_pictures()? {
            let Some(series) = pictures.file_name().and_then(|name| name.to_str()) else { continue };
            crate::pictures::animate_step_files(
                &pictures,
                &self.folder.animation(series),
                crate::pictures::AnimationStyle::default(),
            )?;
        }
        Ok(())
    }
}

/// The recipe in a run folder.
fn saved_recipe(folder: &RunFolder) -> Result<Recipe> {
    let path = folder.recipe();
    let text = std::fs::read_to_string(&path).map_err(crate::files::FileError::when("read", &path))?;
    Recipe::from_toml(&text, &path.display().to_string())
}

/// Which checkpoint of a run is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// The newest whole one.
    #[default]
    Newest,
    /// The one with the best score, of a run that was evaluated while it trained.
    Best,
}

/// The recipe of the run in `path`, and its state and step at a checkpoint.
fn load_state(path: &Path, which: Which) -> Result<(Recipe, State, u64)> {
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
    let step = snapshot.step;
    Ok((recipe, State::from(snapshot), step))
}

/// The classifier that the run in `path` trained, for judging samples.
///
/// # Errors
/// As [`load_run`], and if the run trained another system.
pub fn load_classifier(path: &Path, device: &Device) -> Result<Classifier> {
    let (recipe, state, _) = load_state(path, Which::Newest)?;
    if recipe.common.system != systems::classifier::NAME {
        return Err(Error::Request(format!(
            "{} trained `{}`, which names no classes; give a run of `brigand train classifier`",
            path.display(),
            recipe.common.system
        )));
    }
    let parts = recipe.parts.try_into().map_err(|error| crate::recipe::refused(&error))?;
    let mut training =
        ClassifierTraining::new(parts, state.sample_shape()?, recipe.common.training.seed, device)?;
    training.restore(&state)?;
    training.trained()
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
    let (recipe, state, step) = load_state(path, which)?;
    let entry = systems::find(&recipe.common.system)?;
    let shape = state.sample_shape()?;
    let mut system = entry.build(&recipe.parts, &recipe.common.setup(shape, &state.classes(), device))?;
    system.restore(&state)?;
    Ok((recipe, system, step))
}

fn due(step: u64, every: u64) -> bool {
    every > 0 && step.is_multiple_of(every)
}

fn refuse_broken(report: &Report, step: u64) -> Result<()> {
    match report.iter().find(|(_, value)| !value.is_finite()) {
        Some((what, &value)) => Err(Error::NotFinite { what: what.clone(), value, step }),
        None => Ok(()),
    }
}

fn reference(line: systems::TheoryLine) -> Reference {
    let panel = match line.metric {
        DISCRIMINATOR_LOSS | GENERATOR_LOSS => Panel::Losses,
        other => Panel::Measurement(other.to_owned()),
    };
    Reference { label: line.label.to_owned(), panel, value: line.value }
}
