//! Images of label maps: `gaugan` trained on folders, `brigand translate` with a style.

use std::path::Path;

use image::{GrayImage, Luma, Rgb, RgbImage};

use crate::program::{Desk, names};
use crate::sources::write_png;

/// A map of `labels` in stripes.
fn write_map(path: &Path, side: u32, labels: u32) {
    GrayImage::from_fn(side, side, |x, _| Luma([(x * labels / side) as u8])).save(path).unwrap();
}

/// Folders of images with maps of three labels, and a palette.
fn desk() -> Desk {
    let desk = Desk::new();
    for folder in ["images", "maps"] {
        std::fs::create_dir_all(desk.path(folder)).unwrap();
    }
    for index in 0..12 {
        write_png(&desk.path(&format!("images/{index}.png")), 20, 20);
        write_map(&desk.path(&format!("maps/{index}.png")), 20, 3);
    }
    std::fs::write(desk.path("palette.txt"), "#ff0000 land\n#0000ff sea\n#00ff00 lake\n").unwrap();
    desk
}

const TRAIN: &str = "train gaugan --set data.size=16 --set generator.width=2 --set generator.halvings=2 \
                     --set encoder.halvings=2 --set discriminator.width=4 --set discriminator.scales=1 \
                     --set training.batch=2 --steps 2 --quiet";

#[test]
fn maps_are_translated_in_the_style_of_an_image_or_a_seed() {
    let desk = desk();
    desk.succeed(&format!("{TRAIN} --data labels:images,maps,palette.txt --out run"));
    assert!(desk.path("run/styles/step-00000002.png").is_file());
    std::fs::create_dir_all(desk.path("in/deep")).unwrap();
    write_map(&desk.path("in/1.png"), 16, 3);
    write_map(&desk.path("in/deep/2.png"), 32, 2);
    desk.succeed("translate run --in in --out out --style images/0.png");
    assert_eq!(image::image_dimensions(desk.path("out/deep/2.png")).unwrap(), (32, 32));
    let bytes = |name: &str| std::fs::read(desk.path(name)).unwrap();
    for (folder, seed) in [("seeded", "1"), ("again", "1"), ("other", "2")] {
        desk.succeed(&format!("translate run --in in/1.png --out {folder} --seed {seed}"));
    }
    assert_eq!(bytes("seeded/1.png"), bytes("again/1.png"));
    assert_ne!(bytes("seeded/1.png"), bytes("other/1.png"));
    assert_ne!(bytes("seeded/1.png"), bytes("out/1.png"));

    // The same map drawn in the palette's colours.
    let colour = |x: u32| Rgb([[255, 0, 0], [0, 0, 255], [0, 255, 0]][(x * 3 / 16) as usize]);
    RgbImage::from_fn(16, 16, |x, _| colour(x)).save(desk.path("in/drawn.png")).unwrap();
    desk.succeed("translate run --in in/drawn.png --out out --style images/0.png");
    assert_eq!(bytes("out/drawn.png"), bytes("out/1.png"));

    // What cannot be translated is named, the others are.
    RgbImage::from_fn(16, 16, |_, _| Rgb([1, 2, 3])).save(desk.path("in/drawn.png")).unwrap();
    write_map(&desk.path("in/many.png"), 16, 4);
    write_map(&desk.path("in/odd.png"), 18, 3);
    std::fs::write(desk.path("in/text.png"), "no picture").unwrap();
    let ended = desk.run("translate run --in in --out next");
    assert_eq!(ended.code, Some(1));
    for part in ["4 images could not be", "#010203", "label 3", "18x18", "text.png", "as one"] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
    assert_eq!(names(&desk.path("next")), ["1.png", "deep"]);
    desk.refuse("translate run --in in/1.png --out none --style in/none.png", &["in/none.png"]);
    desk.refuse("translate run --in in/1.png --out none --to a", &["translates a-to-b only"]);
    desk.refuse("translate run --in nowhere --out none", &["nowhere does not exist"]);
    desk.refuse("translate run --in in/1.png --out none --start-scale 1", &["systems of scales"]);
    assert!(!desk.path("none").exists());

    desk.succeed(&format!("{TRAIN} --data labels:images,maps --set encoder.kind=none --out unguided"));
    desk.succeed("translate unguided --in in/1.png --out free --seed 1");
    desk.refuse("translate unguided --in in/1.png --out none --style images/0.png", &["encoder.kind=none"]);
}

#[test]
fn folders_that_do_not_belong_together_are_refused_before_anything_is_written() {
    let desk = desk();
    let refuse = |data: &str, parts: &[&str]| {
        desk.refuse(&format!("{TRAIN} --data {data} --out none"), parts);
        assert!(!desk.path("none").exists());
    };
    std::fs::write(desk.path("two.txt"), "#ff0000 land\n#0000ff sea\n").unwrap();
    refuse("labels:images,maps,two.txt", &["maps/0.png", "label 2", "2 labels (0 to 1)"]);
    refuse("labels:images,nowhere", &["nowhere"]);
    std::fs::create_dir(desk.path("empty")).unwrap();
    refuse("labels:images,empty", &["no images below"]);
    refuse("labels:images", &["labels:IMAGES,MAPS"]);
    write_map(&desk.path("maps/3.png"), 10, 3);
    refuse("labels:images,maps", &["maps/3.png", "10x10", "20x20"]);
    // A SPEC of its own for what is measured.
    write_map(&desk.path("maps/3.png"), 20, 3);
    refuse(
        "labels:images,maps --set data.held_out=folder:images",
        &["`label_map`", "held-out samples have none"],
    );
    desk.succeed(&format!(
        "{TRAIN} --data labels:images,maps --set data.held_out=labels:images,maps --set held_out.every=1 \
         --set training.report_every=1 --out run"
    ));
    let lines = std::fs::read_to_string(desk.path("run/metrics.jsonl")).unwrap();
    assert!(lines.contains("pair_error") && lines.contains("style_error"), "{lines}");
    // One without a partner is left out and named.
    std::fs::remove_file(desk.path("maps/0.png")).unwrap();
    let ended = desk.run(&format!("{TRAIN} --data labels:images,maps --out partial"));
    assert!(ended.err.contains("1 unreadable image skipped: 0.png"), "{}", ended.err);
}
