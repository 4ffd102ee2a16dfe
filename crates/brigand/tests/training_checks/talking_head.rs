//! Claim: people of whom training has seen nothing are drawn in new poses from a few of their frames: nearer to the true frame
//! than a copy of a known one, in their own colours and with the mouth as open as the landmarks say; more frames are better
//! than one, and fine-tuning on a person comes nearer still.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::path::Path;
use std::sync::atomic::AtomicBool;

use brigand::Place;
use brigand::batch::{Batch, Feed, IMAGES, LANDMARKS, SOURCE_LANDMARKS, SOURCES};
use brigand::capability::Reenactor;
use brigand::data::people::cartoon::{Face, Part, faces, write};
use brigand::data::people::measure;
use brigand::data::{Options, Spec, open};
use brigand::systems::talking_head::{COPY_ERROR, ONE_FRAME_ERROR};
use brigand::systems::translation::PAIR_ERROR;
use brigand::training::{FineTuningPlan, Prepared, Training, load_run, metrics};
use candle_core::Device;

use crate::support::{recipe, refusal};

const STEPS: u64 = 600;
const SIDE: usize = 32;
/// Held-out samples that are measured one by one: two frames of each person.
const MEASURED: usize = 80;

/// The mean errors of the colours of skin and hair in [0, 1], and the correlation of the mouths' openness with the truth.
struct Found {
    skin: f64,
    hair: f64,
    mouth: f64,
}

/// Measures what is drawn for held-out samples; `of` is which sample's frames the person is known from, and which sample's
/// pose is drawn.
fn measured(reenactor: &dyn Reenactor, batch: &Batch, of: impl Fn(usize) -> (usize, usize)) -> Found {
    let faces: Vec<Face> = faces(Part::HeldOut, 0).into_iter().take(MEASURED).collect();
    let (mut skin, mut hair, mut mouths) = (0.0, 0.0, Vec::new());
    for (number, face) in faces.iter().enumerate() {
        let (known, pose) = of(number);
        let several = |key| {
            let own = batch.numbers(key).unwrap().narrow(0, known, 1).unwrap();
            let shape = own.shape()[1..].to_vec();
            own.reshape(&shape).unwrap()
        };
        let person =
            Batch::default().with(IMAGES, several(SOURCES)).with(LANDMARKS, several(SOURCE_LANDMARKS));
        let drawing = batch.numbers(LANDMARKS).unwrap().narrow(0, pose, 1).unwrap();
        let drawn = reenactor.drive(Some(&person), &drawing).unwrap().to_vec_f32().unwrap();
        let found = measure(&drawn, SIDE, face);
        let error = |found: [f64; 3], wanted: [f64; 3]| {
            found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).sum::<f64>() / 3.0 / MEASURED as f64
        };
        skin += error(found.skin, face.identity.skin);
        hair += error(found.hair, face.identity.hair);
        mouths.push((found.mouth, face.pose.mouth));
    }
    Found { skin, hair, mouth: correlation(&mouths) }
}

fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let count = pairs.len() as f64;
    let (a, b) = pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0 / count, sum.1 + pair.1 / count));
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        both += (x - a) * (y - b);
        first += (x - a).powi(2);
        second += (y - b).powi(2);
    }
    both / (first * second).sqrt()
}

/// The frames of the person in `folder`.
fn person(folder: &Path) -> Batch {
    let spec: Spec = format!("person:{}", folder.display()).parse().unwrap();
    let data = open(&spec, &Options { size: Some(SIDE), ..Options::default() }).unwrap();
    let feed = Feed::new(data.boxed_sources(), 1, 0, &Place::cpu()).unwrap();
    feed.samples(&(0..feed.count()).collect::<Vec<_>>()).unwrap()
}

/// The mean absolute distance to the true frames in [0, 1].
fn distance(reenactor: &dyn Reenactor, known: Option<&Batch>, wanted: &Batch) -> f64 {
    let drawn = reenactor.drive(known, wanted.numbers(LANDMARKS).unwrap()).unwrap().to_vec_f32().unwrap();
    let truth = wanted.numbers(IMAGES).unwrap().to_vec_f32().unwrap();
    let sum: f64 = drawn.iter().zip(&truth).map(|(a, b)| f64::from((a - b).abs()) / 2.0).sum();
    sum / truth.len() as f64
}

/// Errors of so many people on their last four frames before and after 50 steps on their first eight.
fn fine_tuned(root: &Path, run: &Path, people: usize) -> (f64, f64) {
    let all = root.join("people");
    write(&all, Part::HeldOut, people, (SIDE, 0)).unwrap();
    let (_, meta, _) = load_run(run, &Device::Cpu).unwrap();
    let (mut before, mut after) = (0.0, 0.0);
    for number in 0..people {
        let known = all.join(format!("person-{number}"));
        let unseen = root.join(format!("unseen-{number}"));
        std::fs::create_dir_all(&unseen).unwrap();
        std::fs::copy(known.join("landmarks.csv"), unseen.join("landmarks.csv")).unwrap();
        std::fs::copy(all.join("edges.csv"), unseen.join("edges.csv")).unwrap();
        for frame in 8..12 {
            std::fs::rename(known.join(format!("{frame}.png")), unseen.join(format!("{frame}.png"))).unwrap();
        }
        let (known_frames, wanted) = (person(&known), person(&unseen));
        before += distance(meta.as_reenactor().unwrap(), Some(&known_frames), &wanted) / people as f64;
        let plan = FineTuningPlan { run: run.to_owned(), person: known, steps: 50, seed: 0 };
        let out = root.join(format!("tuned-{number}"));
        let mut training = Training::fine_tune(&plan, Some(&out), &Device::Cpu).unwrap();
        training.run(&AtomicBool::new(false), &mut |_| {}).unwrap();
        after += distance(training.system().as_reenactor().unwrap(), None, &wanted) / people as f64;
    }
    (before, after)
}

#[test]
fn people_who_were_never_seen_are_drawn_in_new_poses() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("run");
    let words = format!("training.steps={STEPS} held_out.every={STEPS} checkpoint.every=0 samples.every=0");
    let prepared = Prepared::new(recipe("talking-head", &words).unwrap(), &Device::Cpu).unwrap();
    let mut training = Training::start(prepared, Some(&run)).unwrap();
    training.run(&AtomicBool::new(false), &mut |_| {}).unwrap();
    let last = metrics::read(&run.join("metrics.jsonl")).unwrap().pop().unwrap().values;
    let [error, one, copy] = [PAIR_ERROR, ONE_FRAME_ERROR, COPY_ERROR].map(|name| last[name]);

    let mut session =
        Prepared::new(recipe("talking-head", &words).unwrap(), &Device::Cpu).unwrap().into_session();
    let batch = session.feed().held_out(0..MEASURED).unwrap();
    let _ = session.system_mut();
    let reenactor = training.system().as_reenactor().unwrap();
    let own = measured(reenactor, &batch, |number| (number, number));
    let others_frames = measured(reenactor, &batch, |number| ((number + 1) % MEASURED, number));
    let others_pose = measured(reenactor, &batch, |number| (number, (number + 1) % MEASURED));
    println!(
        "error {error:.4}, of one frame {one:.4}, of a copy {copy:.4}; skin {:.3} hair {:.3} mouth {:.3}; of another person's \
         frames skin {:.3} hair {:.3}; in another pose mouth {:.3}",
        own.skin, own.hair, own.mouth, others_frames.skin, others_frames.hair, others_pose.mouth
    );
    let (before, after) = fine_tuned(root.path(), &run, 4);
    println!("before fine-tuning {before:.4}, after {after:.4}");
    assert!(error < 0.6 * copy, "{error} {copy}");
    assert!(error < one, "{error} {one}");
    assert!(own.skin < 0.1 && own.hair < 0.1, "{} {}", own.skin, own.hair);
    assert!(own.mouth > 0.8, "{}", own.mouth);
    assert!(others_frames.skin > 0.1 && others_frames.hair > 0.1 && others_pose.mouth < 0.4);
    assert!(after < before, "{before} {after}");
}

#[test]
fn what_is_no_set_of_people_is_refused() {
    assert!(refusal("talking-head", "data.source=digits").contains("cartoon-faces or identities:DIR"));
    assert!(refusal("talking-head", "data.source=ring8").contains("needs images"));
    assert!(refusal("talking-head", "data.frames=12").contains("data.frames"));
    assert!(refusal("talking-head", "data.frames=0").contains("give 1 to 64"));
    assert!(refusal("talking-head", "data.size=18").contains("data.size"));
    assert!(refusal("talking-head", "generator.halvings=5").contains("generator.halvings to fewer"));
    assert!(refusal("talking-head", "losses.features=0 losses.adversarial=0").contains("losses.matching=0"));
    let nothing = "losses.features=0 losses.adversarial=0 losses.matching=0 losses.content=0";
    assert!(refusal("talking-head", nothing).contains("nothing to train by"));
}
