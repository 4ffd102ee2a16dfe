//! `brigand translate`.

use crate::program::{Desk, names};
use crate::sources::write_png;

/// A short run on two folders of pictures of 16x16.
fn desk_with_run() -> Desk {
    let desk = Desk::new();
    for domain in ["a", "b"] {
        std::fs::create_dir_all(desk.path(domain)).unwrap();
        for index in 0..12 {
            write_png(&desk.path(&format!("{domain}/{index}.png")), 16 + index, 20);
        }
    }
    desk.succeed(
        "train cyclegan --data unpaired:folder:a,folder:b --set data.size=16 --set translator.width=4 \
         --set discriminator.width=4 --set training.batch=2 --steps 2 --out run --quiet",
    );
    desk
}

/// One picture of an unsuitable size ended the translation of a folder, and was not named.
#[test]
fn an_unsuitable_picture_of_a_folder_is_named_and_the_others_are_translated() {
    let desk = desk_with_run();
    std::fs::create_dir_all(desk.path("in/deep")).unwrap();
    write_png(&desk.path("in/0.png"), 15, 15);
    write_png(&desk.path("in/1.png"), 32, 32);
    write_png(&desk.path("in/deep/2.png"), 16, 16);
    let ended = desk.run("translate run --in in --out out");
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.err.contains("0.png") && ended.err.contains("15x15"), "{}", ended.err);
    assert!(!ended.err.contains("1.png") && ended.out.contains("2 images in out"), "{}", ended.out);
    assert_eq!(names(&desk.path("out")), ["1.png", "deep"]);
    assert_eq!(image::image_dimensions(desk.path("out/1.png")).unwrap(), (32, 32));
    assert_eq!(names(&desk.path("out/deep")), ["2.png"]);
    // The other direction, a single picture, and what cannot be.
    desk.succeed("translate run --in in/1.png --out back --to a");
    assert_eq!(names(&desk.path("back")), ["1.png"]);
    assert_ne!(
        std::fs::read(desk.path("back/1.png")).unwrap(),
        std::fs::read(desk.path("out/1.png")).unwrap()
    );
    desk.refuse("translate run --in in/deep --out in/deep", &["2.png", "would be written over"]);
    desk.refuse("translate run --in in/0.png --out none", &["0.png", "15x15", "multiples of"]);
    assert!(!desk.path("none").exists());
    desk.succeed("train gan --data ring8 --steps 1 --out points --quiet");
    desk.refuse("translate points --in in --out none", &["does not translate", "cyclegan"]);
}

/// A run that translates is measured on pairs, beside what no training is needed for.
#[test]
fn a_translator_is_evaluated_on_pairs() {
    let desk = desk_with_run();
    let shown = desk.succeed("evaluate run --real pairs:a,b");
    assert!(shown.contains("UNTRANSLATED") && shown.contains("MEAN OF PARTNERS"), "{shown}");
    assert!(shown.contains("a-to-b") && shown.contains("b-to-a") && shown.contains("12"), "{shown}");
    let json = desk.succeed("evaluate run --real pairs:a,b --json --count 5 --features pixels");
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    let errors = found["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 4, "{json}");
    assert_eq!((found["step"].as_u64(), errors[0]["pairs"].as_u64()), (Some(2), Some(5)));
    assert!(errors.iter().all(|row| row["translated"].as_f64().is_some_and(|error| error > 0.0)), "{json}");
    // The images of both folders are the same: nothing is nearer to them than they are.
    assert_eq!(errors[0]["untranslated"].as_f64(), Some(0.0), "{json}");
    desk.refuse("evaluate run", &["has no pairs", "pairs:DIR_A,DIR_B"]);
    desk.refuse("evaluate run --real folder:a", &["has no pairs"]);
    desk.refuse("evaluate run --real pairs:a,b --metrics fid", &["--metrics", "leave it out"]);
    desk.succeed(
        "train cyclegan --set translator.width=4 --set discriminator.width=4 --steps 2 --out own --quiet",
    );
    assert!(desk.succeed("evaluate own --count 20").contains("b-to-a"));
}
