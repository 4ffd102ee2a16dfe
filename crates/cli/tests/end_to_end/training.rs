//! Runs from beginning to end on every kind of data.

use crate::program::{Desk, checkpoints, names};
use crate::sources::{gzipped, idx_images, idx_labels, mixed_folder};

const SMALL_DCGAN: &str = "--set generator.width=8 --set discriminator.width=8 --set training.batch=8 --steps 20 --set samples.every=10";

#[test]
fn a_run_writes_all_its_files() {
    let desk = Desk::new();
    let line =
        "train gan --steps 20 --set training.batch=16 --set samples.every=10 --set checkpoint.every=10";
    let out = desk.succeed(line);
    let run = desk.path("runs/gan-1");
    for shown in ["runs/gan-1/samples.gif", "runs/gan-1/samples/step-00000020.png", "runs/gan-1/history.png"]
    {
        assert!(out.contains(shown) && desk.path(shown).is_file(), "{shown}: {out}");
    }
    assert!(out.contains("sample runs/gan-1 "), "{out}");
    let files = names(&run);
    let (events, others): (Vec<_>, Vec<_>) =
        files.iter().partition(|name| name.starts_with("events.out.tfevents."));
    assert_eq!(events.len(), 1);
    assert_eq!(
        others,
        [
            ".lock",
            "checkpoints",
            "data.json",
            "history.png",
            "metrics.jsonl",
            "recipe.toml",
            "samples",
            "samples.gif"
        ]
    );
    assert_eq!(names(&run.join("samples")), ["step-00000000.png", "step-00000010.png", "step-00000020.png"]);
    assert_eq!(checkpoints(&run), [0, 10, 20]);
    let metrics = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count(), 2, "{metrics}");
    let last: serde_json::Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    assert_eq!(last["step"], 20);
    assert!(last["discriminator_loss"].as_f64().unwrap() > 0.0, "{last}");
    assert_eq!(&std::fs::read(run.join("samples.gif")).unwrap()[..6], b"GIF89a");
    // A second run takes the next number.
    assert!(desk.succeed(line).contains("runs/gan-2/"));
}

#[test]
fn the_saved_recipe_repeats_the_run() {
    let desk = Desk::new();
    desk.succeed(
        "train gan --steps 15 --seed 7 --set training.batch=16 --set optimizer.generator.beta1=0.1 --out a",
    );
    desk.succeed("train gan --config a/recipe.toml --out b");
    desk.succeed("train gan --config a/recipe.toml --seed 8 --out c");
    let tensors = |run: &str| crate::program::tensors(&desk.path(run), 15);
    assert!(tensors("a") == tensors("b") && tensors("a") != tensors("c"));
}

#[test]
fn progress_goes_to_standard_error_unless_quiet() {
    let desk = Desk::new();
    let ended = desk.run("train gan --steps 20 --set training.batch=16 --out a");
    let shown: Vec<&str> = ended.err.lines().filter(|line| line.starts_with("step ")).collect();
    assert_eq!(shown.len(), 10, "{}", ended.err);
    for words in ["step 20/20", "D loss", "G loss", "real", "fake", "samples/s", "0:00 left"] {
        assert!(shown[9].contains(words), "{words}: {}", shown[9]);
    }
    assert!(!ended.err.contains('\r') && !ended.out.contains("samples/s "), "{}", ended.err);
    assert_eq!(desk.run("train gan --steps 20 --set training.batch=16 --out b --quiet").err, "");
}

#[test]
fn a_folder_of_mixed_pictures_trains_and_the_torn_one_is_named() {
    let desk = Desk::new();
    mixed_folder(&desk.path("pictures"), 12);
    let ended =
        desk.run(&format!("train dcgan --data folder:pictures --set data.size=16 {SMALL_DCGAN} --quiet"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("1 unreadable image skipped: torn.jpg"), "{}", ended.err);
    let recipe = std::fs::read_to_string(desk.path("runs/dcgan-1/recipe.toml")).unwrap();
    assert!(recipe.contains("channels = 3") && recipe.contains("size = 16"), "{recipe}");
    // The run can be sampled without its data.
    std::fs::remove_dir_all(desk.path("pictures")).unwrap();
    desk.succeed("sample runs/dcgan-1 -n 4 --out four/");
    let one = image::open(desk.path("four/sample-00003.png")).unwrap();
    assert_eq!((one.width(), one.height(), one.color()), (16, 16, image::ColorType::Rgb8));
}

#[test]
fn idx_files_train_packed_and_plain() {
    let desk = Desk::new();
    std::fs::write(desk.path("images"), idx_images(40, 28)).unwrap();
    std::fs::write(desk.path("images.gz"), gzipped(&idx_images(40, 28))).unwrap();
    std::fs::write(desk.path("labels"), idx_labels(&[3; 40])).unwrap();
    desk.succeed(&format!("train dcgan --data idx:images,labels {SMALL_DCGAN} --out plain"));
    desk.succeed(&format!("train dcgan --data idx:images.gz {SMALL_DCGAN} --out packed"));
    let tensors = |run: &str| crate::program::tensors(&desk.path(run), 20);
    assert_eq!(tensors("plain").len(), tensors("packed").len());
    assert!(tensors("plain") == tensors("packed"), "the same pixels must give the same weights");
}

#[test]
fn points_and_numbers_train() {
    let desk = Desk::new();
    for toy in ["ring8", "normal"] {
        desk.succeed(&format!("train gan --data {toy} --steps 20 --set training.batch=16 --out {toy}"));
        assert!(desk.path(toy).join("samples.gif").is_file());
    }
}

#[test]
fn a_classifier_is_evaluated_while_it_trains_and_leaves_no_pictures() {
    let desk = Desk::new();
    let line = "train classifier --steps 60 --set network.width=4 --set held_out.every=20 --out run";
    let out = desk.succeed(line);
    assert!(out.contains("% of the held-out samples") && out.contains("run/history.png"), "{out}");
    assert!(!out.contains("samples.gif"), "{out}");
    assert_eq!(names(&desk.path("run/samples")), Vec::<String>::new());
    let metrics = std::fs::read_to_string(desk.path("run/metrics.jsonl")).unwrap();
    let evaluated = metrics.lines().filter(|line| line.contains("held_out_accuracy")).count();
    assert_eq!((metrics.lines().count(), evaluated), (6, 3), "{metrics}");
    // Stopped and resumed it is the same.
    let half = line.replace("60", "30").replace("run", "half");
    desk.succeed(&half);
    desk.succeed("train --resume half --steps 60");
    let tensors = |run: &str| crate::program::tensors(&desk.path(run), 60);
    assert!(tensors("run") == tensors("half"));
    desk.refuse("sample run", &["classifier", "no samples"]);
}

#[test]
fn a_classifier_refuses_data_it_cannot_learn_from() {
    let desk = Desk::new();
    mixed_folder(&desk.path("pictures"), 9);
    desk.refuse_to_train(
        "classifier --data folder:pictures --set data.size=8 --set training.batch=4",
        &["labelled data"],
    );
    desk.refuse_to_train("classifier --data ring8", &["images"]);
    desk.refuse_to_train("classifier --set network.classes=7", &["10 classes", "network.classes=10"]);
}
