//! Claims: SAGAN's and BigGAN's samples are of the class that is asked for, SAGAN's attention leaves its start, BigGAN's noise
//! gives every class alike strokes, and truncating it lowers the variety within classes and not the class match.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use super::conditional::class_match;
use crate::support::{refusal, session};
use brigand::capability::Sampler;
use brigand::evaluation::extractors::Extractor;
use brigand::latent_tools::{Choice, TruncationSweep, spearman};
use brigand::systems::attention::ATTENTION_GAMMA;

#[test]
fn digits_are_of_the_class_that_was_asked_for_and_attention_leaves_its_start() {
    let mut trained = session("sagan", "training.steps=2000").unwrap();
    let first = trained.advance_to(1).unwrap()[ATTENTION_GAMMA];
    let last = trained.advance_to(2000).unwrap()[ATTENTION_GAMMA];
    let share = class_match(trained.system());
    println!("factor of the attention {first} then {last}, class match {share}");
    assert!(first == 0.0 && last.abs() > 0.01, "{first} {last}");
    assert!(share >= 0.9, "{share}");
}

/// Of each of 300 samples of a class, which have the noise of the samples of other classes, the ink and the slant: the sum of the
/// pixels in [0, 1], and the covariance of their column and row over the variance of the row.
fn strokes(sampler: &dyn Sampler, class: u32) -> [Vec<f64>; 2] {
    let choice = Choice { classes: vec![class], truncation: None };
    let samples = choice.samples(sampler, 300, 5).unwrap().to_vec_f32().unwrap();
    let of = |digit: &[f32]| {
        let weights: Vec<f64> = digit.iter().map(|&level| (f64::from(level) + 1.0) / 2.0).collect();
        let mean = |of: &dyn Fn(f64, f64) -> f64| {
            let place = |pixel: usize| ((pixel / 8) as f64, (pixel % 8) as f64);
            let sum = weights.iter().enumerate().map(|(pixel, weight)| {
                let (row, column) = place(pixel);
                weight * of(row, column)
            });
            sum.sum::<f64>() / weights.iter().sum::<f64>()
        };
        let (row, column) = (mean(&|row, _| row), mean(&|_, column| column));
        let both = mean(&|r, c| (r - row) * (c - column));
        (weights.iter().sum::<f64>(), both / mean(&|r, _| (r - row).powi(2)))
    };
    let (ink, slant) = samples.chunks(64).map(of).unzip();
    [ink, slant]
}

/// The mean over pairs of classes of the rank correlation of ink, and of slant, at equal noise.
fn shared_strokes(sampler: &dyn Sampler) -> [f64; 2] {
    let found: Vec<[Vec<f64>; 2]> = (0..10).map(|class| strokes(sampler, class)).collect();
    let pairs: Vec<(usize, usize)> = (0..10).flat_map(|a| (0..a).map(move |b| (a, b))).collect();
    [0, 1].map(|which| {
        let correlation = |&(a, b): &(usize, usize)| spearman(&found[a][which], &found[b][which]);
        pairs.iter().map(correlation).sum::<f64>() / pairs.len() as f64
    })
}

/// Variances and class matches without a limit and at 2, 1, 0.5 and 0.25.
#[test]
fn truncation_lowers_variety_within_classes_and_keeps_the_class() {
    let mut trained = session("biggan", "training.steps=1500").unwrap();
    trained.advance_to(1500).unwrap();
    let share = class_match(trained.system());
    let limits = [None, Some(2.0), Some(1.0), Some(0.5), Some(0.25)];
    let sweep = TruncationSweep::new(trained.system().sampler().unwrap(), &limits).unwrap();
    let measured = sweep.measure(&Extractor::digits().unwrap(), 1000, 0).unwrap();
    let [ink, slant] = shared_strokes(trained.system().sampler().unwrap());
    println!("class match {share}, ink {ink:.3}, slant {slant:.3}, {measured:#?}");
    assert!(share >= 0.9, "{share}");
    assert!(ink > 0.3 && slant > 0.3, "ink {ink} slant {slant}");
    for pair in measured.windows(2) {
        assert!(pair[1].within_classes.unwrap() < pair[0].within_classes.unwrap(), "{pair:?}");
        assert!(pair[1].class_match.unwrap() > pair[0].class_match.unwrap() - 0.01, "{pair:?}");
    }
}

#[test]
fn noise_in_chunks_needs_a_size_that_they_divide() {
    assert!(refusal("biggan", "latent.size=61").contains("give 60 or 62"));
    assert!(refusal("biggan", "modulation.embedding=0").contains("modulation.embedding"));
    assert!(refusal("biggan", "orthogonal=-1").contains("orthogonal is -1"));
    assert!(refusal("biggan", "update.discriminator_steps=0").contains("never learn"));
    assert!(refusal("biggan", "data.source=ring8").contains("biggan needs images"));
}

#[test]
fn without_attention_there_is_no_factor() {
    let mut without = session("sagan", "training.batch=8 generator.attention=0").unwrap();
    assert!(!without.advance_to(1).unwrap().contains_key(ATTENTION_GAMMA));
}

#[test]
fn what_has_no_place_for_attention_is_refused() {
    assert!(refusal("sagan", "data.source=ring8").contains("needs images"));
    assert!(refusal("sagan", "generator.attention=3").contains("generator.attention"));
    assert!(refusal("sagan", "data.size=28 generator.attention=4").contains("smallest maps are 7"));
    assert!(refusal("sagan", "data.size=9").contains("cannot be halved"));
}
