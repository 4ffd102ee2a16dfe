//! Claim: the merged update is the plain simultaneous one, also when one backward pass serves both players.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::support;

use brigand::objectives::Objective;
use brigand::state::State;

/// What `gan` on digits has learnt after `steps` steps of gradient descent.
fn trained(words: &str, steps: u64) -> State {
    let mut session = support::session("gan", &format!("{SGD} {words}")).unwrap();
    session.advance_to(steps).unwrap();
    session.save().unwrap()
}

const SGD: &str = "training.batch=16 optimizer.generator.kind=sgd optimizer.discriminator.kind=sgd \
    optimizer.generator.learning_rate=0.1 optimizer.discriminator.learning_rate=0.1";

/// A discriminator that hardly moves.
const STILL: &str = "optimizer.discriminator.learning_rate=1e-30";

fn values(state: &State, name: &str) -> Vec<f32> {
    state.tensors[name].flatten_all().unwrap().to_vec1().unwrap()
}

fn largest_difference(a: &State, b: &State, prefix: &str) -> f32 {
    let names = a.tensors.keys().filter(|name| name.starts_with(prefix));
    let differences = names.flat_map(|name| {
        let pairs = values(a, name).into_iter().zip(values(b, name));
        pairs.map(|(a, b)| (a - b).abs()).collect::<Vec<_>>()
    });
    differences.fold(0.0, f32::max)
}

/// With a discriminator that hardly moves, scores before and after its step are the same: the merged update must then give
/// the generator exactly what the alternating one on the same fakes does.
#[test]
fn merged_generator_update_equals_the_separate_one() {
    // Energies need another discriminator.
    for objective in Objective::KINDS.iter().filter(|kind| **kind != "energy-based") {
        let run =
            |order: &str| trained(&format!("objective.kind={objective} {STILL} update.order={order}"), 1);
        let (start, separate, merged) = (trained("", 0), run("shared-fakes"), run("merged"));
        let moved = largest_difference(&start, &separate, "generator.");
        let apart = largest_difference(&separate, &merged, "generator.");
        assert!(moved > 1e-4, "{objective}: the generator moved by {moved} only");
        assert!(apart < 1e-6, "{objective}: {apart} apart");
    }
}

/// The discriminator's half of the merged update is the ordinary one, with a penalty too.
#[test]
fn merged_discriminator_update_equals_the_separate_one() {
    for penalty in ["none", "gradient"] {
        let run = |order: &str| {
            trained(&format!("objective.kind=wasserstein penalty.kind={penalty} update.order={order}"), 1)
        };
        let (separate, merged) = (run("shared-fakes"), run("merged"));
        let apart = largest_difference(&separate, &merged, "discriminator.");
        assert!(apart < 1e-6, "{penalty}: {apart} apart");
    }
}

/// One pass for both equals two passes: a discriminator with batch norm takes the second way, one that scores packs the
/// first.
#[test]
fn merged_update_works_with_coupled_and_packed_samples() {
    for words in ["discriminator.normalization=before-activation", "techniques.packing=2"] {
        let run = |order: &str| trained(&format!("{words} {STILL} update.order={order}"), 1);
        let apart = largest_difference(&run("shared-fakes"), &run("merged"), "generator.");
        assert!(apart < 1e-6, "{words}: {apart} apart");
    }
}

/// The discriminator that mode regularisation scores by is the one before the merged step, as the generator's.
#[test]
fn merged_update_has_the_encoders_term_too() {
    let run = |order: &str| {
        trained(&format!("techniques.encoder.kind=mode-regularization {STILL} update.order={order}"), 1)
    };
    let (separate, merged) = (run("shared-fakes"), run("merged"));
    for player in ["generator.", "encoder."] {
        let apart = largest_difference(&separate, &merged, player);
        assert!(apart < 1e-6, "{player} {apart} apart");
    }
    assert!(largest_difference(&trained("techniques.encoder.kind=entropy", 0), &merged, "encoder.") > 1e-4);
}

/// With plain gradient descent the average lies where its formula says after one step and after two.
#[test]
fn the_average_follows_the_generator() {
    const AVERAGE: &str = "average.generator.";
    // What is kept of the average is the decay, but in early steps no more than 0, 1/3, ...
    for (decay, kept) in [(0.75, [0.0, 1.0 / 3.0]), (0.15, [0.0, 0.15])] {
        let words = format!("average.decay={decay}");
        let states = [0, 1, 2].map(|steps| trained(&words, steps));
        let averaged: Vec<&String> =
            states[0].tensors.keys().filter(|name| name.starts_with(AVERAGE)).collect();
        assert!(!averaged.is_empty());
        for (name, (step, kept)) in
            averaged.iter().flat_map(|name| (1..).zip(kept).map(move |step| (name, step)))
        {
            let path = name.replace(AVERAGE, "generator.");
            let ends = values(&states[step - 1], name).into_iter().zip(values(&states[step], &path));
            for (average, (before, now)) in values(&states[step], name).into_iter().zip(ends) {
                let expected = kept * f64::from(before) + (1.0 - kept) * f64::from(now);
                let apart = (f64::from(average) - expected).abs();
                assert!(apart < 1e-6, "{name}: {average} instead of {expected} after {step}");
            }
        }
        assert!(largest_difference(&states[0], &states[1], "generator.") > 1e-4);
    }
}
