//! What runs write down, and what they say of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::support::{recipe, session};
use brigand::registry;
use brigand::session::Session;
use brigand::training::{Continuation, Event, Outcome, Prepared, Training, metrics};
use candle_core::Device;

const WORDS: &str = "training.batch=16 training.report_every=1";

fn started(words: &str, folder: &Path) -> Training {
    let prepared = Prepared::new(recipe("gan", words).unwrap(), &Device::Cpu).unwrap();
    Training::start(prepared, Some(folder)).unwrap()
}

fn run(training: &mut Training) {
    assert_eq!(training.run(&AtomicBool::new(false), &mut |_| {}).unwrap(), Outcome::Finished);
}

#[test]
fn time_goes_on_when_a_run_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    run(&mut started(&format!("{WORDS} training.steps=3"), &path));
    // As if the three steps had taken an hour.
    let log = path.join("metrics.jsonl");
    let lines: Vec<String> = std::fs::read_to_string(&log)
        .unwrap()
        .lines()
        .map(|line| {
            let (before, rest) = line.split_once("\"time\":").unwrap();
            format!("{before}\"time\":3600.0{}\n", &rest[rest.find(',').unwrap()..])
        })
        .collect();
    std::fs::write(&log, lines.concat()).unwrap();
    let continuation = Continuation { steps: Some(6), ..Continuation::default() };
    let mut resumed = Training::resume(&path, &continuation, &Device::Cpu).unwrap().training;
    run(&mut resumed);
    let records = metrics::read(&log).unwrap();
    let times: Vec<f64> = records.iter().map(|record| record.time.unwrap()).collect();
    assert_eq!(times.len(), 6);
    assert!(times.is_sorted() && times[3] > 3600.0 && times[5] < 4200.0, "{times:?}");
}

#[test]
fn damaged_scores_that_are_set_aside_while_training_are_announced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let words = format!("{WORDS} training.steps=6 evaluation.every=2 evaluation.count=40");
    let mut training = started(&words, &path);
    let scores = path.join("evaluation-while-training.json");
    let mut aside = Vec::new();
    let mut observe = |event: &Event<'_>| match event {
        Event::Step { step: 3 } => std::fs::write(&scores, "{").unwrap(),
        Event::SetAside(path) => aside.push(path.to_path_buf()),
        Event::Step { .. } | Event::Measured { .. } | Event::Samples(_) | Event::Checkpoint(_) => {}
    };
    training.run(&AtomicBool::new(false), &mut observe).unwrap();
    assert_eq!(aside, [path.join("evaluation-while-training.json.damaged-1")]);
    assert_eq!(std::fs::read_to_string(&aside[0]).unwrap(), "{");
}

/// The bits of all tensors after four steps of a run of so many.
fn after_four_steps(system: &str, words: &str, steps: u64) -> Vec<Vec<u32>> {
    let mut session: Session = session(system, &format!("{words} training.steps={steps}")).unwrap();
    session.advance_to(4).unwrap();
    let tensors = session.save().unwrap().tensors;
    let bits = |tensor: &candle_core::Tensor| {
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        values.into_iter().map(f32::to_bits).collect()
    };
    tensors.values().map(bits).collect()
}

/// Whatever says nothing trains alike in a run of any length, or an extended run would differ without a word.
#[test]
fn every_system_names_what_is_spread_over_the_run() {
    for row in registry::rows() {
        // Small enough for all of them, where a system has such a key.
        let batch = (row.length)(brigand::batch::SampleKind::Image).batch.min(8);
        let mut words = vec![format!("training.batch={batch}")];
        for (key, value) in [("generator.width", 8), ("discriminator.width", 8), ("translator.width", 4)] {
            let word = format!("{key}={value}");
            if recipe(row.name, &word).is_ok() {
                words.push(word);
            }
        }
        for schedule in ["", "schedule.kind=linear", "ensemble.members=1"] {
            let words = format!("{} {schedule}", words.join(" "));
            let Ok(recipe) = recipe(row.name, &words) else { continue };
            let spread = recipe.system.spread_over_run();
            let differs = after_four_steps(row.name, &words, 5) != after_four_steps(row.name, &words, 40);
            // Members of an ensemble and halves of a run may differ later still.
            assert!(!differs || !spread.is_empty(), "{} {words}: it says nothing", row.name);
            let linear = schedule == "schedule.kind=linear";
            assert!(!linear || (differs && !spread.is_empty()), "{} {words}: {spread:?}", row.name);
        }
    }
}
