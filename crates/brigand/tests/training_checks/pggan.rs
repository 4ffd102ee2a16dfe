//! Claims: networks grow while they train, in the middle of which a run is resumed exactly; grown networks make digits of
//! every class.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use crate::support::sample_quality::{Classifier, Quality};
use crate::support::{assert_resumes_exactly, refusal, session, trained};
use brigand::data::{Options, load};
use brigand::session::Session;
use brigand::systems::pggan::{SHARE, SIDE};

/// Steps 0 to 7 at 4x4, 8 to 15 fading in, then 8x8.
const SHORT: &str = "training.steps=32 training.batch=8 growth.until=0.5 generator.width=4 generator.widest=8 \
                     discriminator.width=4 discriminator.widest=8";

/// Whether each 2x2 pixels of some samples are the same.
fn is_4x4(session: &Session) -> bool {
    let samples = session.system().sampler().unwrap().sample(4, 1).unwrap();
    assert_eq!(samples.shape(), [4, 1, 8, 8]);
    let again = samples.avg_pool2d(2, 2, 0).unwrap().resize_nearest(8, 8).unwrap();
    let (found, again) = (samples.to_vec().unwrap(), again.to_vec().unwrap());
    found.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-6)
}

#[test]
fn images_grow_while_they_train() {
    let mut session = session("pggan", SHORT).unwrap();
    for step in 0..32 {
        // Sampled before the step of the same number.
        assert_eq!(is_4x4(&session), step <= 8, "step {step}");
        let report = session.advance().unwrap().read(step).unwrap();
        let wanted = match step {
            0..8 => (4.0, 1.0),
            8..16 => (8.0, (step - 8) as f64 / 8.0),
            _ => (8.0, 1.0),
        };
        assert_eq!((report[SIDE], report[SHARE]), wanted, "step {step}");
    }
}

#[test]
fn runs_are_resumed_exactly_in_every_phase() {
    assert_resumes_exactly("pggan", SHORT, [4, 8, 12, 16, 20]);
}

fn quality(words: &str) -> Quality {
    let digits = load(&"digits".parse().unwrap(), &Options::default()).unwrap();
    let classifier = Classifier::train(&digits, digits.len(), 3000);
    let session = trained("pggan", words);
    let found = classifier.quality(&session.system().sampler().unwrap().sample(1000, 1).unwrap());
    println!("{words}: {found:?}");
    found
}

#[test]
fn grown_networks_make_digits_of_every_class() {
    let found = quality("training.steps=3000");
    assert!(found.classes == 10 && found.confidence > 0.8, "{found:?}");
}

#[test]
fn what_does_not_grow_is_refused() {
    assert!(refusal("pggan", "data.source=ring8").contains("needs images"));
    assert!(refusal("pggan", "data.size=12").contains("images of 12x12 do not grow from 4x4"));
    assert!(refusal("pggan", "growth.until=2").contains("growth.until"));
    assert!(refusal("pggan", "drift=-1").contains("drift"));
    assert!(refusal("pggan", "generator.widest=0").contains("generator.widest"));
    assert!(refusal("pggan", "constraint.kind=spectral").contains("constraint.kind=spectral"));
    assert!(refusal("pggan", "constraint.kind=gradient-normalization").contains("minibatch"));
}
