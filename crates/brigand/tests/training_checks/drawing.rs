//! Claims about systems that draw in steps: DRAW bounds the likelihood of held-out digits, better in eight steps than in
//! one; GRAN's last canvas is nearer to the data than its first.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use crate::support::sample_quality::Classifier;
use crate::support::{refusal, session, session_with_held_out, trained};
use brigand::batch::Batch;
use brigand::capability::{Content, Showing};
use brigand::data::{Dataset, Options, load};
use brigand::evaluation::{Features, FrechetDistance, Moments};
use brigand::system::System;
use brigand_autograd::Variable;

const STEPS: u64 = 600;

/// The bound for held-out digits after a short run, in nats.
fn bound(words: &str) -> f64 {
    let words =
        format!("training.steps={STEPS} held_out.every={STEPS} encoder.hidden=64 decoder.hidden=64 {words}");
    let mut session = session_with_held_out("draw", &words).unwrap();
    let bound = session.advance_to(STEPS).unwrap()["held_out_elbo_loss"];
    println!("{words}: {bound}");
    bound
}

#[test]
fn draw_bounds_the_likelihood_better_in_eight_steps_than_in_one() {
    let (eight, one) = (bound("latent.size=2"), bound("latent.size=2 drawing.steps=1"));
    assert!(eight < 25.9 && one > eight + 0.5, "{eight} {one}");
}

/// The images of a series that a system shows.
fn shown(system: &dyn System, (series, seed): (&str, u64)) -> (Variable, usize) {
    let examples = Batch::of(Variable::from_slice(&[0.0_f32; 64], &[1, 1, 8, 8]).unwrap());
    let showing = Showing { seed, examples: &examples, count: 1 };
    let found = system.show(&showing).unwrap().into_iter().find(|exhibit| exhibit.series == series);
    match found.unwrap_or_else(|| panic!("no series {series}")).content {
        Content::Images { images, columns } => (images, columns),
        Content::Rows { .. } | Content::Animation { .. } | Content::Text(_) => {
            panic!("{series} is no series of images")
        }
    }
}

/// So many samples after each step of their drawing, `[number, pixels]` each.
fn canvases(system: &dyn System, times: u64) -> Vec<Vec<f32>> {
    let (_, columns) = shown(system, ("canvas", 0));
    let mut canvases = vec![Vec::new(); columns];
    for seed in 0..times {
        let values = shown(system, ("canvas", seed)).0.to_vec_f32().unwrap();
        for (number, image) in values.chunks(64).enumerate() {
            canvases[number % columns].extend_from_slice(image);
        }
    }
    canvases
}

/// The Fréchet distances of pixels between canvases and the digits.
fn distances(canvases: &[Vec<f32>], digits: &Dataset) -> Vec<f64> {
    let moments = |values: &[f32]| Moments::of(&Features::new(values.to_vec(), 64).unwrap()).unwrap();
    let real = moments(&digits.get(&(0..digits.len()).collect::<Vec<_>>()).unwrap().values);
    let distance = |values: &Vec<f32>| FrechetDistance::between(&real, &moments(values)).unwrap().value;
    canvases.iter().map(distance).collect()
}

/// What each image has beyond the mean image.
fn deviations(images: &[f32]) -> Vec<f32> {
    let count = (images.len() / 64) as f32;
    let mean: Vec<f32> = (0..64).map(|at| images.iter().skip(at).step_by(64).sum::<f32>() / count).collect();
    images.iter().zip(mean.iter().cycle()).map(|(value, mean)| value - mean).collect()
}

/// The correlation of two sets of images, beyond their mean images.
fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (deviations(a), deviations(b));
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}

/// Every canvas is nearer than the one before, the first shows the same digit as the last, and samples are of many classes.
#[test]
fn the_last_canvas_of_gran_is_nearer_to_the_data_than_the_first() {
    let digits = load(&"digits".parse().unwrap(), &Options::default()).unwrap();
    let gran = trained("gran", "training.steps=900 generator.width=16 discriminator.width=16");
    let canvases = canvases(gran.system(), 60);
    let found = distances(&canvases, &digits);
    let same = correlation(&canvases[0], &canvases[2]);
    let classifier = Classifier::train(&digits, digits.len(), 2000);
    let quality = classifier.quality(&gran.system().sampler().unwrap().sample(1000, 1).unwrap());
    println!("{found:?} {same} {quality:?}");
    assert!(found.len() == 3 && found[1] < 0.8 * found[0] && found[2] < 0.8 * found[1], "{found:?}");
    assert!(same > 0.5, "{same}");
    assert!(quality.classes >= 9 && quality.largest_share < 0.3, "{quality:?}");
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    for (words, part) in [
        ("drawing.steps=0", "drawing.steps is 0"),
        ("drawing.steps=257", "give 1 to 256"),
        ("drawing.steps=200 latent.size=1000", "200000 numbers"),
        ("encoder.attention=1", "encoder.attention is 1"),
        ("decoder.attention=65", "decoder.attention is 65"),
        ("encoder.hidden=0", "encoder.hidden is 0"),
        ("clip_norm=-1.0", "clip_norm is -1"),
        ("latent.prior=uniform", "latent.prior must be normal"),
        ("data.source=ring8", "needs images"),
    ] {
        let found = refusal("draw", words);
        assert!(found.contains(part), "{words}: {found}");
    }
    assert!(refusal("gran", "generator.steps=0").contains("generator.steps"));
    assert!(refusal("gran", "generator.noise=fresh").contains("divided among 3 steps"));
    assert!(refusal("gran", "condition.generator=batch-norm").contains("condition.generator=latent"));
    let fresh =
        "generator.noise=fresh latent.size=12 generator.width=4 discriminator.width=4 training.batch=8";
    session("gran", fresh).unwrap().advance_to(1).unwrap();
    let whole = "encoder.attention=0 decoder.attention=0 training.batch=8 drawing.steps=2";
    session("draw", whole).unwrap().advance_to(1).unwrap();
}
