//! Runs that no memory holds.

use crate::program::{Desk, Ended};

/// Memory that ran out aborted the program with a backtrace, and left a folder.
#[test]
fn networks_beyond_any_machine_are_refused_before_the_run() {
    let desk = Desk::new();
    let line = "gan --set generator.widths=[50000000,50000000] --quiet";
    desk.refuse_to_train(line, &["this run needs more than 9313226 GiB of memory", "is all there is"]);
}

/// What a batch takes is known from smaller ones before any of its memory is asked for.
#[cfg(unix)]
#[test]
fn a_batch_beyond_the_memory_is_refused_with_what_it_needs() {
    let desk = Desk::new();
    let train = "train dcgan --set data.size=32 --steps 1 --quiet --out run --set training.batch=";
    let limited = |batch: &str| {
        let line = format!("{train}{batch}");
        (Ended::from(desk.in_shell("ulimit -v 3000000", &line).output().unwrap()), line)
    };
    let (ended, line) = limited("1700");
    ended.assert_refused(
        &line,
        &["this run needs about", "GiB of memory in batches of 1700 (about ", "2.9 GiB"],
    );
    assert!(!desk.path("run").exists());
    let fits = ended.err.split("(about ").nth(1).unwrap().split(' ').next().unwrap();
    assert!((50..1500).contains(&fits.parse::<u32>().unwrap()), "{}", ended.err);
    let (ended, line) = limited("32");
    assert_eq!(ended.code, Some(0), "{line}: {}", ended.err);
}
