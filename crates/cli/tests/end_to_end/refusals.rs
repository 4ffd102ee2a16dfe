//! Every kind of bad input: a short error with the right words, and nothing left behind.

use crate::program::{Desk, names};
use crate::sources::{gzipped, idx_images, idx_labels};

#[test]
fn unknown_names_bring_the_nearest() {
    let desk = Desk::new();
    desk.refuse_to_train("dcgn", &["`dcgn`", "dcgan", "brigand list"]);
    desk.refuse("info gn", &["`gn`", "gan"]);
    desk.refuse_to_train("gan --data mist", &["`mist`", "mnist"]);
    desk.refuse_to_train("gan --set training.bach=3", &["`training.bach`", "batch"]);
    desk.refuse_to_train("gan --set trainig.batch=3", &["`trainig.batch`", "training"]);
    desk.refuse_to_train("gan --set training.batch.size=3", &["`training.batch.size`"]);
    desk.refuse_to_train("gan --set generator.kind=mpl", &["generator.kind", "mpl", "mlp", "dcgan"]);
    desk.refuse_to_train("gan --set objective.kind=hing", &["objective.kind", "hing", "non-saturating"]);
    desk.refuse_to_train("gan --set batch", &["batch", "key=value"]);
    desk.refuse_to_train("gan --device gpu", &["`gpu`", "cpu, cuda, metal"]);
    desk.refuse_to_train("gan --threads 0", &["0 threads"]);
    #[cfg(not(feature = "cuda"))]
    desk.refuse_to_train("gan --device cuda", &["built without cuda", "--features cuda"]);
}

#[test]
fn impossible_values_are_refused() {
    let desk = Desk::new();
    for (change, words) in [
        ("training.batch=0", "batch is 0"),
        ("training.batch=-1", "training.batch"),
        ("training.batch=99999999999999999999", "training.batch"),
        ("training.batch=1000000000", "1797"),
        ("training.batch=1798", "training.batch to 1797"),
        ("training.batch=many", "many"),
        ("training.steps=0", "steps is 0"),
        ("data.channels=2", "channels is 2"),
        ("data.size=100000", "data.size"),
        ("latent.size=0", "latent.size is 0"),
        ("checkpoint.keep=0", "checkpoint.keep is 0"),
        ("checkpoint.statistics_batches=10001", "checkpoint.statistics_batches is 10001; give 0 to 10000"),
        ("samples.count=0", "samples.count is 0"),
        ("update.discriminator_steps=0", "discriminator_steps is 0"),
        ("optimizer.generator.learning_rate=-1", "learning_rate"),
    ] {
        desk.refuse_to_train(&format!("gan --set {change}"), &[words]);
    }
    assert_eq!(names(&desk.path("")), [""; 0]);
}

#[test]
fn networks_that_do_not_fit_the_data_say_what_would() {
    let desk = Desk::new();
    desk.refuse_to_train("dcgan --set data.size=50", &["50x50", "data.size", "48"]);
    desk.refuse_to_train("dcgan --data ring8", &["points", "gan"]);
}

#[test]
fn damaged_idx_files_are_named() {
    let desk = Desk::new();
    let (images, labels) = (idx_images(40, 8), idx_labels(&[1; 40]));
    let packed = gzipped(&images);
    let mut foreign = images.clone();
    foreign[2] = 0x0d;
    for (name, bytes) in [
        ("images", images.clone()),
        ("labels", labels.clone()),
        ("few-labels", idx_labels(&[1; 39])),
        ("truncated", images[..images.len() - 1].to_vec()),
        ("header-only", images[..9].to_vec()),
        ("empty", vec![]),
        ("cut.gz", packed[..packed.len() - 20].to_vec()),
        ("foreign", foreign),
        ("text", b"this is no IDX file at all".to_vec()),
    ] {
        std::fs::write(desk.path(name), bytes).unwrap();
    }
    for (spec, words) in [
        ("absent", ["absent", "does not exist"]),
        ("images,absent", ["absent", "does not exist"]),
        ("truncated", ["truncated", "damaged"]),
        ("header-only", ["header-only", "damaged"]),
        ("empty", ["empty", "damaged"]),
        ("cut.gz", ["cut.gz", "damaged"]),
        ("foreign", ["foreign", "cannot be used"]),
        ("text", ["text", "cannot be used"]),
        ("labels", ["labels", "cannot be used"]),
        ("images,images", ["images", "cannot be used"]),
        ("images,few-labels", ["40 images", "39 labels"]),
    ] {
        desk.refuse_to_train(&format!("gan --data idx:{spec} --set training.batch=4"), &words);
        desk.refuse(&format!("data info idx:{spec} --out x.png"), &words);
    }
    assert!(!desk.path("x.png").exists());
}

#[test]
fn folders_without_a_readable_picture_are_refused() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.refuse_to_train("gan --data folder:empty", &["no images below empty"]);
    std::fs::create_dir(desk.path("corrupt")).unwrap();
    for name in ["a.jpg", "b.png", "c.webp"] {
        std::fs::write(desk.path("corrupt").join(name), "no picture").unwrap();
    }
    desk.refuse_to_train("gan --data folder:corrupt", &["none of the 3 images", "a.jpg"]);
    desk.refuse_to_train("gan --data folder:absent", &["absent", "does not exist"]);
    desk.refuse_to_train("gan --data folder:corrupt/a.jpg", &["a.jpg", "not a folder"]);
}

#[test]
fn recipe_files_with_mistakes_are_refused() {
    let desk = Desk::new();
    desk.refuse_to_train("gan --config absent.toml", &["absent.toml"]);
    for (text, words) in [
        ("[training]\nbatch = = 3", ["error: recipe.toml is no valid TOML", "line 2"]),
        ("[training]\nbach = 3", ["error: recipe.toml: no key `training.bach`", "batch"]),
        ("system = 'dcgan'", ["error: recipe.toml: the recipe is for `dcgan`", "`gan`"]),
        ("[training]\nbatch = 'x'", ["error: recipe.toml: training.batch", "string"]),
    ] {
        std::fs::write(desk.path("recipe.toml"), text).unwrap();
        desk.refuse_to_train("gan --config recipe.toml", &words);
    }
    std::fs::write(desk.path("recipe.toml"), b"\xff\xfe").unwrap();
    desk.refuse_to_train("gan --config recipe.toml", &["recipe.toml", "UTF-8"]);
}

#[test]
fn folders_that_cannot_take_a_run_are_left_as_they_are() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("used")).unwrap();
    std::fs::write(desk.path("used/letter"), "dear").unwrap();
    desk.refuse("train gan --out used", &["used", "not empty"]);
    // A file in the way stands for a read-only place, which the superuser would not notice.
    desk.refuse("train gan --out used/letter/run", &["used/letter", "choose another folder"]);
    assert_eq!(std::fs::read_to_string(desk.path("used/letter")).unwrap(), "dear");
    assert_eq!(names(&desk.path("used")), ["letter"]);
    desk.succeed("train gan --steps 2 --set training.batch=4 --out run --quiet");
    desk.refuse("train gan --out run", &["already holds a run", "train --resume run"]);
}
