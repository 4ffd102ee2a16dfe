//! Images from captions: trained on a list of images, sampled by captions of the command line and of a file.

use std::fs;

use crate::program::{Desk, Ended, checkpoints};
use crate::sources::write_png;

const TRAIN: &str = "train text-to-image --data captions:list.tsv --set data.size=8 --set training.batch=4 --steps 3 \
                     --set phases.encoders=0.4 --set held_out.every=0 --set samples.every=3 --quiet";

/// Six images with captions in two languages, and one that cannot be read.
fn desk() -> Desk {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("pictures")).unwrap();
    let words = ["red", "blue", "großer", "круг", "small", "left"];
    let mut list = "pictures/torn.png\tx\n".to_owned();
    for (index, word) in words.into_iter().enumerate() {
        write_png(&desk.path(&format!("pictures/{index}.png")), 10, 10);
        list.push_str(&format!("pictures/{index}.png\tA {word} square.\npictures/{index}.png\t{word}\n"));
    }
    fs::write(desk.path("pictures/torn.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    fs::write(desk.path("list.tsv"), list).unwrap();
    desk
}

fn sampled(desk: &Desk, line: &str, captions: &[&str]) -> Ended {
    let mut command = desk.command(&format!("sample run {line}"));
    captions.iter().for_each(|caption| {
        command.args(["--text", caption]);
    });
    Ended::from(command.output().unwrap())
}

#[test]
fn captions_are_sampled_and_unknown_words_are_named() {
    let desk = desk();
    let trained = desk.run(&format!("{TRAIN} --out run"));
    assert!(trained.code == Some(0) && trained.err.contains("torn.png"), "{}", trained.err);
    assert!(fs::read_to_string(desk.path("run/captions/step-00000003.txt")).unwrap().contains("круг"));
    let one = sampled(&desk, "-n 3 --out one.npy", &["A großer ZEBRA, left"]);
    assert!(one.code == Some(0) && one.err.contains("lacks `zebra`"), "{}", one.err);
    assert!(desk.path("one.npy").is_file() && !desk.path("one.txt").exists());
    fs::write(desk.path("captions.txt"), "a red square\n\nкруг\n").unwrap();
    desk.succeed("sample run --text-file captions.txt -n 2 --out rows.png");
    assert_eq!(fs::read_to_string(desk.path("rows.txt")).unwrap(), "a red square\nкруг\n");
    fs::write(desk.path("own.txt"), "red\rblue\n").unwrap();
    for (out, reason) in [("own.png", "is the file that they are read from"), ("pictures.png", "is a folder")]
    {
        fs::create_dir_all(desk.path("pictures.txt")).unwrap();
        desk.refuse(&format!("sample run --text-file own.txt -n 1 --out {out}"), &[reason]);
        assert!(!desk.path(out).exists() && fs::read(desk.path("own.txt")).unwrap() == b"red\rblue\n");
    }
    // The same caption and seed give the same images.
    for name in ["a.npy", "b.npy"] {
        assert_eq!(sampled(&desk, &format!("-n 2 --out {name}"), &["red"]).code, Some(0));
    }
    assert_eq!(fs::read(desk.path("a.npy")).unwrap(), fs::read(desk.path("b.npy")).unwrap());
    // Captions that are drawn stand beside the samples.
    desk.succeed("sample run -n 4 --out drawn.png");
    assert_eq!(fs::read_to_string(desk.path("drawn.txt")).unwrap().lines().count(), 4);
    let long = "a ".repeat(17);
    fs::write(desk.path("long.txt"), format!("red\n\n{long}\n")).unwrap();
    fs::write(desk.path("latin.txt"), b"red\ncaf\xe9\n").unwrap();
    for (line, captions, reason) in [
        ("", &[" ?!"][..], "has no word"),
        ("", &[long.as_str()], "at most 16"),
        ("--text-file absent.txt", &[], "absent.txt"),
        ("--text-file pictures", &[], "is a folder"),
        ("--text-file long.txt", &[], "long.txt: line 3: the caption"),
        ("--text-file latin.txt", &[], "latin.txt: line 2 is no UTF-8"),
        ("--class 1", &["a"], "leave it out"),
    ] {
        sampled(&desk, &format!("{line} --out never.png"), captions).assert_refused(line, &[reason]);
    }
    assert!(!desk.path("never.png").exists() && !desk.path("never.txt").exists());
    assert_eq!(sampled(&desk, "-n 1 --gain 3", &["red"]).code, Some(2));
    desk.succeed("train gan --steps 2 --quiet --out gan");
    desk.refuse("sample gan --text red", &["captions are for systems"]);
    desk.refuse("evaluate gan --retrieval", &["--retrieval is for systems that make images of captions"]);
}

/// Samples of a generator that had not been trained came without a note.
#[test]
fn samples_from_the_encoders_phase_are_said_to_be_untrained() {
    let desk = desk();
    let train = TRAIN.replace("--steps 3", "--steps 1000000 --set checkpoint.every=2");
    let mut child = desk.command(&format!("{train} --out run")).spawn().unwrap();
    while checkpoints(&desk.path("run")).last().is_none_or(|step| *step < 2) {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for line in ["sample run -n 2 --out a.png", "interpolate run --rows 2 --columns 2 --linear --out b.png"] {
        let ended = desk.run(line);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let words = [
            "note: run is at step",
            "phases.encoders, before the generator is trained",
            "train --resume run",
        ];
        assert!(words.iter().all(|words| ended.err.contains(words)), "{}", ended.err);
    }
    desk.succeed(&format!("{TRAIN} --out whole"));
    let ended = desk.run("sample whole -n 2 --out c.png");
    assert!(ended.code == Some(0) && ended.err.is_empty(), "{}", ended.err);
}

#[test]
fn other_words_are_refused_when_a_run_goes_on() {
    let desk = desk();
    desk.succeed(&format!("{TRAIN} --out run"));
    let list = fs::read_to_string(desk.path("list.tsv")).unwrap();
    fs::write(desk.path("list.tsv"), list.replace("blue", "zebra")).unwrap();
    desk.refuse(
        "train --resume run --steps 4 --accept-changed-data --quiet",
        &["vocabulary", "`zebra`", "train a new run"],
    );
}

#[test]
fn images_are_found_by_held_out_captions() {
    let desk = desk();
    desk.succeed(&format!("{TRAIN} --out whole"));
    desk.refuse("evaluate whole --retrieval", &["held_out.every=0", "--real captions:LIST"]);
    desk.refuse(
        "evaluate whole --retrieval --real captions:list.tsv",
        &["fewer than ten different meanings"],
    );
    desk.succeed("train text-to-image --set data.size=8 --set training.batch=8 --steps 3 --quiet --out run");
    let table = desk.succeed("evaluate run --retrieval --count 2");
    for words in ["of held-out captions  1,000", "real                  500", "of other captions     1,000"] {
        assert!(table.contains(words), "{table}");
    }
    let numbers: serde_json::Value =
        serde_json::from_str(&desk.succeed("evaluate run --retrieval --count 2 --json")).unwrap();
    assert_eq!((&numbers["captions"], &numbers["images_of_each"]), (&500.into(), &2.into()));
    // Another list has other numbers for the same words, and words that are new.
    let mut list = String::new();
    for (number, word) in
        ["zebra", "a", "red", "green", "blue", "b", "c", "d", "e", "f", "g", "h"].iter().enumerate()
    {
        write_png(&desk.path(&format!("pictures/other-{number}.png")), 10, 10);
        list.push_str(&format!("pictures/other-{number}.png\ta {word} circle {number}\n"));
    }
    fs::write(desk.path("other.tsv"), list).unwrap();
    assert!(desk.succeed("evaluate run --retrieval --count 2 --real captions:other.tsv").contains("real"));
    desk.refuse("evaluate run --retrieval --metrics fid", &["--metrics", "retrieval of captions"]);
}

#[test]
fn lists_that_cannot_be_trained_on_are_refused() {
    let desk = desk();
    for (list, reason) in [
        ("pictures/9.png\tx\n", "line 1: the image"),
        ("pictures/0.png\t ... \n", "has no word"),
        ("pictures/0.png x\n", "has no tab"),
    ] {
        fs::write(desk.path("list.tsv"), list).unwrap();
        desk.refuse_to_train(TRAIN.trim_start_matches("train "), &[reason]);
    }
    desk.refuse_to_train(
        "stackgan --set second.doublings=4 --set data.size=48",
        &["3x3", "data.size is 16 times as large"],
    );
    desk.refuse_to_train("text-to-image --data digits", &["captions:TSV"]);
    for line in
        ["text-to-image --set phases.encoders=1", "stackgan --set phases.encoders=0.4 --set phases.first=0.6"]
    {
        desk.refuse_to_train(line, &["phases.encoders", "generator; give less, or more steps"]);
    }
}
