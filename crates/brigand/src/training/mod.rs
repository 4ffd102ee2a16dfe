//! The one trainer: it knows a [`System`], a recipe and a run folder, and nothing of any particular system.

mod cas_classifier;
pub mod checkpoint;
pub mod curves;
mod data_record;
mod divergence;
mod drawing;
mod exhibits;
mod fine_tuning;
pub mod history;
mod loading;
mod measuring;
pub mod metrics;
mod prepared;
mod resuming;
pub mod run_folder;
pub mod run_lock;
mod snapshots;
pub mod tensorboard;
mod tournament;
mod trial;

pub use cas_classifier::train_classifier;
pub use fine_tuning::{FineTuningPlan, load_reenactor};
pub use loading::{Which, load_classifier, load_run, load_run_at};
pub use measuring::{choose_extractor, generated_samples, real_samples};
pub use prepared::{HeldOut, Prepared, load_data, load_test_part, open_data, open_held_out};
pub use resuming::{Continuation, Resumed};
pub use run_folder::RunFolder;
pub use snapshots::backdrop_for;
pub use tournament::{Contender, tournament};
pub use trial::trial;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use brigand_core::players::Measurements;
use brigand_core::session::Session;
use brigand_core::system::System;

use crate::error::{Error, Result};
use crate::evaluation::EvaluationFile;
use crate::files::write_atomically;
use crate::recipe::Recipe;
use curves::Curves;
use data_record::DataRecord;
use measuring::MeasuresWhileTraining;
use metrics::{MetricsLog, Record};
use run_folder::RunFolderError;
use run_lock::{RunLock, RunLockError};
use snapshots::{Snapshot, Snapshots};
use tensorboard::EventWriter;

/// Measurements are read at least so often, for whoever watches.
const LONGEST_SILENCE: Duration = Duration::from_millis(500);

/// What happens while a run trains, for progress bars and logs. Observers never steer.
#[derive(Debug)]
pub enum Event<'a> {
    /// A step is done.
    Step {
        /// Steps done so far.
        step: u64,
    },
    /// What a step reported was read.
    Measured {
        /// Steps done so far.
        step: u64,
        /// What it reported.
        measurements: &'a Measurements,
    },
    /// A picture of samples was written.
    Samples(&'a Path),
    /// A checkpoint was written.
    Checkpoint(&'a Path),
    /// The file of the scores that are measured while training was damaged, and lies here now.
    SetAside(&'a Path),
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

/// A run: a system in training and the folder it writes into.
pub struct Training {
    recipe: Recipe,
    session: Session,
    folder: RunFolder,
    /// Keeps other processes from training in the folder.
    _lock: RunLock,
    log: MetricsLog,
    /// What the log holds, for the picture of the history.
    curves: Curves,
    /// Seconds of training up to the last record, in all processes that trained it.
    time: f64,
    events: EventWriter,
    snapshots: Snapshots,
    /// None where nothing is to be measured.
    measures: Option<MeasuresWhileTraining>,
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
        Self::start_after(prepared, out, |_, _| Ok(()))
    }

    /// The same, where `write` puts something into the folder before it becomes a run.
    fn start_after(
        mut prepared: Prepared,
        out: Option<&Path>,
        write: impl FnOnce(&mut Prepared, &RunFolder) -> Result<()>,
    ) -> Result<Self> {
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
        RunFolder::refuse_run(folder.path())?;
        write(&mut prepared, &folder).inspect_err(|_| folder.discard())?;
        Self::begin(prepared, folder.clone(), lock).inspect_err(|_| folder.discard())
    }

    fn begin(mut prepared: Prepared, folder: RunFolder, lock: RunLock) -> Result<Self> {
        let record = DataRecord::of(&mut prepared.recipe, &prepared.data)?;
        // In this order, a kill in between leaves a run that can be begun again.
        write_atomically(&folder.recipe(), prepared.recipe.to_toml()?.as_bytes())?;
        record.write(&folder.data())?;
        let events = EventWriter::create(folder.path())?;
        Self::assemble(prepared, folder, lock, 0, events)
    }

    fn assemble(
        prepared: Prepared,
        folder: RunFolder,
        lock: RunLock,
        step: u64,
        events: EventWriter,
    ) -> Result<Self> {
        let Prepared { recipe, session, data, held_out_notes: _ } = prepared;
        let log = MetricsLog::open(&folder.metrics())?;
        let records = metrics::read(&folder.metrics())?;
        let curves = records.iter().collect();
        let time = records.iter().rev().find_map(|record| record.time).unwrap_or(0.0);
        let dataset = data.dataset.as_ref().map(Arc::as_ref);
        let snapshots = Snapshots::new(session.system(), session.feed(), dataset, &recipe.common)?;
        let measured = recipe.common.evaluation.every > 0;
        let measures = measured.then(|| MeasuresWhileTraining::new(session.system(), dataset, &recipe));
        let measures = measures.transpose()?;
        let best = checkpoint::best(&folder.checkpoints())?;
        let best = best.map(|path| checkpoint::load(&path)).transpose()?.and_then(|found| found.score);
        let saved = (step > 0).then_some(step);
        Ok(Self {
            recipe,
            session,
            folder,
            _lock: lock,
            log,
            curves,
            time,
            events,
            snapshots,
            measures,
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
        self.session.step()
    }

    /// The system in training.
    pub fn system(&self) -> &dyn System {
        self.session.system()
    }

    /// Trains until the recipe's last step, or until `stop` becomes true, which is answered after the
    /// step in progress with a checkpoint.
    ///
    /// # Errors
    /// If a loss is no longer finite (the last good checkpoint is kept) or a file cannot be written.
    pub fn run(&mut self, stop: &AtomicBool, observer: &mut dyn FnMut(&Event<'_>)) -> Result<Outcome> {
        self.train(stop, observer).map_err(|error| {
            if matches!(error, Error::NotFinite { .. }) {
                // What went wrong first is what is reported.
                let _ = self.draw_animations();
            }
            divergence::with_keys(error, &self.recipe)
        })
    }

    fn train(&mut self, stop: &AtomicBool, observer: &mut dyn FnMut(&Event<'_>)) -> Result<Outcome> {
        let steps = self.recipe.common.training.steps;
        let clock = Clock { began: Instant::now(), before: self.time };
        let mut last_read = clock.began;
        if self.step() == 0 {
            self.estimate_statistics()?;
            self.take_pictures(observer)?;
            self.save_checkpoint(None, observer)?;
        }
        while self.step() < steps {
            if stop.load(Ordering::Relaxed) {
                // The step's own checkpoint may hold a score.
                if self.saved != Some(self.step()) {
                    self.estimate_statistics()?;
                    self.save_checkpoint(None, observer)?;
                }
                self.draw_again()?;
                return Ok(Outcome::Stopped { step: self.step() });
            }
            let report = self.session.advance()?;
            observer(&Event::Step { step: self.step() });
            let last = self.step() == steps;
            let draws = last || due(self.step(), self.recipe.common.samples.every);
            let measures = last || due(self.step(), self.recipe.common.evaluation.every);
            let saves = last || due(self.step(), self.recipe.common.checkpoint.every);
            let mut reports = last || due(self.step(), self.recipe.common.training.report_every);
            // Nothing is drawn or saved of a system whose losses are no numbers any more.
            if !(reports || draws || measures || saves || last_read.elapsed() > LONGEST_SILENCE) {
                continue;
            }
            let mut measurements = report.read(self.step())?;
            last_read = Instant::now();
            observer(&Event::Measured { step: self.step(), measurements: &measurements });
            if saves || measures {
                self.estimate_statistics()?;
            }
            if draws {
                let measured = self.take_pictures(observer)?;
                reports |= !measured.is_empty();
                measurements.extend(measured);
            }
            let score = match &self.measures {
                Some(while_training) if measures => {
                    let measured = while_training.measure(self.session.system().sampler()?, self.step())?;
                    let path = self.folder.evaluations_while_training();
                    if let Some(aside) = EvaluationFile::append(&path, &measured.evaluation)? {
                        observer(&Event::SetAside(&aside));
                    }
                    reports = true;
                    measurements.extend(measured.values);
                    measured.score
                }
                _ => None,
            };
            if reports {
                self.write_record(measurements, &clock)?;
            }
            let best = score.is_some_and(|score| self.best.is_none_or(|best| score < best));
            if best {
                self.best = score;
            }
            if saves || best {
                self.save_checkpoint(score, observer)?;
            }
            if last {
                self.draw_again()?;
            } else if saves {
                self.draw_history()?;
            }
        }
        Ok(Outcome::Finished)
    }

    /// What is drawn, measured and saved of this step samples with statistics of its own weights.
    fn estimate_statistics(&mut self) -> Result<()> {
        self.session.estimate_statistics(self.recipe.common.checkpoint.statistics_batches)
    }

    fn write_record(&mut self, measurements: Measurements, clock: &Clock) -> Result<()> {
        for (name, &value) in &measurements {
            self.events.scalar(name, value as f32, self.step())?;
        }
        self.time = clock.before + clock.began.elapsed().as_secs_f64();
        let record = Record { step: self.step(), time: Some(self.time), values: measurements };
        self.log.append(&record)?;
        self.curves.push(&record);
        Ok(())
    }

    /// Takes the pictures of this step; answers what was measured beside them.
    fn take_pictures(&mut self, observer: &mut dyn FnMut(&Event<'_>)) -> Result<Measurements> {
        let Snapshot { pictures, animations, texts, measured } =
            self.snapshots.take(self.session.system(), self.step())?;
        for (series, lines) in &texts {
            let path = self.folder.text(series, self.step());
            exhibits::write_text(&path, lines)?;
            observer(&Event::Samples(&path));
        }
        for (series, frames) in &animations {
            let path = self.folder.animation_of(series, self.step());
            exhibits::write_animation(&path, frames)?;
            observer(&Event::Samples(&path));
        }
        for (series, picture) in &pictures {
            let path = self.folder.picture(series, self.step());
            let folder = self.folder.pictures(series);
            std::fs::create_dir_all(&folder).map_err(crate::files::FileError::when("create", &folder))?;
            picture.save_png(&path)?;
            self.events.image(series, &picture.to_png()?, picture.width(), picture.height(), self.step())?;
            observer(&Event::Samples(&path));
        }
        self.events.flush()?;
        Ok(measured)
    }

    /// Writes a checkpoint; with a score it competes for being kept as the best.
    fn save_checkpoint(&mut self, score: Option<f64>, observer: &mut dyn FnMut(&Event<'_>)) -> Result<()> {
        let snapshot = checkpoint::Snapshot { score, ..snapshot_of(&mut self.session, &self.recipe)? };
        self.log.sync()?;
        let path =
            checkpoint::save(&self.folder.checkpoints(), &snapshot, self.recipe.common.checkpoint.keep)?;
        self.saved = Some(self.step());
        observer(&Event::Checkpoint(&path));
        Ok(())
    }
}

/// What a checkpoint of a session holds.
fn snapshot_of(session: &mut Session, recipe: &Recipe) -> Result<checkpoint::Snapshot> {
    let state = session.save()?;
    Ok(checkpoint::Snapshot {
        step: session.step(),
        schema: session.feed().schema().clone(),
        recipe: recipe.to_toml()?,
        ..checkpoint::Snapshot::of(&state)?
    })
}

/// The time of a run, which may have been trained before.
struct Clock {
    began: Instant,
    /// Seconds of training before that.
    before: f64,
}

fn due(step: u64, every: u64) -> bool {
    every > 0 && step.is_multiple_of(every)
}
