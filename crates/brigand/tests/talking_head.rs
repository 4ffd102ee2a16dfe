//! Claims: fine-tuning on a person starts from what meta-training draws of that person, a fine-tuned run that was stopped
//! and resumed equals one that never was, and what cannot be fine-tuned is refused before a folder is made.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use brigand::batch::{Batch, Feed, IMAGES, LANDMARKS};
use brigand::data::people::cartoon::{Part, write};
use brigand::data::{Options, Spec, open};
use brigand::recipe::{Changes, Recipe};
use brigand::system::System;
use brigand::training::{Continuation, Event, FineTuningPlan, Outcome, Prepared, Training, load_run};
use brigand::{Place, registry};
use candle_core::Device;

const SMALL: &str = "training.steps=2 training.batch=4 data.size=16 data.frames=2 embedding=8 embedder.width=4 \
                     generator.width=4 generator.blocks=1 discriminator.width=4 average.decay=0.5 held_out.every=0";

/// A run of two steps, and the folder of a person of whom it has seen nothing.
fn run(root: &Path) -> (PathBuf, PathBuf) {
    let assignments = SMALL.split_whitespace().map(str::to_owned).collect();
    let row = registry::find("talking-head").unwrap();
    let recipe = Recipe::resolve(row, &Changes { file: None, assignments }).unwrap();
    let folder = root.join("run");
    let mut training = Training::start(Prepared::new(recipe, &Device::Cpu).unwrap(), Some(&folder)).unwrap();
    assert_eq!(training.run(&AtomicBool::new(false), &mut |_| {}).unwrap(), Outcome::Finished);
    write(&root.join("people"), Part::HeldOut, 3, (16, 0)).unwrap();
    (folder, root.join("people/person-1"))
}

fn plan(run: &Path, person: &Path) -> FineTuningPlan {
    FineTuningPlan { run: run.to_owned(), person: person.to_owned(), steps: 4, seed: 0 }
}

fn frames(person: &Path) -> Batch {
    let spec: Spec = format!("person:{}", person.display()).parse().unwrap();
    let data = open(&spec, &Options { size: Some(16), ..Options::default() }).unwrap();
    let feed = Feed::new(data.boxed_sources(), 1, 0, &Place::cpu()).unwrap();
    feed.samples(&(0..feed.count()).collect::<Vec<_>>()).unwrap()
}

fn drawn(system: &dyn System, person: Option<&Batch>, poses: &Batch) -> Vec<f32> {
    let drawings = poses.numbers(LANDMARKS).unwrap();
    system.as_reenactor().unwrap().drive(person, drawings).unwrap().to_vec_f32().unwrap()
}

#[test]
fn fine_tuning_starts_from_the_embedding_and_resumes_exactly() {
    let root = tempfile::tempdir().unwrap();
    let (run, person) = run(root.path());
    let (_, meta, _) = load_run(&run, &Device::Cpu).unwrap();
    let frames = frames(&person);
    let [whole, parts] = ["whole", "parts"].map(|name| root.path().join(name));
    let start = |out: &Path| Training::fine_tune(&plan(&run, &person), Some(out), &Device::Cpu).unwrap();
    let mut training = start(&whole);
    // The mean embedding as a style of its own draws the same frames.
    let (before, first) =
        (drawn(meta.as_ref(), Some(&frames), &frames), drawn(training.system(), None, &frames));
    assert!(before.iter().zip(&first).all(|(a, b)| (a - b).abs() < 1e-5));
    // Before a step is done the folder holds what it starts from, even if the process ends here.
    let (_, loaded, step) = load_run(&whole, &Device::Cpu).unwrap();
    assert_eq!((step, drawn(loaded.as_ref(), None, &frames)), (0, first.clone()));
    training.run(&AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_ne!(drawn(training.system(), None, &frames), first);

    let stop = AtomicBool::new(false);
    let mut interrupted = start(&parts);
    let outcome = interrupted.run(&stop, &mut |event| {
        if matches!(event, Event::Step { step: 2 }) {
            stop.store(true, Ordering::Relaxed);
        }
    });
    assert_eq!(outcome.unwrap(), Outcome::Stopped { step: 2 });
    drop(interrupted);
    let resumed = Training::resume(&parts, &Continuation::default(), &Device::Cpu).unwrap();
    let mut resumed = resumed.training;
    resumed.run(&AtomicBool::new(false), &mut |_| {}).unwrap();
    let last = "checkpoints/step-00000004.safetensors";
    assert!(std::fs::read(whole.join(last)).unwrap() == std::fs::read(parts.join(last)).unwrap());
    assert!(whole.join("person/step-00000004.png").is_file());
}

#[test]
fn what_cannot_be_fine_tuned_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (run, person) = run(root.path());
    let out = root.path().join("out");
    let refusal = |run: &Path, person: &Path| {
        let message =
            Training::fine_tune(&plan(run, person), Some(&out), &Device::Cpu).err().unwrap().to_string();
        assert!(!out.exists(), "{message}");
        message
    };
    assert!(refusal(&run, &root.path().join("people")).contains("has no landmarks.csv"));
    assert!(refusal(&run, &root.path().join("nobody")).contains("does not exist"));
    let tuned = root.path().join("tuned");
    let plan = FineTuningPlan { steps: 1, ..plan(&run, &person) };
    let mut training = Training::fine_tune(&plan, Some(&tuned), &Device::Cpu).unwrap();
    training.run(&AtomicBool::new(false), &mut |_| {}).unwrap();
    assert!(refusal(&tuned, &person).contains("was fine-tuned on one person"));
    let reenactor = training.system().as_reenactor().unwrap();
    let frames = frames(&person);
    let given = reenactor.drive(Some(&frames), frames.numbers(IMAGES).unwrap()).err().unwrap().to_string();
    assert!(given.contains("leave out --person"), "{given}");
    let (_, meta, _) = load_run(&run, &Device::Cpu).unwrap();
    let drawings = frames.numbers(LANDMARKS).unwrap();
    let missing = meta.as_reenactor().unwrap().drive(None, drawings).err().unwrap().to_string();
    assert!(missing.contains("--person DIR"), "{missing}");
}
