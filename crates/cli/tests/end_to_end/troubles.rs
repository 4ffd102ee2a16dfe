//! What goes wrong in the middle of a run.

use std::process::Command;

use crate::program::{Desk, Ended, checkpoints, tensors};

const TRAIN: &str = "train gan --set training.batch=16 --quiet --out run";

#[test]
fn a_loss_that_is_no_number_stops_the_run_at_its_step() {
    let desk = Desk::new();
    let rates =
        "--set optimizer.generator.learning_rate=1e30 --set optimizer.discriminator.learning_rate=1e30";
    let ended = desk.run(&format!("{TRAIN} --steps 50 {rates}"));
    ended.assert_refused(
        "train",
        &[
            "at step ",
            "lower learning rate (--set optimizer.discriminator.learning_rate=..., --set optimizer.generator.learning_rate=...)",
            "checkpoint of step 0 is whole",
            "train --resume run",
        ],
    );
    assert_eq!((ended.out.as_str(), checkpoints(&desk.path("run"))), ("", vec![0]));
    let sampled = desk.run("sample run -n 4 --out before.npy");
    assert!(
        sampled.code == Some(0) && sampled.err.contains("run is at step 0, before any training"),
        "{}",
        sampled.err
    );
    // Going on from there is possible, and ends in the same way.
    let again = desk.refuse("train --resume run --quiet", &["at step ", "checkpoint of step 0 is whole"]);
    assert_eq!(again.err, ended.err);
}

/// Limits the size of a file instead of that of the disk, which takes no rights: the first checkpoint, without the
/// optimizers' moments, is a third of the later ones.
#[cfg(unix)]
#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_one_before() {
    let desk = Desk::new();
    desk.succeed(&format!("{TRAIN} --steps 5 --set checkpoint.every=10"));
    let line = "train --resume run --steps 20 --quiet";
    let output = desk.in_shell("trap '' XFSZ; ulimit -f 800", line).output().unwrap();
    let ended = Ended::from(output);
    ended.assert_refused(
        line,
        &["cannot write run/checkpoints/step-00000010.safetensors", "checkpoint of step 5 is whole"],
    );
    assert_eq!(
        crate::program::names(&desk.path("run/checkpoints")),
        [
            "step-00000000.json",
            "step-00000000.safetensors",
            "step-00000005.json",
            "step-00000005.safetensors"
        ]
    );
    desk.succeed(line);
    assert_eq!(checkpoints(&desk.path("run")).last(), Some(&20));
}

/// The message said that the checkpoint of the last step was whole.
#[cfg(unix)]
#[test]
fn a_run_whose_folder_vanished_is_not_said_to_have_a_checkpoint() {
    let desk = Desk::new();
    let line = format!("{TRAIN} --steps 10000000 --set checkpoint.every=50");
    let mut child = desk.command(&line).stderr(std::process::Stdio::piped()).spawn().unwrap();
    while !checkpoints(&desk.path("run")).contains(&50) {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    std::fs::rename(desk.path("run"), desk.path("gone")).unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap());
    ended.assert_refused(&line, &["run is no run folder any more", "begin a new run"]);
    assert!(!ended.err.contains("whole"), "{}", ended.err);
}

/// A file system of its own for a test, where the machine lets one be mounted.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: std::path::PathBuf, megabytes: u32) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        let size = format!("size={megabytes}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "brigand-test"]).arg(&at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }

    fn enlarge(&self, megabytes: u32) {
        let size = format!("remount,size={megabytes}m");
        assert!(Command::new("mount").args(["-o", &size]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_leaves_the_last_checkpoint() {
    let desk = Desk::new();
    let Some(disk) = SmallDisk::mount(desk.path("disk"), 2) else {
        eprintln!("not tested: no rights to mount a file system");
        return;
    };
    let train = "train gan --set training.batch=16 --steps 40 --set checkpoint.every=5 --quiet --out";
    let ended = desk.run(&format!("{train} disk/run"));
    ended.assert_refused(train, &["free some space", "is whole", "train --resume disk/run"]);
    let run = desk.path("disk/run");
    let reached = *checkpoints(&run).last().unwrap();
    assert!(ended.err.contains(&format!("checkpoint of step {reached} is whole")), "{}", ended.err);
    desk.refuse("train --resume disk/run --quiet", &["free some space"]);
    disk.enlarge(16);
    desk.succeed("train --resume disk/run --quiet");
    desk.succeed(&format!("{train} whole"));
    assert!(tensors(&run, 40) == tensors(&desk.path("whole"), 40));
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_without_room_for_the_beginning_gets_no_run() {
    let desk = Desk::new();
    let Some(_disk) = SmallDisk::mount(desk.path("disk"), 1) else {
        eprintln!("not tested: no rights to mount a file system");
        return;
    };
    let filled = std::fs::write(desk.path("disk/filler"), vec![0; 2 << 20]);
    assert!(filled.is_err(), "the disk is larger than expected");
    desk.refuse("train gan --out disk/run", &["disk/run", "free some space"]);
    assert!(!desk.path("disk/run").exists());
}
