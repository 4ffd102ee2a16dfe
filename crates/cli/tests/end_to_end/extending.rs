//! Runs that are made longer.

use crate::program::{Desk, names};

const TRAIN: &str = "train gan --set training.batch=16 --quiet";

/// 20 steps, extended to 6,000 as the program advises, took 85 times as long as 6,000 at once: intervals stayed at 1 step.
#[test]
fn a_short_trial_extended_is_as_cheap_as_a_straight_run() {
    let desk = Desk::new();
    desk.succeed(&format!("{TRAIN} --steps 20 --out run"));
    let ended = desk.run("train --resume run --steps 600 --quiet");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("samples.every=20, checkpoint.every=100"), "{}", ended.err);
    // Those of the trial, and one every 20 steps.
    assert_eq!(names(&desk.path("run/samples")).len(), 21 + 29);
    desk.succeed(&format!("{TRAIN} --steps 600 --out whole"));
    let recipe = |run: &str| std::fs::read_to_string(desk.path(run)).unwrap();
    assert_eq!(recipe("run/recipe.toml"), recipe("whole/recipe.toml"));
}

#[test]
fn intervals_that_were_chosen_stay_when_a_run_is_extended() {
    let desk = Desk::new();
    let chosen = "--set samples.every=5 --set checkpoint.every=50";
    desk.succeed(&format!("{TRAIN} {chosen} --steps 20 --out run"));
    let ended = desk.run("train --resume run --steps 60 --quiet");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert_eq!(names(&desk.path("run/samples")).len(), 13);
}

/// A decay over the run was trained for the length before.
#[test]
fn a_schedule_extended_by_resume_is_said_to_differ_from_a_straight_run() {
    let desk = Desk::new();
    desk.succeed(&format!("{TRAIN} --set schedule.kind=linear --steps 4 --out run"));
    let ended = desk.run("train --resume run --steps 8 --quiet");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("note: schedule depends on the number of all steps, which was 4 for the first 4"),
        "{}",
        ended.err
    );
    assert_eq!(desk.run("train --resume run --quiet").err, "");
}
