//! Claims about the four adversarial auto-encoders on the embedded digits, and that each claim fails when the idea
//! behind it is switched off.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use crate::support::sample_quality::Classifier;
use crate::support::{recipe, refusal, session, session_with_held_out};
use brigand::batch::Batch;
use brigand::latent::CLASS;
use brigand::measurements::HELD_OUT_ACCURACY;
use brigand::players::Measurements;
use brigand::random::Stream;
use brigand::recipe::Recipe;
use brigand::session::Session;
use brigand::theory::{Points, sliced_wasserstein};
use brigand::training::load_data;

const SMALL: &str = "encoder.widths=[128] decoder.widths=[128] discriminator.widths=[64]";
const UNREGULARIZED: &str = "phases.regularization=false";

/// The system after `steps` steps, and its last measurements.
fn trained(system: &str, words: &str, steps: u64) -> (Session, Measurements) {
    let words = format!("{SMALL} training.steps={steps} {words}");
    let mut session = session_with_held_out(system, &words).unwrap();
    let measurements = session.advance_to(steps).unwrap();
    println!("{system} {words}: {measurements:?}");
    (session, measurements)
}

/// The sliced Wasserstein distance of codes from the prior, in units of that between two draws of the prior.
fn distance_from_prior(session: &Session) -> f64 {
    const COUNT: usize = 1000;
    let system = session.system();
    let drawn = |step| {
        let draw = system.sampler().unwrap().latents(COUNT, &mut Stream::new(9, "prior", step)).unwrap();
        draw.to_vec().unwrap()
    };
    let samples = session.feed().samples(&(0..COUNT).collect::<Vec<_>>()).unwrap();
    let codes = system.as_encoder().unwrap().encode(&samples).unwrap().to_vec().unwrap();
    let distance = |from: &[f64], to: &[f64]| {
        let (from, to) = (Points::new(from, 2).unwrap(), Points::new(to, 2).unwrap());
        sliced_wasserstein(from, to, 1.0, 64, &mut Stream::new(5, "directions", 0)).unwrap()
    };
    let (own, codes) = (distance(&drawn(0), &drawn(1)), distance(&codes, &drawn(0)));
    println!("codes {codes:.4}, prior {own:.4}: {:.2}", codes / own);
    codes / own
}

const PRIORS: [&str; 3] = ["normal", "gaussian-wheel", "swiss-roll"];

#[test]
fn codes_follow_their_prior() {
    for prior in PRIORS {
        let (session, _) = trained("aae", &format!("prior.kind={prior}"), 1500);
        let distance = distance_from_prior(&session);
        assert!(distance < 7.0, "{prior}: {distance}");
    }
}

#[test]
fn without_a_discriminator_they_do_not() {
    for prior in PRIORS {
        let (session, _) = trained("aae", &format!("prior.kind={prior} {UNREGULARIZED}"), 300);
        let distance = distance_from_prior(&session);
        assert!(distance > 20.0, "{prior}: {distance}");
    }
}

/// Networks that can move whole classes.
const WIDE: &str = "encoder.widths=[256,256] decoder.widths=[256,256] discriminator.widths=[256,256]";

/// The share of held-out digits whose code lies on the component of their class.
fn on_their_component(words: &str, steps: u64) -> f64 {
    let words = format!("{WIDE} labels.count=1000 held_out.every={steps} {words}");
    trained("aae-labels", &words, steps).1[HELD_OUT_ACCURACY]
}

#[test]
fn labels_put_classes_onto_their_components() {
    for (prior, least) in [("gaussian-wheel", 0.8), ("swiss-roll", 0.7)] {
        let share = on_their_component(&format!("prior.kind={prior}"), 2000);
        assert!(share > least, "{prior}: {share}");
    }
}

#[test]
fn without_a_discriminator_classes_lie_anywhere() {
    let share = on_their_component(UNREGULARIZED, 300);
    assert!(share < 0.4, "{share}");
}

/// The share of held-out digits that are recognised after training with 50 labels.
fn recognised(seed: u64, words: &str, steps: u64) -> f64 {
    let words = format!("training.seed={seed} labels.count=50 held_out.every={steps} {words}");
    trained("aae-semi", &words, steps).1[HELD_OUT_ACCURACY]
}

#[test]
fn unlabelled_digits_help_to_recognise() {
    let mut gains = Vec::new();
    for seed in 0..3 {
        let alone = recognised(seed, &format!("phases.reconstruction=false {UNREGULARIZED}"), 500);
        gains.push(recognised(seed, "", 2000) - alone);
    }
    let mean = gains.iter().sum::<f64>() / 3.0;
    assert!(gains.iter().all(|&gain| gain > 0.01) && mean > 0.025, "{gains:?}");
}

/// The share of samples whose nearest neighbour by code is of the same class.
fn class_in_codes(codes: &[f64], labels: &[u32]) -> f64 {
    let width = codes.len() / labels.len();
    let rows: Vec<&[f64]> = codes.chunks(width).collect();
    let nearest = |at: usize| {
        let distance =
            |other: &usize| -> f64 { rows[at].iter().zip(rows[*other]).map(|(a, b)| (a - b).powi(2)).sum() };
        (0..rows.len())
            .filter(|&other| other != at)
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .unwrap()
    };
    (0..rows.len()).filter(|&at| labels[nearest(at)] == labels[at]).count() as f64 / rows.len() as f64
}

/// The share of generated digits that are of the class asked for, and the share of real ones whose class their style
/// gives away.
fn class_and_style(words: &str) -> (f64, f64) {
    let words = format!("discriminator.widths=[256,256] {words}");
    let (session, _) = trained("aae-style", &words, 2000);
    let data = load_data(&recipe("aae-style", "").unwrap()).unwrap();
    let classifier = Classifier::train(&data, 1500, 600);
    let asked: Vec<u32> = (0..500).map(|at| at % 10).collect();
    let sampler = session.system().sampler().unwrap();
    let latents = sampler.latents(500, &mut Stream::new(3, "a test", 0)).unwrap();
    let space = sampler.space();
    let samples = sampler.generate(&space.with_category(&latents, CLASS, &asked).unwrap()).unwrap();
    let of_asked = classifier.match_share(&samples, &asked);
    let batch = session.feed().samples(&(0..800).collect::<Vec<_>>()).unwrap();
    let latents = session.system().as_encoder().unwrap().encode(&batch).unwrap();
    let (range, _) = space.part("noise").unwrap();
    let codes = latents.narrow(1, range.start, range.len()).unwrap().to_vec().unwrap();
    let known = class_in_codes(&codes, batch.required_labels().unwrap());
    println!("of the asked class {of_asked:.3}, class in codes {known:.3}");
    (of_asked, known)
}

#[test]
fn style_is_apart_from_the_class() {
    let (of_asked, known) = class_and_style("");
    assert!(of_asked > 0.95 && known < 0.5, "{of_asked} {known}");
}

#[test]
fn without_a_discriminator_style_holds_the_class() {
    let (of_asked, known) = class_and_style(UNREGULARIZED);
    assert!(of_asked < 0.7 && known > 0.8, "{of_asked} {known}");
}

#[test]
fn what_cannot_be_trained_is_refused() {
    for system in ["aae-labels", "aae-semi", "aae-style"] {
        let message = refusal(system, "data.source=swiss-roll");
        assert!(message.contains("needs labelled data"), "{system}: {message}");
    }
    for system in ["aae-labels", "aae-semi"] {
        assert!(refusal(system, "labels.count=1798").contains("labels.count is 1798, "), "{system}");
        assert!(refusal(system, "labels.count=0").contains("labels.count is 0"), "{system}");
    }
    for prior in ["gaussian-wheel", "swiss-roll"] {
        let message = refusal("aae", &format!("latent.size=3 prior.kind={prior}"));
        assert!(message.contains("latent.size is 3"), "{message}");
    }
    assert!(refusal("aae", "latent.size=0").contains("latent.size is 0"));
    assert!(refusal("aae", "prior.kind=samples").contains("prior.file"));
    assert!(refusal("aae", "encoder.kind=autoencoder").contains("encoder.kind=autoencoder"));
    assert!(refusal("aae", "labels.count=3").contains("no key `labels.count`"));
    assert!(refusal("aae-labels", "prior.kind=normal").contains("no components for the classes"));
    assert!(refusal("aae-labels", "prior.components=4").contains("the data has 10 classes"));
    assert!(refusal("aae-semi", "optimizer.supervision.beta1=1").contains("optimizer.supervision.beta1"));
}

#[test]
fn a_saved_recipe_has_the_tables_of_its_form() {
    let text = recipe("aae", "").unwrap().to_toml().unwrap();
    let strange = Recipe::from_toml(&format!("{text}\n[labels]\ncount = 3\n"), "a test").unwrap_err();
    assert!(strange.to_string().contains("labels"), "{strange}");
    for supervision in ["[phases]\nsupervision = true", "[optimizer.supervision]\nkind = \"adam\""] {
        let (table, _) = supervision.split_once('\n').unwrap();
        let text = match text.contains(table) {
            true => text.replace(table, supervision),
            false => format!("{text}\n{supervision}\n"),
        };
        let strange = Recipe::from_toml(&text, "a test").unwrap_err();
        assert!(strange.to_string().contains("supervision"), "{strange}");
    }
}

#[test]
fn discriminators_of_codes_are_constrained_as_those_of_samples() {
    let penalty = |system: &str, words: &str| {
        let mut session = session(system, &format!("{SMALL} {words}")).unwrap();
        session.advance_to(2).unwrap()
    };
    for system in ["aae", "aae-labels", "aae-semi", "aae-style"] {
        assert!(!penalty(system, "").contains_key("penalty"), "{system}");
        let words = "penalty.kind=gradient constraint.kind=spectral instance_noise.deviation=0.1";
        let measurements = penalty(system, words);
        assert!(measurements["penalty"] > 0.0, "{system}: {measurements:?}");
        let measurements = penalty(system, "constraint.kind=gradient-normalization");
        assert!(measurements["discriminator_loss"].is_finite(), "{system}: {measurements:?}");
    }
    let measurements = penalty("aae-semi", "penalty.kind=gradient");
    assert!(measurements["class_discriminator/penalty"] > 0.0, "{measurements:?}");
    assert!(refusal("aae", "penalty.kind=gradient penalty.weight=0").contains("penalty.weight is 0"));
}

#[test]
fn labels_that_are_missing_or_too_many_are_named_while_training() {
    let mut semi = session("aae-semi", "labels.count=1600").unwrap();
    let message = semi.advance().err().unwrap().to_string();
    assert!(message.contains("1600 labelled samples") && message.contains("1498"), "{message}");
    let style = session("aae-style", "").unwrap();
    let samples = style.feed().samples(&[0, 1]).unwrap().samples().unwrap().clone();
    let encoder = style.system().as_encoder().unwrap();
    let encode = |labels: &[u32]| encoder.encode(&Batch::of(samples.clone()).labelled(labels.to_vec()));
    let unlabelled = encoder.encode(&Batch::of(samples.clone()));
    assert!(unlabelled.err().unwrap().to_string().contains("labels are needed"));
    assert_eq!(encode(&[0, 9]).unwrap().shape(), [2, 18]);
    assert!(encode(&[0, 10]).is_err());
}
