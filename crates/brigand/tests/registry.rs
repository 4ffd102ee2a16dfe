//! Claim: what holds for the first systems holds for every row of the registry, whatever it is made of. A row that is
//! added must pass without a change here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use brigand::latent_tools::{examples, reconstruct};
use brigand::random::Stream;
use brigand::recipe::{Changes, Recipe};
use brigand::systems::{self, CATEGORY, CLASS, CODE, Entry, State, System};
use brigand::training::{Event, Outcome, Prepared, Training, checkpoint, load_data, load_run};
use candle_core::Device;
use toml::{Table, Value};

const DIGITS: &str = "data.source=digits training.batch=8 training.steps=4 training.report_every=1 samples.every=2 \
                      samples.count=4 checkpoint.every=2 checkpoint.keep=9";
const MEASURED: &str = "evaluation.every=2 evaluation.metrics=[\"prdc\"] evaluation.best=precision \
                        evaluation.count=20 evaluation.features=pixels";
/// In the middle between two pictures, two checkpoints and two evaluations.
const STOP: u64 = 3;

/// The defaults with `words`, and with narrow networks wherever the recipe says how wide they are.
fn small(entry: &Entry, words: &str) -> brigand::Result<Recipe> {
    let assignments = words.split_whitespace().map(str::to_owned).collect();
    let mut recipe = Recipe::resolve(entry, &Changes { file: None, assignments })?;
    narrow(&mut recipe.parts);
    Ok(recipe)
}

fn narrow(table: &mut Table) {
    for (key, value) in table {
        match (key.as_str(), value) {
            ("width", Value::Integer(width)) => *width = (*width).min(4),
            ("widths", Value::Array(widths)) => widths.fill(Value::Integer(8)),
            ("judge_steps", Value::Integer(steps)) => *steps = (*steps).min(3),
            (_, Value::Table(inner)) => narrow(inner),
            _ => {}
        }
    }
}

fn prepared(entry: &Entry, words: &str) -> brigand::Result<Prepared> {
    Prepared::new(small(entry, words)?, &Device::Cpu)
}

fn generates(entry: &Entry) -> bool {
    prepared(entry, DIGITS).unwrap_or_else(|error| panic!("{}: {error}", entry.name)).system.generates()
}

fn trained(mut training: Training) -> Training {
    assert_eq!(training.run(&AtomicBool::new(false), &mut |_| {}).unwrap(), Outcome::Finished);
    training
}

/// The run in `folder`, stopped after [`STOP`] steps and gone on with by another process, as it were.
fn interrupted(recipe: &Recipe, folder: &Path) {
    let prepared = Prepared::new(recipe.clone(), &Device::Cpu).unwrap();
    let stop = AtomicBool::new(false);
    let mut training = Training::start(prepared, Some(folder)).unwrap();
    let mut observe = |event: &Event<'_>| {
        if matches!(event, Event::Step { step: STOP, .. }) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    assert_eq!(training.run(&stop, &mut observe).unwrap(), Outcome::Stopped { step: STOP });
    drop(training);
    let (training, skipped) = Training::resume(folder, None, &Device::Cpu).unwrap();
    assert!(skipped.is_empty() && training.step() == STOP);
    trained(training);
}

/// Every file of a run that two equal runs share: all but times (metrics, event files).
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let inner = contents(&path).into_iter();
            found.extend(inner.map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else if !name.starts_with("events.") && name != "metrics.jsonl" {
            found.insert(name, std::fs::read(path).unwrap());
        }
    }
    // The stop has a checkpoint of its own.
    found.retain(|name, _| !name.contains(&format!("step-{STOP:08}")));
    found
}

fn assert_pictures(system: &dyn System, recipe: &Recipe, folder: &Path) {
    let name = &recipe.common.system;
    let space = system.latent_space().unwrap();
    let mut series = vec!["samples".to_owned()];
    series.extend(space.category(CLASS).is_ok().then(|| "classes".to_owned()));
    series.extend(space.category(CATEGORY).is_ok().then(|| "categories".to_owned()));
    series
        .extend((0..space.part(CODE).map_or(0, |(range, _)| range.len())).map(|code| format!("code-{code}")));
    let real = examples(&load_data(recipe).unwrap(), 5, &Device::Cpu).unwrap();
    if let Some(found) = reconstruct(system, &real).unwrap() {
        assert_eq!(found.rebuilt.shape(), [5, 1, 8, 8], "{name}");
        assert!(found.errors().unwrap().iter().all(|error| error.is_finite()), "{name}");
        series.push("reconstructions".into());
    }
    if let Some(codes) = system.encode(&real.samples, real.labels.as_deref()).unwrap() {
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

fn assert_samples(system: &dyn System, name: &str) {
    let space = system.latent_space().unwrap();
    let samples = system.sample(3, 1).unwrap();
    assert_eq!(samples.shape(), [3, 1, 8, 8], "{name}");
    let values = samples.to_vec_f32().unwrap();
    assert!(values.iter().all(|value| value.is_finite()) && values.iter().any(|value| *value != values[0]));
    assert_eq!(values, system.sample(3, 1).unwrap().to_vec_f32().unwrap(), "{name}");
    // A sample depends on its own latent alone.
    let latents = system.latents(3, &mut Stream::new(1, "sample", 0)).unwrap();
    let alone = system.generate(&latents.narrow(0, 1, 1).unwrap()).unwrap().to_vec_f32().unwrap();
    assert!(alone.iter().zip(&values[64..]).all(|(a, b)| (a - b).abs() < 1e-4), "{name}");
    for size in [space.size() - 1, space.size() + 1] {
        let wrong = latents.narrow(1, 0, 1).unwrap().broadcast_to(&[3, size]).unwrap();
        let message = system.generate(&wrong).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains(&space.size().to_string()), "{name} takes latents of {size}: {message}");
    }
    let asked = space.with_category(&latents, CLASS, &[0, 1, 9999]).err().unwrap().to_string();
    let wanted = if space.classes() > 0 { "no class 9999" } else { "cannot be asked for a class" };
    assert!(asked.contains(wanted), "{name}: {asked}");
    assert!(system.sample(0, 1).is_err(), "{name}");
}

#[test]
fn every_row_trains_measures_draws_resumes_and_samples() {
    for entry in systems::registry() {
        let (name, parent) = (entry.name, tempfile::tempdir().unwrap());
        let generates = generates(entry);
        let words = if generates { format!("{DIGITS} {MEASURED}") } else { DIGITS.to_owned() };
        let recipe = small(entry, &words).unwrap();
        let (whole, parts) = (parent.path().join("whole"), parent.path().join("parts"));
        let prepared = Prepared::new(recipe.clone(), &Device::Cpu).unwrap();
        let training = trained(Training::start(prepared, Some(&whole)).unwrap());
        interrupted(&recipe, &parts);
        let (expected, found) = (contents(&whole), contents(&parts));
        assert!(expected.contains_key("checkpoints/step-00000004.safetensors"), "{name}");
        assert_eq!(expected.contains_key("evaluation-while-training.json"), generates, "{name}");
        assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>(), "{name}");
        for (file, bytes) in &expected {
            assert!(*bytes == found[file], "{name}: {file} differs after the resume");
        }
        let (_, loaded, step) = load_run(&parts, &Device::Cpu).unwrap();
        assert_eq!(step, 4, "{name}");
        if generates {
            assert_samples(loaded.as_ref(), name);
            let (own, saved) = (training.system().sample(3, 1).unwrap(), loaded.sample(3, 1).unwrap());
            assert_eq!(own.to_vec_f32().unwrap(), saved.to_vec_f32().unwrap(), "{name}");
            assert_pictures(loaded.as_ref(), training.recipe(), &whole);
        }
    }
}

#[test]
fn every_row_refuses_what_it_cannot_do() {
    for entry in systems::registry() {
        let (name, parent) = (entry.name, tempfile::tempdir().unwrap());
        let mut system = prepared(entry, DIGITS).unwrap().system;
        let empty =
            system.restore(&State::default()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(empty.len() > 10, "{name} takes an empty checkpoint: {empty}");
        if !system.generates() {
            for refused in [system.latent_space().err(), system.sample(1, 0).err()] {
                let message = refused.unwrap().to_string();
                assert!(message.contains("makes no samples"), "{name}: {message}");
            }
            let prepared = prepared(entry, &format!("{DIGITS} {MEASURED}")).unwrap();
            let folder = parent.path().join("run");
            let message = Training::start(prepared, Some(&folder)).err().unwrap().to_string();
            assert!(message.contains("evaluation.every") && !folder.exists(), "{name}: {message}");
        }
    }
}

/// Where samples have no labels, a row that needs them says so, and every other one trains.
#[test]
fn every_row_trains_without_labels_or_asks_for_them() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("images");
    let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, 64, 0, 0, 0, 8, 0, 0, 0, 8];
    bytes.extend((0..64 * 64_u32).map(|place| (place * place / 7 % 251) as u8));
    std::fs::write(&file, bytes).unwrap();
    let words = DIGITS.replace("data.source=digits", &format!("data.source=idx:{}", file.display()));
    let mut asking = Vec::new();
    for entry in systems::registry() {
        match prepared(entry, &words) {
            Ok(prepared) => {
                let folder = parent.path().join(entry.name);
                trained(Training::start(prepared, Some(&folder)).unwrap());
            }
            Err(error) => {
                assert!(error.to_string().contains("labelled data"), "{}: {error}", entry.name);
                asking.push(entry.name);
            }
        }
    }
    assert!(
        asking.contains(&"cgan") && asking.contains(&"classifier") && !asking.contains(&"gan"),
        "{asking:?}"
    );
}

/// On points in the plane a row trains, or says that it needs images.
#[test]
fn every_row_trains_on_points_or_asks_for_images() {
    let parent = tempfile::tempdir().unwrap();
    let words = DIGITS.replace("data.source=digits", "data.source=ring8");
    for entry in systems::registry() {
        match prepared(entry, &words) {
            Ok(prepared) => {
                let folder = parent.path().join(entry.name);
                trained(Training::start(prepared, Some(&folder)).unwrap());
                assert!(folder.join("samples/step-00000004.png").is_file(), "{}", entry.name);
            }
            Err(error) => {
                let message = error.to_string();
                assert!(
                    message.contains("image") || message.contains("labelled"),
                    "{}: {message}",
                    entry.name
                );
            }
        }
    }
}

#[test]
fn a_stop_right_after_an_evaluation_keeps_its_score() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let entry = systems::find("gan").unwrap();
    let prepared = prepared(entry, &format!("{DIGITS} {MEASURED}")).unwrap();
    let mut training = Training::start(prepared, Some(&path)).unwrap();
    let stop = AtomicBool::new(false);
    let mut observe = |event: &Event<'_>| {
        if matches!(event, Event::Step { step: 2, .. }) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    assert_eq!(training.run(&stop, &mut observe).unwrap(), Outcome::Stopped { step: 2 });
    assert!(checkpoint::best(&path.join("checkpoints")).unwrap().is_some());
}
