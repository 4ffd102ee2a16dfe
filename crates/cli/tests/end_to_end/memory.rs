//! Runs that no memory holds.

use crate::program::{Desk, Ended};

/// Memory that ran out aborted the program with a backtrace, and left a folder.
#[test]
fn networks_beyond_any_machine_are_refused_before_the_run() {
    let desk = Desk::new();
    let line = "gan --set generator.widths=[8,1048576,1048576] --quiet";
    desk.refuse_to_train(line, &["this run needs 4096 GiB of memory or more", "is all there is"]);
}

/// What a batch takes is known from smaller ones before any of its memory is asked for.
#[cfg(unix)]
#[test]
fn a_batch_beyond_the_memory_is_refused_with_what_it_needs() {
    let desk = Desk::new();
    let train = "train dcgan --set data.size=32 --steps 1 --quiet --out run --set training.batch=";
    let limited = |batch: &str| {
        let line = format!("{train}{batch}");
        (Ended::from(desk.in_shell("ulimit -v 700000", &line).output().unwrap()), line)
    };
    let (ended, line) = limited("1700");
    ended.assert_refused(
        &line,
        &["this run needs about", "GiB of memory in batches of 1700 (about ", "and 0.7 GiB is all there is"],
    );
    assert!(!desk.path("run").exists());
    let fits = ended.err.split("(about ").nth(1).unwrap().split(' ').next().unwrap();
    assert!((200..1500).contains(&fits.parse::<u32>().unwrap()), "{}", ended.err);
    let (ended, line) = limited("32");
    assert_eq!(ended.code, Some(0), "{line}: {}", ended.err);
}
