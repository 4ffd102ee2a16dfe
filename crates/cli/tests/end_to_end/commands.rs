//! The commands that only tell something.

use std::process::Command;

use serde_json::Value;

use crate::program::{Desk, PROGRAM, names};
use crate::sources::mixed_folder;

#[test]
fn systems_are_listed_for_people_and_for_scripts() {
    let desk = Desk::new();
    let table = desk.succeed("list");
    assert!(
        table.lines().any(|line| line.starts_with("gan ") && line.contains("arXiv:1406.2661")),
        "{table}"
    );
    let listed: Value = serde_json::from_str(&desk.succeed("list --json")).unwrap();
    let listed: Vec<&str> =
        listed.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert!(listed.starts_with(&["gan", "dcgan"]) && table.lines().count() == listed.len() + 1, "{listed:?}");
}

#[test]
fn info_prints_a_recipe_that_trains() {
    let desk = Desk::new();
    let info = desk.succeed("info gan --data ring8");
    assert!(info.contains("# paper: Goodfellow") && info.contains("source = \"ring8\""), "{info}");
    std::fs::write(desk.path("mine.toml"), info.replace("batch = 128", "batch = 8")).unwrap();
    desk.succeed("train gan --config mine.toml --steps 3 --quiet --out run");
    let recipe = std::fs::read_to_string(desk.path("run/recipe.toml")).unwrap();
    assert!(recipe.contains("batch = 8") && recipe.contains("steps = 3"), "{recipe}");
}

/// Counted by hand for 8x8 grey images. Generator: linear 100-64-128-256-64 with biases and three batch norms of
/// two numbers per channel; discriminator: linear 64-128-64-1.
#[test]
fn info_counts_parameters() {
    let info: Value = serde_json::from_str(&Desk::new().succeed("info gan --json")).unwrap();
    let linear = |sizes: &[u64]| sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum::<u64>();
    let generator = linear(&[100, 64, 128, 256, 64]) + 2 * (64 + 128 + 256);
    assert_eq!(info["parameters"]["generator"], generator);
    assert_eq!(info["parameters"]["discriminator"], linear(&[64, 128, 64, 1]));
    assert_eq!(info["recipe"]["training"]["batch"], 64);
}

#[test]
fn data_is_listed() {
    let desk = Desk::new();
    let table = desk.succeed("data list");
    assert!(
        table.contains("data get cifar10") && table.contains("CC BY 4.0") && table.contains("folder:DIR"),
        "{table}"
    );
    let listed: Value = serde_json::from_str(&desk.succeed("data list --json")).unwrap();
    let digits = &listed.as_array().unwrap()[0];
    assert_eq!((&digits["name"], &digits["samples"]), (&Value::from("digits"), &Value::from(1797)));
}

#[test]
fn data_info_counts_and_draws() {
    let desk = Desk::new();
    let info = desk.succeed("data info digits");
    for words in ["1,797 images", "1x8x8", "-1 to 1", "CC BY 4.0", "10: 0 (178), 1 (182)", "digits.png"] {
        assert!(info.contains(words), "{words}: {info}");
    }
    assert_eq!(names(&desk.path("")), ["digits.png"]);
    let info = desk.succeed("data info ring8 --out points.png");
    assert!(info.contains("50,000 points") && desk.path("points.png").is_file(), "{info}");
    mixed_folder(&desk.path("pictures"), 9);
    let ended = desk.run("data info folder:pictures --size 12 --channels 1");
    assert!(ended.out.contains("9 images") && ended.out.contains("1x12x12"), "{}", ended.out);
    assert!(ended.err.contains("1 unreadable image skipped: torn.jpg"), "{}", ended.err);
    assert!(desk.path("folder-pictures.png").is_file());
    for (spec, words) in [
        ("cartoon-faces", "picture      cartoon-faces.png"),
        ("tone-discs", "spectrograms, 1x64x101, of sound at 16,000 Hz"),
        ("scenes", "second       images"),
        ("grammar", "tokens, 12 at most, 6 different ones"),
    ] {
        let info = desk.succeed(&format!("data info {spec}"));
        assert!(info.contains(words), "{spec}: {info}");
    }
    assert!(desk.path("scenes.png").is_file() && !desk.path("grammar.png").exists());
}

#[test]
fn help_version_and_wrong_usage() {
    let desk = Desk::new();
    assert!(desk.succeed("--version").starts_with("brigand "));
    for command in [
        "",
        "list",
        "info",
        "train",
        "sample",
        "interpolate",
        "arithmetic",
        "manifold",
        "traverse",
        "directions",
        "truncation",
        "reconstruct",
        "translate",
        "evaluate",
        "lab",
        "data",
        "data list",
        "data info",
        "data get",
    ] {
        assert!(desk.succeed(&format!("{command} --help")).contains("Usage: brigand"), "{command}");
    }
    for wrong in [
        "",
        "trian",
        "train",
        "train gan --resume run",
        "sample",
        "train gan --steps many",
        "interpolate r --columns 1",
        "arithmetic r --start 1 --minus 2",
        "reconstruct r --restarts 3",
        "lab --out folder",
    ] {
        let ended = desk.run(wrong);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{wrong}");
    }
}

/// As with `brigand list | head -1`, only surely closed before anything is written.
#[cfg(unix)]
#[test]
fn a_reader_that_has_gone_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(PROGRAM).arg("list").stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
}

#[test]
fn a_download_with_the_wrong_checksum_is_thrown_away() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("mirror")).unwrap();
    for name in ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"] {
        std::fs::write(desk.path("mirror").join(name), crate::sources::gzipped(b"something else")).unwrap();
    }
    desk.refuse("data get mnist --mirror mirror", &["train-images-idx3-ubyte.gz", "checksum", "--mirror"]);
    assert!(names(&desk.path("cache/mnist")).iter().all(|name| name.ends_with(".part")));
    desk.refuse("data get mnits", &["`mnits`", "mnist"]);
    assert!(desk.succeed("data get digits").contains("no download"));
}
