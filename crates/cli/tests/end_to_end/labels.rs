//! Several labels of an image: `image-to-label` trained on a table, `brigand label`.

use image::{Rgb, RgbImage};

use crate::program::Desk;
use crate::sources::write_png;

const TRAIN: &str = "train image-to-label --set data.size=16 --set encoder.width=2 --set labels.features=4 \
                     --set training.batch=4 --set held_out.every=2 --steps 2 --quiet";

/// A folder of images, red and blue ones, with a table of their labels.
fn desk() -> Desk {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.path("images")).unwrap();
    let mut lines = "file,labels\n".to_owned();
    for index in 0..24_u8 {
        let name = format!("{index}.png");
        let (colour, label) = if index % 2 == 0 { ([200, 0, 0], "red") } else { ([0, 0, 200], "blue|cold") };
        RgbImage::from_pixel(20, 20, Rgb(colour)).save(desk.path("images").join(&name)).unwrap();
        lines.push_str(&format!("{name},{label}\n"));
    }
    std::fs::write(desk.path("images/labels.csv"), lines).unwrap();
    desk
}

#[test]
fn a_run_labels_images_in_the_form_that_it_is_trained_on() {
    let desk = desk();
    desk.succeed(&format!("{TRAIN} --data tags:images/labels.csv --out run"));
    assert!(desk.path("run/labels/step-00000002.png").is_file());
    let shown = std::fs::read_to_string(desk.path("run/labels/step-00000002.txt")).unwrap();
    assert!(shown.contains("true: red") && shown.contains("found: "), "{shown}");
    let measured = std::fs::read_to_string(desk.path("run/metrics.jsonl")).unwrap();
    for name in ["micro_f1", "macro_f1", "example_f1", "precision", "recall", "rule_violations", "threshold"]
    {
        assert!(measured.contains(name), "{name}: {measured}");
    }
    write_png(&desk.path("images/other.png"), 30, 20);
    std::fs::write(desk.path("images/torn.png"), "no picture").unwrap();
    let out = desk.succeed("label run --in images --out images/found.csv --threshold 0");
    assert!(out.contains("left out images/torn.png") && out.contains("75 labels of 25 images"), "{out}");
    let found = std::fs::read_to_string(desk.path("images/found.csv")).unwrap();
    assert!(found.starts_with("file,labels\n") && found.contains("other.png,blue|cold|red\n"), "{found}");
    desk.succeed(&format!("{TRAIN} --data tags:images/found.csv --out again"));
    desk.succeed("label run --in images/3.png --out one.csv");
    assert!(std::fs::read_to_string(desk.path("one.csv")).unwrap().contains("\n3.png,"));
    let none = TRAIN.replace("held_out.every=2", "held_out.every=0");
    desk.succeed(&format!("{none} --data tags:images/labels.csv --out unmeasured"));
    let ended = desk.run("label unmeasured --in images/3.png --out unmeasured.csv");
    assert!(ended.code == Some(0) && ended.err.contains("0.5 is taken"), "{}", ended.err);
    let info = desk.succeed("data info tags:images/labels.csv");
    assert!(info.contains("samples      24") && info.contains("labels, 3: blue, cold, red"), "{info}");
    desk.refuse("data info tags:images/labels.csv --out x.txt", &["seen.png"]);
    desk.refuse("data info grammar --out x.png", &["leave it out"]);
    desk.refuse("label run --in images --out labels", &["a file such as labels.csv"]);
    desk.refuse("label run --in images --out x.csv --threshold 2", &["from 0 to 1"]);
    desk.refuse("label run --in images --out no/x.csv", &["cannot write no/x.csv", "make the folder"]);
    desk.refuse("label run --in nowhere --out x.csv", &["nowhere does not exist"]);
    desk.succeed("train gan --steps 1 --quiet --out gan");
    desk.refuse("label gan --in images --out x.csv", &["finds no labels", "image-to-label"]);
    assert!(!desk.path("x.csv").exists());
}

#[test]
fn a_table_that_cannot_be_trained_on_is_refused_with_its_line() {
    let desk = desk();
    let table = desk.path("images/labels.csv");
    let lines = std::fs::read_to_string(&table).unwrap();
    let refuse = |text: &str, words: &[&str]| {
        std::fs::write(&table, text).unwrap();
        desk.refuse_to_train("image-to-label --data tags:images/labels.csv --steps 1", words);
    };
    refuse(&format!("{lines}gone.png,red\n"), &["line 26", "gone.png", "does not exist"]);
    refuse("0.png,a\n1.png,b\n", &["no label holds for 2 images"]);
    refuse("", &["no line with an image"]);
    // A label of a single image is left out, and said.
    std::fs::write(&table, lines.replace("\n0.png,red\n", "\n0.png,red|alone\n")).unwrap();
    let ended =
        desk.run(&format!("{} --data tags:images/labels.csv --out run", TRAIN.replace(" --quiet", "")));
    assert!(
        ended.code == Some(0) && ended.err.contains("of a single image left out: alone"),
        "{}",
        ended.err
    );
}
