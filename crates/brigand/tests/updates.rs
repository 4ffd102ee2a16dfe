//! Claim: the merged update is the plain simultaneous one, also when one backward pass serves both players.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use brigand::objectives::Objective;
use brigand::recipe::{Changes, Recipe};
use brigand::systems::{self, Feed, State, System};
use brigand::training::load_data;
use candle_core::Device;

/// A system and its feed, trained `steps` steps.
fn trained(changes: &[&str], steps: u64) -> State {
    let assignments = changes.iter().map(ToString::to_string).collect();
    let entry = systems::find("gan").unwrap();
    let recipe = Recipe::resolve(entry, &Changes { file: None, assignments }).unwrap();
    let mut feed = Feed::new(load_data(&recipe).unwrap(), 16, 0, &Device::Cpu).unwrap();
    let mut system: Box<dyn System> = entry
        .build(&recipe.parts, &recipe.common.setup(feed.sample_shape().unwrap(), &[], &Device::Cpu))
        .unwrap();
    for step in 0..steps {
        system.train_step(&mut feed, step).unwrap();
    }
    let mut state = State::default();
    system.save(&mut state).unwrap();
    state
}

fn largest_difference(a: &State, b: &State, prefix: &str) -> f32 {
    let pairs =
        a.tensors.iter().filter(|(name, _)| name.starts_with(prefix)).flat_map(|(name, tensor)| {
            tensor.data.iter().zip(&b.tensors[name].data).map(|(a, b)| (a - b).abs())
        });
    pairs.fold(0.0, f32::max)
}

const SGD: [&str; 5] = [
    "training.batch=16",
    "optimizer.generator.kind=sgd",
    "optimizer.discriminator.kind=sgd",
    "optimizer.generator.learning_rate=0.1",
    "optimizer.discriminator.learning_rate=0.1",
];

/// With a discriminator that hardly moves, judging before or after its step is the same: the merged update
/// must then give the generator exactly what the alternating one on the same fakes does.
#[test]
fn merged_generator_update_equals_the_separate_one() {
    // Energies need another discriminator.
    let kinds = Objective::KINDS.iter().filter(|kind| **kind != "energy-based");
    for objective in kinds.map(|kind| format!("objective.kind={kind}")) {
        let still = "optimizer.discriminator.learning_rate=1e-30";
        let run = |order: &str| {
            let order = format!("update.order={order}");
            trained(&[&SGD[..], &[&objective, still, &order]].concat(), 1)
        };
        let (start, separate, merged) = (trained(&SGD, 0), run("shared-fakes"), run("merged"));
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
        let penalty = format!("penalty.kind={penalty}");
        let run = |order: &str| {
            let order = format!("update.order={order}");
            trained(&[&SGD[..], &["objective.kind=wasserstein", &penalty, &order]].concat(), 1)
        };
        let (start, separate, merged) = (trained(&SGD, 0), run("shared-fakes"), run("merged"));
        let moved = largest_difference(&start, &separate, "discriminator.");
        let apart = largest_difference(&separate, &merged, "discriminator.");
        assert!(moved > 1e-4, "{penalty}: the discriminator moved by {moved} only");
        assert!(apart < 1e-6, "{penalty}: {apart} apart");
    }
}

/// One pass for both equals two passes: a discriminator with batch norm takes the second way.
#[test]
fn merged_update_works_with_coupled_samples() {
    let coupled = "discriminator.normalization=before-activation";
    let run = |order: &str, steps: u64| {
        let order = format!("update.order={order}");
        let still = "optimizer.discriminator.learning_rate=1e-30";
        trained(&[&SGD[..], &[coupled, still, &order]].concat(), steps)
    };
    let separate = run("shared-fakes", 1);
    let moved = largest_difference(&run("shared-fakes", 0), &separate, "generator.");
    let apart = largest_difference(&separate, &run("merged", 1), "generator.");
    assert!(moved > 1e-4, "the generator moved by {moved} only");
    assert!(apart < 1e-6, "{apart} apart");
}

/// With plain gradient descent the average after one step lies where its formula says, and it is what samples
/// come from.
#[test]
fn the_average_follows_the_generator() {
    let decay = 0.75;
    let (start, after) = (trained(&SGD, 0), trained(&[&SGD[..], &["average.decay=0.75"]].concat(), 1));
    for (name, average) in after.tensors.iter().filter(|(name, _)| name.starts_with("average.")) {
        let path = name.replace("average.", "generator.");
        let values = average.data.iter().zip(&start.tensors[&path].data).zip(&after.tensors[&path].data);
        for ((average, before), now) in values {
            let expected = decay * f64::from(*before) + (1.0 - decay) * f64::from(*now);
            assert!((f64::from(*average) - expected).abs() < 1e-6, "{name}: {average} instead of {expected}");
        }
    }
    assert!(largest_difference(&start, &after, "generator.") > 1e-4);
    assert!(after.tensors.keys().any(|name| name.starts_with("average.")));
}
