//! Claims about the four adversarial auto-encoders on the embedded digits, and that each claim fails when the idea
//! behind it is switched off.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]
#![allow(dead_code, reason = "the yardstick is shared with other tests")]

#[allow(dead_code, reason = "each test file uses its part of the yardstick")]
mod yardstick;

use brigand::random::Stream;
use brigand::recipe::{Changes, Recipe};
use brigand::systems::{self, CLASS, Feed, Report, System};
use brigand::theory::{Points, sliced_wasserstein};
use brigand::training::{Prepared, load_data};
use brigand_autograd::Variable;
use candle_core::Device;
use yardstick::Classifier;

const SMALL: &str = "encoder.widths=[128] decoder.widths=[128] discriminator.widths=[64]";
const UNREGULARIZED: &str = "phases.regularization=false";
const HELD_OUT: &str = "held_out_accuracy";

fn recipe(system: &str, words: &str) -> brigand::Result<Recipe> {
    let assignments = words.split_whitespace().map(str::to_owned).collect();
    Recipe::resolve(systems::find(system)?, &Changes { file: None, assignments })
}

/// The system after `steps` steps, its data, and what the last step reported.
fn trained(system: &str, words: &str, steps: u64) -> (Box<dyn System>, Feed, Report) {
    let recipe = recipe(system, &format!("{SMALL} training.steps={steps} {words}")).unwrap();
    let training = recipe.common.training;
    let mut feed =
        Feed::new(load_data(&recipe).unwrap(), training.batch, training.seed, &Device::Cpu).unwrap();
    feed.hold_out(None).unwrap();
    let classes = feed.class_counts();
    let setup = recipe.common.setup(feed.sample_shape().unwrap(), &classes, &Device::Cpu);
    let mut trained = systems::find(system).unwrap().build(&recipe.parts, &setup).unwrap();
    let mut report = Report::new();
    for step in 0..steps {
        report = trained.train_step(&mut feed, step).unwrap();
    }
    println!("{system} {words}: {report:?}");
    (trained, feed, report)
}

/// The sliced Wasserstein distance of codes from the prior, in units of that between two draws of the prior.
fn distance_from_prior(system: &dyn System, feed: &Feed) -> f64 {
    const COUNT: usize = 1000;
    let drawn = |step| {
        let draw = system.latents(COUNT, &mut Stream::new(9, "prior", step)).unwrap();
        draw.to_vec().unwrap()
    };
    let codes = system.encode(&feed.samples(0..COUNT).unwrap(), None).unwrap().unwrap().to_vec().unwrap();
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
        let (system, feed, _) = trained("aae", &format!("prior.kind={prior}"), 1500);
        let distance = distance_from_prior(system.as_ref(), &feed);
        assert!(distance < 7.0, "{prior}: {distance}");
    }
}

#[test]
fn without_a_discriminator_they_do_not() {
    for prior in PRIORS {
        let (system, feed, _) = trained("aae", &format!("prior.kind={prior} {UNREGULARIZED}"), 300);
        let distance = distance_from_prior(system.as_ref(), &feed);
        assert!(distance > 20.0, "{prior}: {distance}");
    }
}

/// Networks that can move whole classes.
const WIDE: &str = "encoder.widths=[256,256] decoder.widths=[256,256] discriminator.widths=[256,256]";

/// The share of held-out digits whose code lies on the component of their class.
fn on_their_component(words: &str, steps: u64) -> f64 {
    let words = format!("{WIDE} labels.count=1000 held_out.every={steps} {words}");
    trained("aae-labels", &words, steps).2[HELD_OUT]
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
    trained("aae-semi", &words, steps).2[HELD_OUT]
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
    let (system, feed, _) = trained("aae-style", &format!("discriminator.widths=[256,256] {words}"), 2000);
    let data = feed.dataset();
    let classifier = Classifier::train(data, 1500, 600);
    let asked: Vec<u32> = (0..500).map(|at| at % 10).collect();
    let latents = system.latents(500, &mut Stream::new(3, "a test", 0)).unwrap();
    let space = system.latent_space().unwrap();
    let samples = system.generate(&space.with_category(&latents, CLASS, &asked).unwrap()).unwrap();
    let of_asked = classifier.match_share(&samples, &asked);
    let batch = data.get(&(0..800).collect::<Vec<_>>()).unwrap();
    let labels = batch.labels.unwrap();
    let images = Variable::from_slice(&batch.values, &batch.shape).unwrap();
    let latents = system.encode(&images, Some(&labels)).unwrap().unwrap();
    let (range, _) = space.part("noise").unwrap();
    let codes = latents.narrow(1, range.start, range.len()).unwrap().to_vec().unwrap();
    let known = class_in_codes(&codes, &labels);
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

/// Why the system cannot be trained with these words.
fn refusal(system: &str, words: &str) -> String {
    let prepared = recipe(system, words).and_then(|recipe| Prepared::new(recipe, &Device::Cpu));
    prepared.err().unwrap().to_string()
}

#[test]
fn what_cannot_be_trained_is_refused() {
    for system in ["aae-labels", "aae-semi", "aae-style"] {
        let said = refusal(system, "data.source=swiss-roll");
        assert!(said.contains("needs labelled data"), "{system}: {said}");
    }
    for system in ["aae-labels", "aae-semi"] {
        assert!(refusal(system, "labels.count=1798").contains("labels.count is 1798, "), "{system}");
        assert!(refusal(system, "labels.count=0").contains("labels.count is 0"), "{system}");
    }
    for prior in ["gaussian-wheel", "swiss-roll"] {
        let said = refusal("aae", &format!("latent.size=3 prior.kind={prior}"));
        assert!(said.contains("latent.size is 3"), "{said}");
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
    assert!(strange.to_string().contains("labels is not of this system"), "{strange}");
    let (before, _) = text.split_once("[prior]").unwrap();
    let rest = &text[before.len() + 7..];
    let rest = rest.find("\n[").map_or("", |at| &rest[at..]);
    let lacking = Recipe::from_toml(&format!("{before}{rest}"), "a test").unwrap_err();
    assert!(lacking.to_string().contains("prior is missing"), "{lacking}");
}

#[test]
fn labels_that_are_missing_or_too_many_are_named_while_training() {
    let recipe = recipe("aae-semi", "labels.count=1600").unwrap();
    let mut prepared = Prepared::new(recipe.clone(), &Device::Cpu).unwrap();
    let mut feed = Feed::new(load_data(&recipe).unwrap(), 100, 0, &Device::Cpu).unwrap();
    feed.hold_out(None).unwrap();
    let said = prepared.system.train_step(&mut feed, 0).err().unwrap().to_string();
    assert!(said.contains("1600 labelled samples") && said.contains("1498"), "{said}");
    let style = Prepared::new(self::recipe("aae-style", "").unwrap(), &Device::Cpu).unwrap().system;
    let samples = feed.samples(0..2).unwrap();
    assert!(style.encode(&samples, None).err().unwrap().to_string().contains("labels are needed"));
    assert_eq!(style.encode(&samples, Some(&[0, 9])).unwrap().unwrap().shape(), [2, 18]);
    assert!(style.encode(&samples, Some(&[0, 10])).is_err());
}
