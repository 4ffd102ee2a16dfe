//! Claim: what holds for the first systems holds for every row of the registry, whatever it is made of. A row that is
//! added must pass without a change here: its capabilities say what is asked of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use brigand::batch::Need;
use brigand::capability::Sampler;
use brigand::data::Spec;
use brigand::latent::{CATEGORY, CLASS, CODE};
use brigand::latent_tools::{examples, reconstruct};
use brigand::random::Stream;
use brigand::recipe::{Changes, Recipe, Row};
use brigand::registry;
use brigand::state::State;
use brigand::system::System;
use brigand::training::{Continuation, Event, Outcome, Prepared, Training, checkpoint, load_data, load_run};
use candle_core::Device;
use toml::{Table, Value};

const SMALL: &str = "training.steps=4 training.report_every=1 samples.every=2 samples.count=4 checkpoint.every=2 \
                     checkpoint.keep=9";
const MEASURED: &str = "evaluation.every=2 evaluation.count=20 evaluation.features=pixels";
/// Samples in a batch, where the row's own are not fewer.
const BATCH: usize = 8;
/// In the middle between two pictures, two checkpoints and two evaluations.
const STOP: u64 = 3;

/// A short run on this data.
fn short(row: &Row, data: &str) -> String {
    let kind = data.parse::<Spec>().unwrap().sample_kind();
    let batch = (row.length)(kind).batch.min(BATCH);
    format!("data.source={data} training.batch={batch} {SMALL}")
}

/// A short run on the row's own data, which is part of the program.
fn words(row: &Row) -> String {
    short(row, row.data)
}

/// The same, measured by what its data allows: sets by their neighbours, one picture by its patches.
fn measured(row: &Row) -> String {
    let (metric, best) = match row.data.parse::<Spec>().unwrap().is_one_picture() {
        true => ("sifid", "sifid"),
        false => ("prdc", "precision"),
    };
    format!("{} {MEASURED} evaluation.metrics=[\"{metric}\"] evaluation.best={best}", words(row))
}

/// The defaults with `words`, and with narrow networks wherever the recipe says how wide they are.
fn small(row: &Row, words: &str) -> brigand::Result<Recipe> {
    let assignments = words.split_whitespace().map(str::to_owned).collect();
    let mut table = Recipe::resolve(row, &Changes { file: None, assignments })?.to_table()?;
    narrow(&mut table);
    Recipe::from_toml(&toml::to_string(&table).unwrap(), "a small recipe")
}

fn narrow(table: &mut Table) {
    for (key, value) in table {
        match (key.as_str(), value) {
            ("width" | "hidden", Value::Integer(width)) => *width = (*width).min(8),
            ("widths", Value::Array(widths)) => widths.fill(Value::Integer(8)),
            ("discriminator_steps", Value::Integer(steps)) => *steps = (*steps).min(3),
            (_, Value::Table(inner)) => narrow(inner),
            _ => {}
        }
    }
}

fn prepared(row: &Row, words: &str) -> brigand::Result<Prepared> {
    Prepared::new(small(row, words)?, &Device::Cpu)
}

/// Whether it makes images or points from latents, and whether it makes samples of any kind.
fn samples(row: &Row) -> (bool, bool) {
    let prepared = prepared(row, &words(row)).unwrap_or_else(|error| panic!("{}: {error}", row.name));
    let session = prepared.into_session();
    let system = session.system();
    let sampler = system.as_sampler().is_some();
    (sampler, sampler || system.as_sequence_sampler().is_some() || system.as_translator().is_some())
}

fn trained(mut training: Training) -> Training {
    assert_eq!(training.run(&AtomicBool::new(false), &mut |_| {}).unwrap(), Outcome::Finished);
    training
}

/// The run in `folder`, stopped after [`STOP`] steps and gone on with by another process, as it were.
fn interrupted(recipe: &Recipe, folder: &Path) {
    let prepared = Prepared::new(recipe.clone(), &Device::Cpu).unwrap();
    let mut training = Training::start(prepared, Some(folder)).unwrap();
    assert_eq!(stopped_at(&mut training, STOP), Outcome::Stopped { step: STOP });
    drop(training);
    let resumed = Training::resume(folder, &Continuation::default(), &Device::Cpu).unwrap();
    assert!(resumed.damaged.is_empty() && resumed.notes.is_empty() && resumed.training.step() == STOP);
    trained(resumed.training);
}

fn stopped_at(training: &mut Training, stop_at: u64) -> Outcome {
    let stop = AtomicBool::new(false);
    let mut observe = |event: &Event<'_>| {
        if matches!(event, Event::Step { step } if *step == stop_at) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    training.run(&stop, &mut observe).unwrap()
}

/// Every file of a run that two equal runs share: all but times (metrics, event files) and the lock.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let inner = contents(&path).into_iter();
            found.extend(inner.map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else if !name.starts_with("events.") && name != "metrics.jsonl" && !name.ends_with("lock") {
            found.insert(name, std::fs::read(path).unwrap());
        }
    }
    // The stop has a checkpoint of its own.
    found.retain(|name, _| !name.contains(&format!("step-{STOP:08}")));
    found
}

/// The pictures that its capabilities promise are there, at every step that draws.
fn assert_pictures(system: &dyn System, sampler: &dyn Sampler, recipe: &Recipe, folder: &Path) {
    let (name, space) = (&recipe.common.system, sampler.space());
    let mut series = vec!["samples".to_owned()];
    series.extend(space.category(CLASS).is_ok().then(|| "classes".to_owned()));
    series.extend(space.category(CATEGORY).is_ok().then(|| "categories".to_owned()));
    series
        .extend((0..space.part(CODE).map_or(0, |(range, _)| range.len())).map(|code| format!("code-{code}")));
    let real = examples(&load_data(recipe).unwrap(), 5, &Device::Cpu).unwrap();
    if let Some(found) = reconstruct(system, &real).unwrap() {
        assert_eq!(found.rebuilt.shape(), real.samples().unwrap().shape(), "{name}");
        assert!(found.errors().unwrap().iter().all(|error| error.is_finite()), "{name}");
        series.push("reconstructions".into());
    }
    if let Some(encoder) = system.as_encoder() {
        let codes = encoder.encode(&real).unwrap();
        space.check(&codes).unwrap_or_else(|error| panic!("{name} encodes into other latents: {error}"));
    }
    for series in series {
        for step in [0, 2, 4] {
            let picture = folder.join(&series).join(format!("step-{step:08}.png"));
            assert!(picture.is_file(), "{name} has no {}", picture.display());
        }
        assert!(folder.join(format!("{series}.gif")).is_file(), "{name}: {series}");
    }
}

fn assert_samples(sampler: &dyn Sampler, name: &str) {
    let (space, shape) = (sampler.space(), sampler.sample_shape());
    let samples = sampler.sample(3, 1).unwrap();
    assert_eq!(samples.shape(), [&[3], shape.dims().as_slice()].concat(), "{name}");
    let values = samples.to_vec_f32().unwrap();
    assert!(values.iter().all(|value| value.is_finite()) && values.iter().any(|value| *value != values[0]));
    assert_eq!(values, sampler.sample(3, 1).unwrap().to_vec_f32().unwrap(), "{name}");
    // A sample depends on its own latent alone.
    let latents = sampler.latents(3, &mut Stream::new(1, "sample", 0)).unwrap();
    let alone = sampler.generate(&latents.narrow(0, 1, 1).unwrap()).unwrap().to_vec_f32().unwrap();
    assert!(alone.iter().zip(&values[shape.elements()..]).all(|(a, b)| (a - b).abs() < 1e-4), "{name}");
    for size in [space.size() - 1, space.size() + 1] {
        let wrong = latents.narrow(1, 0, 1).unwrap().broadcast_to(&[3, size]).unwrap();
        let message = sampler.generate(&wrong).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains(&space.size().to_string()), "{name} takes latents of {size}: {message}");
    }
    let asked = space.with_category(&latents, CLASS, &[0, 1, 9999]).err().unwrap().to_string();
    let wanted = if space.classes() > 0 { "no class 9999" } else { "latents have no class" };
    assert!(asked.contains(wanted), "{name}: {asked}");
    assert!(sampler.sample(0, 1).is_err(), "{name}");
}

/// What a loaded system gives equals what the one in training gives.
fn assert_same_outputs(own: &dyn System, loaded: &dyn System, name: &str) {
    if let (Some(own), Some(loaded)) = (own.as_sampler(), loaded.as_sampler()) {
        let values = |sampler: &dyn Sampler| sampler.sample(3, 1).unwrap().to_vec_f32().unwrap();
        assert_eq!(values(own), values(loaded), "{name}");
    }
    if let (Some(own), Some(loaded)) = (own.as_sequence_sampler(), loaded.as_sequence_sampler()) {
        let stream = || Stream::new(1, "sample", 0);
        let found = own.sequences(5, &mut stream()).unwrap();
        assert_eq!(found, loaded.sequences(5, &mut stream()).unwrap(), "{name}");
        assert!(found.iter().all(|tokens| !own.text(tokens).is_empty()), "{name}");
    }
}

#[test]
fn every_row_trains_measures_draws_resumes_and_samples() {
    for row in registry::rows() {
        let (name, parent) = (row.name, tempfile::tempdir().unwrap());
        let (makes_images, makes_samples) = samples(row);
        let words = if makes_images { measured(row) } else { words(row) };
        let recipe = small(row, &words).unwrap();
        let (whole, parts) = (parent.path().join("whole"), parent.path().join("parts"));
        let prepared = Prepared::new(recipe.clone(), &Device::Cpu).unwrap();
        let training = trained(Training::start(prepared, Some(&whole)).unwrap());
        interrupted(&recipe, &parts);
        let (expected, found) = (contents(&whole), contents(&parts));
        assert!(expected.contains_key("checkpoints/step-00000004.safetensors"), "{name}");
        assert_eq!(expected.contains_key("evaluation-while-training.json"), makes_images, "{name}");
        assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>(), "{name}");
        for (file, bytes) in &expected {
            assert!(*bytes == found[file], "{name}: {file} differs after the resume");
        }
        let shown = |step: u64| {
            let at = format!("step-{step:08}.");
            expected.keys().any(|file| file.contains(&at) && !file.starts_with("checkpoints"))
        };
        assert!(!makes_samples || [0, 2, 4].into_iter().all(shown), "{name} shows nothing");
        let (_, loaded, step) = load_run(&parts, &Device::Cpu).unwrap();
        assert_eq!(step, 4, "{name}");
        assert_same_outputs(training.system(), loaded.as_ref(), name);
        if let Some(sampler) = loaded.as_sampler() {
            assert_samples(sampler, name);
            assert_pictures(loaded.as_ref(), sampler, training.recipe(), &whole);
        }
    }
}

#[test]
fn every_row_refuses_what_it_cannot_do() {
    for row in registry::rows() {
        let (name, parent) = (row.name, tempfile::tempdir().unwrap());
        let mut session = prepared(row, &words(row)).unwrap().into_session();
        let empty = session.restore(State::default(), 0).err().unwrap().to_string();
        assert!(empty.contains("the checkpoint lacks"), "{name} takes an empty checkpoint: {empty}");
        let mut other = session.save().unwrap();
        other.count("something.else".into(), 1);
        let left = session.restore(other, 0).err().unwrap().to_string();
        assert!(left.contains("`something.else`"), "{name} takes a checkpoint of another system: {left}");
        if session.system().as_sampler().is_none() {
            let message = session.system().sampler().err().unwrap().to_string();
            assert!(message.contains("makes no samples"), "{name}: {message}");
            let prepared = prepared(row, &measured(row)).unwrap();
            let folder = parent.path().join("run");
            let message = Training::start(prepared, Some(&folder)).err().unwrap().to_string();
            assert!(message.contains("evaluation.every") && !folder.exists(), "{name}: {message}");
        }
    }
}

/// The needs of a row's recipe.
fn needs(row: &Row) -> &'static [Need] {
    small(row, &words(row)).unwrap().system.needs()
}

/// Where samples have no labels, a row that needs them says so, and every other one of images trains.
#[test]
fn every_row_trains_without_labels_or_asks_for_them() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("images");
    let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, 64, 0, 0, 0, 8, 0, 0, 0, 8];
    bytes.extend((0..64 * 64_u32).map(|place| (place * place / 7 % 251) as u8));
    std::fs::write(&file, bytes).unwrap();
    let data = format!("idx:{}", file.display());
    let (mut asking, mut training) = (Vec::new(), Vec::new());
    for row in registry::rows().filter(|row| needs(row).contains(&Need::Samples)) {
        match prepared(row, &short(row, &data)) {
            Ok(prepared) => {
                let folder = parent.path().join(row.name);
                trained(Training::start(prepared, Some(&folder)).unwrap());
                training.push(row.name);
            }
            Err(error) => {
                assert!(error.to_string().contains("needs labelled data"), "{}: {error}", row.name);
                asking.push(row.name);
            }
        }
    }
    for name in ["cgan", "classifier", "acgan", "aae-semi", "sagan", "biggan"] {
        assert!(!training.contains(&name), "{name} trains without labels");
    }
    assert!(training.contains(&"gan") && training.contains(&"vae") && training.contains(&"bigan"));
}

/// On points in the plane a row of images or points trains, or says that it needs images, or labels.
#[test]
fn every_row_trains_on_points_or_asks_for_images() {
    let parent = tempfile::tempdir().unwrap();
    let mut refused = Vec::new();
    for row in registry::rows() {
        match prepared(row, &short(row, "ring8")) {
            Ok(prepared) => {
                let folder = parent.path().join(row.name);
                trained(Training::start(prepared, Some(&folder)).unwrap());
                assert!(folder.join("samples/step-00000004.png").is_file(), "{}", row.name);
            }
            Err(error) => {
                let message = error.to_string();
                let named = ["needs images", "needs labelled data", "the system needs `"];
                assert!(named.iter().any(|part| message.contains(part)), "{}: {message}", row.name);
                refused.push(row.name);
            }
        }
    }
    assert!(refused.contains(&"dcgan") && !refused.contains(&"gan"), "{refused:?}");
}

#[test]
fn a_stop_right_after_an_evaluation_keeps_its_score() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let row = registry::find("gan").unwrap();
    let prepared = prepared(row, &measured(row)).unwrap();
    let mut training = Training::start(prepared, Some(&path)).unwrap();
    assert_eq!(stopped_at(&mut training, 2), Outcome::Stopped { step: 2 });
    assert!(checkpoint::best(&path.join("checkpoints")).unwrap().is_some());
}

/// A key that is accepted has an effect: a discriminator that is to be spectrally normalised has the vectors of that.
#[test]
fn spectral_normalisation_is_applied_or_refused() {
    let mut applied = 0;
    for row in registry::rows() {
        let words = format!("{} constraint.kind=spectral", words(row));
        let mut session = match prepared(row, &words) {
            Ok(prepared) => prepared.into_session(),
            Err(refused) => {
                assert!(refused.to_string().contains("constraint"), "{}: {refused}", row.name);
                continue;
            }
        };
        let state = session.save().unwrap();
        let is_spectral = state.tensors.keys().any(|name| name.ends_with(".singular"));
        assert!(is_spectral, "{} ignores constraint.kind=spectral", row.name);
        applied += 1;
    }
    assert!(applied > 40, "only {applied} systems can be spectrally normalised");
}
