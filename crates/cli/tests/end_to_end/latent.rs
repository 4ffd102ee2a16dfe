//! The commands that look into a trained run's latent space.

use std::path::Path;

use crate::program::{Desk, names};
use crate::samples::read_npy;

/// A run of a few steps, called `run`.
fn trained(system: &str) -> Desk {
    trained_for(5, system)
}

fn trained_for(steps: u32, system: &str) -> Desk {
    let desk = Desk::new();
    let words = format!("--steps {steps} --set training.batch=16 --out run --quiet");
    desk.succeed(&format!("train {system} {words}"));
    desk
}

const CONDITIONAL: &str = "cgan --data digits --set generator.widths=[16] --set discriminator.widths=[16]";
const CODES: &str = "infogan --data digits --set generator.width=4 --set discriminator.width=4";

/// Columns and rows of a picture of 8x8 images, five times enlarged with gaps of 2.
fn tiles(path: &Path) -> (u32, u32) {
    let picture = image::open(path).unwrap();
    assert_eq!(((picture.width() - 2) % 42, (picture.height() - 2) % 42), (0, 0), "{}", path.display());
    ((picture.width() - 2) / 42, (picture.height() - 2) / 42)
}

#[test]
fn samples_of_a_class_are_those_of_that_class() {
    let desk = trained(CONDITIONAL);
    let sampled = |words: &str| {
        desk.succeed(&format!("sample run -n 4 {words} --out x.npy"));
        read_npy(&desk.path("x.npy")).1
    };
    let (three, five) = (sampled("--class 3"), sampled("--class 5"));
    assert!(three != five && three == sampled("--class 3"));
    // Two classes are taken in turn.
    let both = sampled("--class 3 --class 5");
    assert_eq!(
        (&both[..64], &both[64..128], &both[128..192]),
        (&three[..64], &five[64..128], &three[128..192])
    );
    assert_ne!(sampled("--class 3 --truncation 0.1"), three);
    desk.refuse("sample run --class 10", &["no class `10`", "0, 1, 2, 3"]);
    desk.refuse("sample run --class cat", &["no class `cat`"]);
    assert_eq!(tiles(&desk.path("run/samples/step-00000005.png")), (8, 8));
    // Ten rows of ten tiles, with the names of the classes on their left.
    let classes = image::open(desk.path("run/classes/step-00000005.png")).unwrap();
    assert!((425..460).contains(&classes.width()) && classes.height() == 422, "{}", classes.width());
    assert!(desk.path("run/classes.gif").is_file());
}

#[test]
fn what_a_run_cannot_be_asked_for_is_refused() {
    let desk = trained("gan");
    desk.refuse("sample run --class 3", &["have no class", "brigand train cgan"]);
    desk.refuse("sample run --truncation 0", &["keeps nothing"]);
    desk.refuse("sample run --truncation -1", &["-1", "keeps nothing"]);
    desk.refuse("interpolate run --classes 1,2", &["have no class"]);
    desk.refuse("interpolate run --classes 1", &["--classes names 1"]);
    desk.refuse("reconstruct run", &["no encoder", "--search"]);
    desk.refuse("reconstruct run --search --data ring8", &["shape [2]", "[1, 8, 8]"]);
    desk.refuse("manifold run", &["100 coordinates", "--axes"]);
    desk.refuse("manifold run --axes 3", &["--axes names 1"]);
    desk.refuse("manifold run --axes 3,3", &["two different axes"]);
    desk.refuse("manifold run --axes 3,100", &["no axis 100", "100 coordinates"]);
    desk.refuse("traverse run --axes 100", &["no axis 100"]);
    desk.refuse("directions run --features pixels", &["no class probabilities", "classifier:RUN"]);
    desk.refuse("directions run --class 77 -n 100", &["class 77"]);
    desk.refuse("truncation run --limits 1,-1", &["-1", "keeps nothing"]);
    desk.refuse("arithmetic run --start 1 --minus 2 --plus 64", &["plus", "no sample 64 among 64"]);
    for command in ["manifold", "traverse", "directions", "truncation", "reconstruct", "interpolate"] {
        desk.refuse(&format!("{command} run --out x.jpg"), &["x.jpg", ".png", ".npy"]);
        desk.refuse(&format!("{command} absent"), &["absent", "no run folder"]);
    }
    assert_eq!(names(&desk.path("")), ["run"]);
}

#[test]
fn a_classifier_has_no_latents() {
    let desk = trained("classifier --set network.width=4");
    for command in
        ["sample", "manifold", "traverse", "directions", "truncation", "reconstruct", "interpolate"]
    {
        desk.refuse(&format!("{command} run"), &["makes no samples"]);
    }
}

#[test]
fn where_no_part_is_normal_nothing_is_truncated_and_no_arc_walked() {
    let desk = trained("gan --set latent.prior=uniform --set latent.size=2");
    for command in ["sample run --truncation 1", "truncation run"] {
        desk.refuse(command, &["no part of this system's latents is normal"]);
    }
    desk.refuse("interpolate run --spherical", &["there are no arcs"]);
    desk.succeed("interpolate run --rows 2 --columns 3 --out walk.npy");
    assert_eq!(read_npy(&desk.path("walk.npy")).0, "2,3,1,8,8,");
    assert_eq!(names(&desk.path("")), ["run", "walk.gif", "walk.npy", "walk.png"]);
    // Two coordinates are a plane, which is also drawn while training.
    desk.succeed("manifold run -n 3 --out plane.npy");
    assert_eq!(
        (tiles(&desk.path("plane.png")), read_npy(&desk.path("plane.npy")).0),
        ((3, 3), "3,3,1,8,8,".into())
    );
    assert_eq!(tiles(&desk.path("run/manifold/step-00000005.png")), (12, 12));
}

#[test]
fn walks_lead_from_class_to_class() {
    let desk = trained(CONDITIONAL);
    let out = desk.succeed("interpolate run --classes 3,8 --rows 2 --columns 4 --seed 1 --out walk.npy");
    assert_eq!(out.lines().collect::<Vec<_>>(), ["walk.png", "walk.npy", "walk.gif"]);
    let (shape, walks) = read_npy(&desk.path("walk.npy"));
    assert_eq!(shape, "2,4,1,8,8,");
    assert_ne!(walks[..64], walks[3 * 64..4 * 64]);
    let both = desk.succeed("interpolate run --rows 1 --columns 2 --out both.npy");
    assert_eq!(both.lines().filter(|line| line.ends_with(".npy")).count(), 2, "{both}");
}

#[test]
fn sums_of_samples_are_drawn() {
    let desk = trained("gan");
    let sum = "arithmetic run --seed 3 --start 0,1,2 --minus 3,4,5 --plus 6,7,63";
    assert_eq!(desk.succeed(sum).trim(), "run/arithmetic-seed3.png");
    assert_eq!(tiles(&desk.path("run/arithmetic-seed3.png")), (3, 4));
    // A sample minus itself plus another is the other.
    desk.succeed("arithmetic run --seed 3 --start 5 --minus 5 --plus 5 --out x.npy");
    desk.succeed("sample run --seed 3 --out all.npy");
    let (shape, sums) = read_npy(&desk.path("x.npy"));
    assert_eq!(shape, "4,3,1,8,8,");
    let sample = &read_npy(&desk.path("all.npy")).1[5 * 64..6 * 64];
    for place in [0, 1, 2, 7] {
        let found = &sums[place * 64..][..64];
        assert!(found.iter().zip(sample).all(|(a, b)| (a - b).abs() < 1e-4), "{place}");
    }
    assert!(sums[3 * 64..4 * 64] != sums[7 * 64..8 * 64]);
}

#[test]
fn codes_and_coordinates_are_moved() {
    let desk = trained(CODES);
    desk.succeed("traverse run --columns 5 --out codes.npy");
    assert_eq!(read_npy(&desk.path("codes.npy")).0, "2,5,1,8,8,");
    desk.succeed("traverse run --columns 5 --axes 0,1,61 --out noise.png");
    assert_eq!(tiles(&desk.path("noise.png")), (5, 3));
    desk.refuse(
        "traverse run --axes 62",
        &["axis 62 belongs to the category", "0 to 61 (noise), 72 to 73 (code)"],
    );
    for series in ["categories", "code-0", "code-1"] {
        let last = desk.path("run").join(series).join("step-00000005.png");
        assert_eq!(tiles(&last), (10, 10), "{series}");
    }
}

#[test]
fn directions_are_found_measured_and_written() {
    let desk = trained_for(300, "gan");
    let out = desk.succeed("directions run -n 500 --columns 5");
    assert!(out.starts_with("CLASS") && out.contains("RANK CORRELATION"), "{out}");
    let rows: Vec<&str> = out.lines().skip(1).take_while(|line| !line.starts_with("run/")).collect();
    assert!(!rows.is_empty(), "{out}");
    let (shape, steps) = read_npy(&desk.path("run/directions-seed0.npy"));
    assert_eq!(shape, format!("{},100,", rows.len()));
    for step in steps.chunks(100) {
        assert!((step.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-4);
    }
    assert_eq!(tiles(&desk.path("run/directions-seed0.png")), (5, rows.len() as u32));
    let class = rows[0].split_whitespace().next().unwrap();
    let one = desk.succeed(&format!(
        "directions run -n 500 --columns 5 --class {class} --method mean-difference --out one.npy"
    ));
    assert_eq!(one.lines().skip(1).collect::<Vec<_>>()[1..], ["one.png", "one.npy", "one.directions.npy"]);
    assert_eq!(read_npy(&desk.path("one.directions.npy")).0, "1,100,");
}

#[test]
fn a_truncation_sweep_is_drawn_and_printed() {
    let desk = trained("gan");
    let out = desk.succeed("truncation run --limits 0.1,1 -n 50 --columns 4");
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["LIMIT", "CONFIDENCE", "VARIANCE"]);
    assert_eq!(rows[1..4].iter().map(|row| row[0]).collect::<Vec<_>>(), ["0.1", "1", "none"]);
    let variance = |row: usize| rows[row][2].parse::<f64>().unwrap();
    assert!(variance(1) < variance(2) && variance(2) < variance(3), "{out}");
    assert_eq!(tiles(&desk.path("run/truncation-seed0.png")), (4, 3));
    assert!(desk.path("run/truncation-seed0-curve.png").is_file());
}

#[test]
fn samples_are_searched_for_where_there_is_no_encoder() {
    let desk = trained("gan");
    let error = |words: &str| -> f64 {
        let out = desk.succeed(&format!("reconstruct run -n 4 --search {words} --out x.npy"));
        let words: Vec<&str> = out.split_whitespace().collect();
        words[3].parse().unwrap()
    };
    let (short, long) = (error("--search-steps 1 --restarts 1"), error("--search-steps 60 --restarts 2"));
    assert!(long < 0.8 * short, "{short} {long}");
    assert_eq!(read_npy(&desk.path("x.npy")).0, "2,4,1,8,8,");
    assert_eq!(tiles(&desk.path("x.png")), (8, 2));
}

#[test]
fn points_have_latents_too() {
    let desk = trained("gan --data ring8 --set latent.size=2");
    for command in [
        "manifold run -n 5",
        "traverse run",
        "truncation run -n 20",
        "reconstruct run --search --search-steps 3",
    ] {
        desk.succeed(&format!("{command} --out x.npy"));
        assert!(desk.path("x.png").is_file(), "{command}");
    }
    desk.refuse("directions run", &["no class probabilities"]);
}
