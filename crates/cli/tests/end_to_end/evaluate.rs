//! `evaluate`: from runs and sets to scores, and `evaluation.every` while training.

use brigand::data::{self, Options, Spec};
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
    desk.refuse("evaluate --real digits --fake folder:photos --metrics fid", &["several sizes", "--size N"]);
    let mut images = vec![-0.5; 300 * 64];
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
    desk.refuse("evaluate --real digits --fake folder:made --metrics cas", &["several sizes", "--size N"]);
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

/// A folder of `count` grey or coloured pictures of one size.
fn folder_of(desk: &Desk, name: &str, count: u32, side: u32, colour: bool) {
    let folder = desk.path(name);
    std::fs::create_dir(&folder).unwrap();
    for index in 0..count {
        let level = move |x: u32, y: u32| ((x * 7 + y * 13 + index * 31 + x * y * index) % 256) as u8;
        let path = folder.join(format!("{index:03}.png"));
        if colour {
            let pixel = |x, y| image::Rgb([level(x, y), level(y, x), 90]);
            image::RgbImage::from_fn(side, side, pixel).save(path).unwrap();
        } else {
            image::GrayImage::from_fn(side, side, |x, y| image::Luma([level(x, y)])).save(path).unwrap();
        }
    }
}

/// pytorch-fid 74 and clean-fid 2: folders were brought to 64x64 pixels without a word.
#[test]
fn pytorch_fid_74_pictures_are_measured_as_they_are_stored() {
    let desk = Desk::new();
    folder_of(&desk, "a", 30, 100, true);
    folder_of(&desk, "b", 30, 100, true);
    let line =
        "evaluate --real folder:a --fake folder:b --metrics nearest-neighbour --features pixels --json";
    let document = json(&desk.succeed(line));
    let real = &score(&document, "nearest-neighbour-accuracy")["protocol"]["real"];
    assert_eq!((&real["shape"], &real["images"]), (&serde_json::json!([3, 100, 100]), &Value::Null));
    let document = json(&desk.succeed(&format!("{line} --size 16")));
    let real = &score(&document, "nearest-neighbour-accuracy")["protocol"]["real"];
    assert_eq!(real["images"], "centre square scaled to 16x16 pixels");
    // Of a run and a folder that would not fit, the folder takes the run's size, and a message says so.
    desk.succeed("train gan --steps 2 --set training.batch=16 --out run --quiet");
    folder_of(&desk, "grey", 30, 20, false);
    let ended = desk.run("evaluate --real folder:grey --fake run --metrics kid --features pixels --json");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("folder:grey are scaled to 8x8 pixels"), "{}", ended.err);
    let document = json(&ended.out);
    assert_eq!(score(&document, "kid")["protocol"]["real"]["images"], "centre square scaled to 8x8 pixels");
    // Pictures that have the size of the digits need no --size.
    folder_of(&desk, "small", 40, 8, false);
    let document = json(&desk.succeed("evaluate --real digits --fake folder:small --metrics kid --json"));
    assert_eq!(score(&document, "kid")["protocol"]["extractor"]["name"], "digits-classifier");
}

#[test]
fn grey_and_colour_are_compared_on_request() {
    let desk = Desk::new();
    folder_of(&desk, "grey", 30, 8, false);
    folder_of(&desk, "colour", 30, 8, true);
    let line = "evaluate --real folder:grey --fake folder:colour --metrics kid --features pixels --json";
    desk.refuse(line, &["[1, 8, 8]", "[3, 8, 8]", "--channels 1"]);
    for (channels, side, how) in
        [(1, "generated_images", "luma of 3 channels"), (3, "real", "grey repeated in 3 channels")]
    {
        let document = json(&desk.succeed(&format!("{line} --channels {channels}")));
        let protocol = &score(&document, "kid")["protocol"];
        assert!(protocol[side].to_string().contains(how), "{protocol}");
        assert_eq!(protocol["real"]["shape"], serde_json::json!([channels, 8, 8]));
    }
    desk.refuse(&format!("{line} --channels 2"), &["1 for grey or 3 for colour"]);
}

/// The digits as an array of images with values in [0, 1].
fn unit_digits(desk: &Desk, name: &str, count: usize) {
    let digits = data::load(&Spec::Digits, &Options::default()).unwrap();
    let batch = digits.get(&(0..count).collect::<Vec<_>>()).unwrap();
    let values: Vec<f32> = batch.values.iter().map(|value| (value + 1.0) / 2.0).collect();
    npy::write(&desk.path(name), &values, &batch.shape).unwrap();
}

/// torchmetrics 1244: arrays in [0, 1] were taken for arrays in [-1, 1], and their FID was 506 instead of 0.
#[test]
fn torchmetrics_1244_the_range_of_arrays_is_asked_for() {
    let desk = Desk::new();
    unit_digits(&desk, "unit.npy", 1797);
    for line in
        ["--real digits --fake unit.npy", "--real unit.npy --fake digits", "--real unit.npy --fake unit.npy"]
    {
        let line = format!("evaluate {line} --features classifier --metrics fid --json");
        desk.refuse(&line, &["unit.npy", "between 0 and 1", "--range 0..1"]);
        let document = json(&desk.succeed(&format!("{line} --range 0..1")));
        let fid = score(&document, "fid")["value"].as_f64().unwrap();
        assert!(fid < 1e-3, "{fid}");
    }
    assert_eq!(desk.run("evaluate --real unit.npy --fake digits --range 0-1").code, Some(2));
}

#[test]
fn one_sample_is_too_few_for_kid_and_the_message_says_how_many_are_enough() {
    let desk = Desk::new();
    npy::write(&desk.path("one.npy"), &[-0.5; 64], &[1, 1, 8, 8]).unwrap();
    let ended = desk.refuse(
        "evaluate --real digits --fake one.npy --metrics kid",
        &["1 generated", "give at least 2 on either side"],
    );
    assert!(!ended.err.contains("2 to 1"), "{}", ended.err);
}

#[test]
fn a_warning_is_shown_once_with_all_scores_that_have_it() {
    let desk = Desk::new();
    mixed_folder(&desk.path("photos"), 25);
    let ended = desk.run("evaluate --real folder:photos --fake folder:photos --size 8 --metrics fid,prdc");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let lines: Vec<&str> = ended.err.lines().collect();
    assert_eq!(lines.iter().filter(|line| line.contains("torn.jpg")).count(), 1, "{}", ended.err);
    let balls: Vec<&&str> = lines.iter().filter(|line| line.contains("the balls are larger")).collect();
    assert!(
        balls.len() == 1 && balls[0].starts_with("warning: precision, recall, density, coverage: "),
        "{}",
        ended.err
    );
}

/// Scores that took long to measure were thrown away because they could not be stored.
#[test]
fn outputs_are_checked_before_and_scores_shown_even_if_they_cannot_be_kept() {
    let desk = trained("");
    std::fs::write(desk.path("file"), "").unwrap();
    std::fs::create_dir_all(desk.path("kept/evaluation.json")).unwrap();
    for (outputs, words) in [
        ("--out file", ["file is a file", "--out"]),
        ("--out file/below", ["file/below", "a part of this path is a file"]),
        ("--out kept", ["evaluation.json", "folder"]),
        ("--save-stats a.txt", ["a.txt", ".safetensors or .npz"]),
        ("--save-stats absent/a.npz", ["absent", "make the folder"]),
    ] {
        let ended = desk.refuse(&format!("evaluate run --count 50 --metrics fid {outputs}"), &words);
        assert_eq!(ended.out, "", "{outputs}");
    }
    desk.refuse("evaluate run --count 50 --metrics kid --save-stats a.npz", &["add fid to --metrics"]);
    assert!(!desk.path("run/evaluation.json").exists());
    // What nobody could know before costs the file, not the scores.
    std::fs::create_dir_all(desk.path("report/nearest-pairs.png")).unwrap();
    let ended = desk.run("evaluate run --count 50 --metrics memorisation --out report");
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.out.contains("memorisation-median-ratio") && ended.err.contains("nearest-pairs.png"));
    // A damaged file is set aside with all it holds.
    let path = desk.path("run/evaluation.json");
    std::fs::write(&path, "{\"format\": \"brigand-eval").unwrap();
    let ended = desk.run("evaluate run --count 50 --metrics fid");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("evaluation.json.damaged-1"), "{}", ended.err);
    let aside = desk.path("run/evaluation.json.damaged-1");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "{\"format\": \"brigand-eval");
    score(&json(&std::fs::read_to_string(path).unwrap()), "fid");
}
