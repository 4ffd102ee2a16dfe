//! Ctrl-C, and processes that are killed.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::program::{Desk, Ended, checkpoints, signal, tensors};

const TRAIN: &str =
    "train gan --set training.batch=16 --set checkpoint.every=7 --set training.report_every=1";

/// The animation of samples that a run has.
fn animation(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("samples.gif")).unwrap()
}

/// It was made anew at every checkpoint, which took most of the time of short runs.
#[test]
fn the_animation_is_made_at_the_end_of_a_run_and_of_each_part_of_it() {
    let desk = Desk::new();
    let train = format!("{TRAIN} --set samples.every=5 --quiet");
    let mut child = desk.command(&format!("{train} --steps 1000000 --out run")).spawn().unwrap();
    while checkpoints(&desk.path("run")).last().is_none_or(|step| *step < 14) {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(desk.path("run/history.png").exists() && !desk.path("run/samples.gif").exists());
    let reached = checkpoints(&desk.path("run")).last().copied();
    let mut child = desk.command("train --resume run --quiet").stdout(Stdio::null()).spawn().unwrap();
    while checkpoints(&desk.path("run")).last().copied() <= reached {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(2));
    }
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(animation(&desk.path("run")).starts_with(b"GIF89a"));
}

/// Waits until the run in `folder` has done some step.
fn await_steps(folder: &Path, child: &mut Child) {
    while std::fs::read(folder.join("metrics.jsonl")).map_or(0, |bytes| bytes.len()) < 200 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_signal_ends_the_run_after_the_step_and_it_goes_on_exactly() {
    for name in ["INT", "TERM"] {
        let desk = Desk::new();
        let mut command = desk.command(&format!("{TRAIN} --steps 1000000 --out run"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        await_steps(&desk.path("run"), &mut child);
        signal(&child, name);
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(130), "{}", ended.err);
        assert!(ended.out.contains("train --resume run"), "{}", ended.out);
        let reached = *checkpoints(&desk.path("run")).last().unwrap();
        assert!(ended.out.contains(&format!("after step {reached} of 1000000")), "{}", ended.out);
        let steps = reached + 5;
        desk.succeed(&format!("train --resume run --steps {steps} --quiet"));
        desk.succeed(&format!("{TRAIN} --steps {steps} --out whole --quiet"));
        assert!(tensors(&desk.path("run"), steps) == tensors(&desk.path("whole"), steps));
    }
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_the_step() {
    let desk = Desk::new();
    // A step of several seconds.
    let line = "train dcgan --set data.size=64 --set training.batch=256 --set samples.count=1 --out run";
    let mut child = desk.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while checkpoints(&desk.path("run")).is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(50));
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(50));
    signal(&child, "INT");
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.out.as_str()), (Some(130), ""), "{}", ended.err);
    assert!(ended.err.contains("once more to stop at once"), "{}", ended.err);
    assert_eq!(checkpoints(&desk.path("run")), [0]);
}

/// Trains in `run` from a shell that has ignored some signals; answers once it has done some steps.
#[cfg(unix)]
fn ignoring(desk: &Desk, preparation: &str, steps: u32) -> Child {
    let line = format!("{TRAIN} --steps {steps} --quiet --out run");
    let mut command = desk.in_shell(preparation, &line);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    await_steps(&desk.path("run"), &mut child);
    child
}

/// mmsegmentation 1998: `nohup` did not protect a run from the end of its terminal.
#[cfg(unix)]
#[test]
fn signals_that_were_ignored_at_the_start_stay_ignored() {
    let desk = Desk::new();
    let child = ignoring(&desk, "trap '' HUP INT TERM", 300);
    for name in ["HUP", "INT", "TERM", "HUP"] {
        signal(&child, name);
    }
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("finished after 300 steps"), "{}", ended.out);
}

/// The same with the program people use for it, which ignores HUP alone.
#[cfg(unix)]
#[test]
fn a_run_under_nohup_survives_its_terminal_and_can_be_stopped() {
    let desk = Desk::new();
    let line = format!("{TRAIN} --steps 1000000 --quiet --out run");
    let mut command = std::process::Command::new("nohup");
    command.arg(crate::program::PROGRAM).args(line.split_whitespace());
    command.current_dir(desk.path("")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    await_steps(&desk.path("run"), &mut child);
    signal(&child, "HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "HUP ended it");
    signal(&child, "TERM");
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.err);
}

/// Numbers that look random, the same in every test run.
struct Moments(u64);

impl Moments {
    /// The next one, from 10 to 250 milliseconds.
    fn next(&mut self) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis(10 + (self.0 >> 33) % 240)
    }
}

/// The step of the last whole line of the measurements.
fn last_measured(run: &Path) -> u64 {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .last()
        .map_or(0, |line| serde_json::from_str::<serde_json::Value>(line).unwrap()["step"].as_u64().unwrap())
}

/// Kills at 12 moments, or as many as `BRIGAND_KILLS` says. A run that is finished before makes place for another.
#[test]
fn killed_at_any_moment_a_run_loses_no_more_than_since_its_checkpoint() {
    let kills: u32 = std::env::var("BRIGAND_KILLS").map_or(12, |number| number.parse().unwrap());
    let steps = 120;
    let desk = Desk::new();
    let train = |out: &str| format!("{TRAIN} --steps {steps} --quiet --out {out}");
    desk.succeed(&train("whole"));
    let expected = tensors(&desk.path("whole"), steps);
    let expected_animation = animation(&desk.path("whole"));
    let (mut killed, mut run_number, mut moments) = (0, 0, Moments(1));
    while killed < kills {
        run_number += 1;
        let name = format!("run{run_number}");
        let run = desk.path(&name);
        let mut safe = 0;
        loop {
            // Before its recipe is written there is no run yet.
            let begun = run.join("recipe.toml").exists();
            if !begun && run.exists() {
                std::fs::remove_dir_all(&run).unwrap();
            }
            let line = if begun { format!("train --resume {name} --quiet") } else { train(&name) };
            let mut child = desk.command(&line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
            if killed < kills {
                std::thread::sleep(moments.next());
                child.kill().unwrap();
            }
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            match output.status.code() {
                Some(0) => break,
                None => killed += 1,
                Some(code) => panic!("exit code {code} after {killed} kills: {stderr}"),
            }
            let newest = checkpoints(&run).last().copied().unwrap_or(0);
            assert!(newest >= safe, "the checkpoint of step {safe} is gone");
            assert!(last_measured(&run) <= newest + 7, "more is lost than since the last checkpoint");
            safe = newest;
        }
        assert!(tensors(&run, steps) == expected, "after {killed} kills");
        assert!(animation(&run) == expected_animation, "after {killed} kills");
    }
}
