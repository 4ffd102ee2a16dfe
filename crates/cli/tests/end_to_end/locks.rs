//! Two processes and one run folder.

use std::process::{Child, Stdio};
use std::time::Duration;

use crate::program::{Desk, checkpoints, tensors};

const TRAIN: &str = "train gan --set training.batch=16 --set checkpoint.every=50 --quiet";

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Trains in `run` until it is killed.
fn training(desk: &Desk) -> Running {
    let line = format!("{TRAIN} --steps 10000000 --out run");
    let child = desk.command(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut running = Running(child);
    while checkpoints(&desk.path("run")).is_empty() {
        assert!(running.0.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(5));
    }
    running
}

/// A run resumed while it still trained lost measurements and checkpoints.
#[test]
fn a_run_that_trains_is_not_resumed_but_read() {
    let desk = Desk::new();
    let mut running = training(&desk);
    let holder = format!("run is being trained by process {} on ", running.0.id());
    // With steps to an end, so that a resume that is not refused ends too.
    desk.refuse("train --resume run --quiet --steps 1", &[&holder, "stop it"]);
    assert!(running.0.try_wait().unwrap().is_none());
    // Reading takes no lock.
    desk.succeed("sample run -n 4 --out now.npy");
    desk.refuse("train gan --quiet --out run", &["already holds a run"]);
    drop(running);
    // A process that was killed holds nothing.
    let steps = *checkpoints(&desk.path("run")).last().unwrap() + 10;
    desk.succeed(&format!("train --resume run --quiet --steps {steps}"));
    desk.succeed(&format!("{TRAIN} --steps {steps} --out whole"));
    assert!(tensors(&desk.path("run"), steps) == tensors(&desk.path("whole"), steps));
}
