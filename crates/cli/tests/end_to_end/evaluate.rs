//! `evaluate`: from runs and sets to scores, and `evaluation.every` while training.

use brigand::npy;
use serde_json::Value;

use crate::program::{Desk, checkpoints, names, tensors};
use crate::sources::mixed_folder;

fn trained(changes: &str) -> Desk {
    let desk = Desk::new();
    desk.succeed(&format!("train gan --steps 4 --set training.batch=16 --out run --quiet {changes}"));
    desk
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The value of a metric in the last evaluation of a document.
fn score<'a>(document: &'a Value, metric: &str) -> &'a Value {
    let scores = document["evaluations"].as_array().unwrap().last().unwrap()["scores"].as_array().unwrap();
    scores.iter().find(|score| score["protocol"]["metric"] == metric).unwrap()
}

#[test]
fn a_run_is_measured_and_its_scores_are_kept_with_their_protocols() {
    let desk = trained("");
    let ended = desk.run(
        "evaluate run --count 200 --out report --metrics fid,kid,is,prdc,kde,ms-ssim,modes,memorisation",
    );
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for metric in
        ["fid", "kid", "inception-score", "recall", "coverage", "parzen-log-likelihood", "ssim-of-real"]
    {
        assert!(ended.out.lines().any(|line| line.starts_with(metric)), "{metric}: {}", ended.out);
    }
    let fid = ended.out.lines().find(|line| line.starts_with("fid ")).unwrap();
    assert!(fid.contains("95% jackknife  digits-classifier ") && fid.contains("200"), "{fid}");
    assert!(ended.err.contains("warning: fid: 200 real samples bias the distance upward"), "{}", ended.err);
    assert_eq!(names(&desk.path("report")), ["evaluation.json", "nearest-pairs.png"]);
    let kept = json(&std::fs::read_to_string(desk.path("run/evaluation.json")).unwrap());
    let protocol = &score(&kept, "fid")["protocol"];
    assert_eq!((protocol["generated"].as_u64(), protocol["real"]["count"].as_u64()), (Some(200), Some(200)));
    assert_eq!(protocol["extractor"]["sha256"].as_str().unwrap().len(), 64);
    // Once more gives the same numbers, and another line in the file.
    let again = json(&desk.succeed("evaluate run --count 200 --metrics fid --json"));
    assert_eq!(score(&again, "fid"), score(&kept, "fid"));
    let grown = json(&std::fs::read_to_string(desk.path("run/evaluation.json")).unwrap());
    assert_eq!(grown["evaluations"].as_array().unwrap().len(), 2);
}

#[test]
fn sets_of_any_origin_are_compared_and_statistics_reused() {
    let desk = trained("");
    desk.succeed("sample run -n 300 --out fake.npy");
    let value = |line: &str| {
        let document = json(&desk.succeed(&format!("evaluate {line} --json")));
        score(&document, "fid")["value"].as_f64().unwrap()
    };
    let direct = value("run --count 300 --metrics fid --save-stats real.safetensors");
    let from_file = value("--real real.safetensors --fake fake.npy --features classifier --metrics fid");
    assert!((direct - from_file).abs() < 1e-6 * direct, "{direct} {from_file}");
    value("--real digits --fake digits --count 300 --metrics fid --save-stats real.npz");
    let from_npz = value("--real real.npz --fake fake.npy --features classifier");
    desk.refuse(
        "evaluate --real real.npz --fake fake.npy --features pixels",
        &["name: digits-classifier and pixels"],
    );
    assert!((direct - from_npz).abs() < 1e-6 * direct, "{direct} {from_npz}");
    assert!(value("--real digits --fake digits --metrics fid") < 1e-3);
    desk.succeed("train gan --data ring8 --steps 2 --set training.batch=16 --out points --quiet");
    desk.succeed("sample points -n 100 --out a.npy");
    let given = value("--real a.npy --fake a.npy --features given --metrics fid");
    assert!(given < 1e-3, "{given}");
    mixed_folder(&desk.path("photos"), 30);
    let ended = desk.run("evaluate --real folder:photos --fake folder:photos --size 8 --metrics fid,kde");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("torn.jpg"), "{}", ended.err);
    assert!(ended.err.contains("note: images are compared pixel by pixel"), "{}", ended.err);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let desk = trained("");
    desk.refuse("evaluate run --metrics fdi", &["no metric is called `fdi`", "nearest is fid"]);
    desk.refuse("evaluate run --features pixel", &["no features are called `pixel`", "pixels"]);
    desk.refuse("evaluate absent", &["absent", "no run folder"]);
    desk.refuse("evaluate run --metrics is --features pixels --count 50", &["classifier:RUN"]);
    desk.refuse("evaluate --real digits --fake absent.npy", &["absent.npy"]);
    desk.refuse("evaluate run --metrics stacked-digits --count 50", &["three channels"]);
    desk.refuse("evaluate run --best", &["evaluation.every"]);
    mixed_folder(&desk.path("photos"), 25);
    desk.refuse("evaluate --real digits --fake folder:photos --metrics fid", &["[1, 8, 8]", "same size"]);
    let mut images = vec![0.5; 300 * 64];
    npy::write(&desk.path("one.npy"), &images[..64], &[1, 1, 8, 8]).unwrap();
    desk.refuse(
        "evaluate --real digits --fake one.npy --metrics fid",
        &["one.npy has too few samples (1)", "at least 2"],
    );
    images[270 * 64 + 3] = f32::NAN;
    npy::write(&desk.path("nan.npy"), &images, &[300, 1, 8, 8]).unwrap();
    for metric in ["fid", "kid", "ms-ssim"] {
        let line = format!("evaluate --real digits --fake nan.npy --metrics {metric}");
        desk.refuse(&line, &["sample 270 of nan.npy holds", "no finite number"]);
    }
    assert_eq!(desk.run("evaluate").code, Some(2));
    assert_eq!(desk.run("evaluate --real digits").code, Some(2));
}

#[test]
fn paths_are_followed_and_classes_asked_for() {
    let desk = trained(
        "--set evaluation.every=2 --set evaluation.count=20 --set evaluation.metrics=fid,path-length",
    );
    let metrics = std::fs::read_to_string(desk.path("run/metrics.jsonl")).unwrap();
    assert!(metrics.contains("perceptual_path_length"), "{metrics}");
    let document = json(&desk.succeed("evaluate run --metrics path-length --count 40 --json"));
    let found = score(&document, "perceptual-path-length");
    assert!(found["value"].as_f64().unwrap() > 0.0);
    assert_eq!(found["protocol"]["parameters"]["pairs"], 40);
    desk.refuse("evaluate run --metrics cas", &["run at step 4 has none", "sub-folder"]);
    desk.refuse(
        "evaluate --real digits --fake digits --metrics path-length",
        &["needs a generator", "give a run"],
    );
    desk.refuse("evaluate --real ring8 --fake ring8 --metrics cas --count 50", &["images, these are points"]);
    std::fs::create_dir(desk.path("made")).unwrap();
    for class in ["one", "two"] {
        mixed_folder(&desk.path("made").join(class), 4);
    }
    desk.refuse("evaluate --real digits --fake folder:made --metrics cas", &["[1, 8, 8]", "same size"]);
    desk.refuse("train gan --set evaluation.metrics=cas --out other", &["cas takes too long"]);
    let accuracy = desk.succeed("evaluate --real folder:made --fake folder:made --size 8 --metrics cas");
    assert!(accuracy.lines().any(|line| line.starts_with("classification-accuracy-score")), "{accuracy}");
}

#[test]
fn only_like_is_compared_with_like() {
    let desk = trained("");
    for (out, line) in [
        ("a", "run --metrics fid --count 100"),
        ("b", "run --metrics fid --count 100 --features pixels"),
        ("c", "run --metrics fid --count 100"),
        ("small", "--real digits --fake digits --size 6 --metrics fid --count 100"),
        ("large", "--real digits --fake digits --size 8 --metrics fid --count 100 --features pixels"),
    ] {
        desk.succeed(&format!("evaluate {line} --out {out}"));
    }
    let shown = desk.succeed("evaluate --compare a/evaluation.json c/evaluation.json");
    assert!(shown.lines().any(|line| line.starts_with("fid") && line.contains("overlap")), "{shown}");
    desk.refuse(
        "evaluate --compare a/evaluation.json b/evaluation.json",
        &["extractor.name: digits-classifier and pixels"],
    );
    desk.refuse(
        "evaluate --compare small/evaluation.json large/evaluation.json",
        &["real.shape: [1,6,6] and [1,8,8]"],
    );
    desk.refuse("evaluate --compare a/evaluation.json run/recipe.toml", &["recipe.toml", "no file that"]);
}

#[test]
fn a_run_measures_itself_and_keeps_its_best() {
    let measured = "--set evaluation.every=2 --set evaluation.count=60 --set evaluation.metrics=fid,kid \
                    --set checkpoint.every=1 --set checkpoint.keep=1 --seed 1";
    let desk = trained(measured);
    let metrics = std::fs::read_to_string(desk.path("run/metrics.jsonl")).unwrap();
    let records: Vec<Value> = metrics.lines().map(json).collect();
    let steps: Vec<u64> = records.iter().map(|record| record["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [2, 4], "{metrics}");
    let values: Vec<f64> = records.iter().map(|record| record["fid"].as_f64().unwrap()).collect();
    let best = if values[0] <= values[1] { 2 } else { 4 };
    let mut kept = vec![best, 4];
    kept.dedup();
    assert_eq!(checkpoints(&desk.path("run")), kept);
    let scores = json(&std::fs::read_to_string(desk.path("run/evaluation-while-training.json")).unwrap());
    assert_eq!(score(&scores, "fid")["value"].as_f64(), Some(values[1]));
    desk.succeed("sample run --best -n 4 --out best.npy");
    // The same run in two halves ends alike, and what is measured does not change what is trained.
    let line = "train gan --set training.batch=16 --quiet";
    desk.succeed(&format!("{line} {measured} --steps 2 --out halves"));
    desk.succeed("train --resume halves --steps 4 --quiet");
    desk.succeed(&format!("{line} --steps 4 --seed 1 --out unmeasured"));
    let whole = tensors(&desk.path("run"), 4);
    assert!(whole == tensors(&desk.path("halves"), 4) && whole == tensors(&desk.path("unmeasured"), 4));
    let bytes = |run: &str| std::fs::read(desk.path(run).join("evaluation-while-training.json")).unwrap();
    assert_eq!(bytes("run"), bytes("halves"));
    std::fs::remove_dir_all(desk.path("run")).unwrap();
    desk.refuse_to_train("classifier --set evaluation.every=2", &["makes no samples"]);
}
