//! Claim: every objective goes with every penalty, constraint and technique, or the recipe is refused with a reason.
//! The whole product is walked on a tiny problem: after two steps everything must be finite, and weights of the
//! discriminator and of the generator must have changed (buffers, such as those of a power iteration, do not count).
//! How many combinations train and how many are refused for which reason is worked out beside the walk.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{recipe, session};
use brigand::objectives::Objective;
use brigand::players::Measurements;
use brigand::state::State;

const OBJECTIVES: [&str; 22] = [
    "minimax",
    "minimax objective.real_target=0.9 objective.fake_target=0.1",
    "non-saturating",
    "least-squares",
    "wasserstein",
    "hinge",
    "f-gan objective.divergence=kl",
    "f-gan objective.divergence=reverse-kl objective.update=exact",
    "f-gan objective.divergence=pearson objective.update=exact",
    "f-gan objective.divergence=neyman",
    "f-gan objective.divergence=squared-hellinger",
    "f-gan objective.divergence=jensen-shannon",
    "f-gan objective.divergence=gan objective.update=exact",
    "f-gan objective.divergence=total-variation",
    "f-gan objective.divergence=alpha objective.alpha=2",
    "relativistic",
    "relativistic-average",
    "relativistic-average-least-squares",
    "relativistic-average-hinge",
    "gan-qp",
    "c-transform",
    "loss-sensitive",
];

/// Objectives that look at an auto-encoder's scores.
const RECONSTRUCTING: [&str; 3] = ["energy-based", "wasserstein", "loss-sensitive"];

const PENALTIES: [&str; 10] = [
    "none",
    "gradient",
    "gradient penalty.cost=one-sided",
    "gradient penalty.probe=around-real",
    "gradient penalty.probe=around-both penalty.cost=one-sided",
    "gradient penalty.probe=real penalty.cost=squared",
    "gradient penalty.probe=fake penalty.cost=squared",
    "gradient penalty.probe=both penalty.cost=squared",
    "gradient penalty.cost=sixth-power",
    "gradient penalty.cost=two-sided-by-position",
];

const CONSTRAINTS: [&str; 5] = ["none", "clip", "spectral", "gradient-normalization", "gran-normalization"];

const TECHNIQUES: [&str; 17] = [
    "",
    "techniques.minibatch=discrimination",
    "techniques.minibatch=deviation",
    "techniques.packing=2",
    "techniques.historical_averaging=0.1",
    "techniques.orthogonal=0.001",
    "techniques.virtual_batch_norm=true generator.normalization=before-activation generator.widths=[6,6]",
    "techniques.feature_matching.weight=1",
    "techniques.feature_matching.weight=1 techniques.feature_matching.alone=true",
    "techniques.instance_noise.deviation=0.1 techniques.instance_noise.until=5",
    // Adam's first steps are signs, which unrolling cannot differentiate where a loss is flat.
    "techniques.unrolling.steps=2 optimizer.discriminator.kind=sgd",
    "techniques.unrolling.steps=2 techniques.unrolling.gradient=first-order",
    "techniques.consistency.weight=2 discriminator.dropout=[0.5]",
    "techniques.encoder.kind=entropy",
    "techniques.encoder.kind=mode-regularization",
    "update.order=merged",
    "update.discriminator_steps=2 average.decay=0.9 schedule.kind=linear",
];

/// The weights of `player` in a state, which the average of a generator has a copy of.
fn weights(state: &State, player: &str) -> Vec<f32> {
    let moments = format!("optimizer.{player}.first.");
    let learnt = state.tensors.keys().filter_map(|name| name.strip_prefix(&moments));
    let values = learnt.flat_map(|path| {
        let tensor = &state.tensors[&format!("{player}.{path}")];
        tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    });
    values.collect()
}

/// Two steps; answers why the recipe was refused, if it was.
fn walk(words: &[&str]) -> Option<String> {
    let mut session = match session("gan", &words.join(" ")) {
        Ok(session) => session,
        Err(error) => return Some(error.to_string()),
    };
    let before = session.save().unwrap();
    for _ in 0..2 {
        let report = session.advance().unwrap_or_else(|error| panic!("{words:?}: {error}"));
        let read: brigand::Result<Measurements> = report.read(session.step());
        read.unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }
    let after = session.save().unwrap_or_else(|error| panic!("{words:?}: {error}"));
    for player in ["generator", "discriminator"] {
        let changed = weights(&before, player) != weights(&after, player);
        assert!(changed, "{words:?}: no weight of the {player} changed");
    }
    None
}

const TINY: &str = "data.source=ring8 training.batch=8 generator.widths=[6] discriminator.widths=[6] \
    discriminator.activation=leaky-relu latent.size=3";

const CLIPPED: &str = "clipping is no differentiable step";
const COUPLED: &str = "mixes samples";

/// What a combination must be refused for.
fn expected_refusal(penalty: &str, constraint: &str, technique: &str) -> Option<&'static str> {
    let couples = technique.contains("minibatch");
    let normalizes = constraint.ends_with("normalization");
    if technique.contains("unrolling") && constraint == "clip" {
        return Some(CLIPPED);
    }
    if couples && (penalty != "none" || normalizes) {
        return Some(COUPLED);
    }
    None
}

#[test]
fn every_combination_trains_or_says_why_not() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for objective in OBJECTIVES {
        for penalty in PENALTIES {
            for constraint in CONSTRAINTS {
                for technique in TECHNIQUES {
                    let objective_words = format!("objective.kind={objective}");
                    let penalty_words = format!("penalty.kind={penalty}");
                    let constraint_words = format!("constraint.kind={constraint}");
                    let words = [TINY, &objective_words, &penalty_words, &constraint_words, technique];
                    let outcome = match (walk(&words), expected_refusal(penalty, constraint, technique)) {
                        (None, None) => "trained",
                        (Some(refusal), Some(reason)) if refusal.contains(reason) => reason,
                        other => panic!("{words:?}: {other:?}"),
                    };
                    *counts.entry(outcome).or_default() += 1;
                }
            }
        }
    }
    let (objectives, penalties, constraints) = (OBJECTIVES.len(), PENALTIES.len(), CONSTRAINTS.len());
    // Refused is clipping with each of the 2 ways to unroll, with any objective and penalty,
    let clipped = objectives * penalties * 2;
    // and each of the 2 minibatch layers with a gradient of each sample: with every penalty but none under any
    // constraint, and without a penalty under the 2 normalisations by gradients.
    let coupled = objectives * 2 * ((penalties - 1) * constraints + 2);
    let trained = objectives * penalties * constraints * TECHNIQUES.len() - clipped - coupled;
    let expected = BTreeMap::from([("trained", trained), (CLIPPED, clipped), (COUPLED, coupled)]);
    assert_eq!(counts, expected);
}

/// The values that a key of the recipe can have, by the refusal of one that it cannot.
fn values_of(key: &str, beside: &str) -> BTreeSet<String> {
    let wrong = format!("{key}=?");
    let refusal = recipe("gan", &format!("{beside} {wrong}")).unwrap_err().to_string();
    let (_, list) = refusal.split_once("expected").unwrap_or_else(|| panic!("{key}: {refusal}"));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A new objective, penalty, constraint or technique has to join the walk above.
#[test]
fn the_walk_leaves_no_kind_out() {
    let default_kinds = [
        ("objective.divergence", "objective.kind=f-gan", "kl"),
        ("penalty.probe", "penalty.kind=gradient", "line"),
        ("penalty.cost", "penalty.kind=gradient", "two-sided"),
        ("techniques.encoder.kind", "", "none"),
        ("techniques.minibatch", "", "none"),
        ("techniques.unrolling.gradient", "", "full"),
        ("update.order", "", "alternating"),
    ];
    // Shared fakes are walked by `updates.rs` beside the merged order.
    let elsewhere = "update.order=shared-fakes";
    let walked: Vec<&str> = OBJECTIVES.iter().chain(&PENALTIES).chain(&TECHNIQUES).copied().collect();
    for (key, beside, default) in default_kinds {
        for value in values_of(key, beside) {
            let wanted = format!("{key}={value}");
            let found = walked.iter().any(|words| words.split_whitespace().any(|word| word == wanted));
            assert!(found || value == default || wanted == elsewhere, "{wanted} is not walked");
        }
    }
    let first_words = |lists: &[&str]| -> BTreeSet<String> {
        lists.iter().map(|words| words.split_whitespace().next().unwrap().to_owned()).collect()
    };
    let mut objectives = first_words(&OBJECTIVES);
    objectives.extend(first_words(&RECONSTRUCTING));
    let kinds: BTreeSet<String> = Objective::KINDS.iter().map(ToString::to_string).collect();
    assert_eq!(objectives, kinds);
    assert_eq!(objectives, values_of("objective.kind", ""));
    assert_eq!(first_words(&PENALTIES), values_of("penalty.kind", ""));
    assert_eq!(first_words(&CONSTRAINTS), values_of("constraint.kind", ""));
}

/// Class conditions and latent codes, each with what it needs of the networks.
const CONDITIONS: [&str; 8] = [
    "condition.generator=latent",
    "condition.generator=latent condition.discriminator.kind=sample",
    "condition.generator=latent condition.discriminator.kind=projection",
    "condition.generator=latent condition.discriminator.kind=matching condition.discriminator.fakes=true",
    "condition.generator=latent condition.discriminator.kind=classifier codes.categories=3",
    "condition.generator=batch-norm condition.discriminator.kind=projection \
        generator.normalization=before-activation generator.widths=[6,6]",
    "condition.generator=batch-norm condition.discriminator.kind=sample \
        generator.normalization=after-activation",
    "codes.categories=4 codes.continuous=2",
];

#[test]
fn every_condition_goes_with_every_objective_penalty_and_constraint() {
    for condition in CONDITIONS {
        for objective in OBJECTIVES {
            for penalty in PENALTIES {
                for constraint in CONSTRAINTS {
                    // With its hinge alone it has nothing to learn where every margin holds.
                    let sloped = if objective == "loss-sensitive" { "objective.slope=0.1" } else { "" };
                    let objective_words = format!("objective.kind={objective} {sloped}");
                    let penalty_words = format!("penalty.kind={penalty}");
                    let constraint_words = format!("constraint.kind={constraint}");
                    let words = [TINY, condition, &objective_words, &penalty_words, &constraint_words];
                    assert_eq!(walk(&words), None, "{words:?}");
                }
            }
        }
    }
}

#[test]
fn every_condition_goes_with_the_techniques_that_can_follow_it() {
    for condition in CONDITIONS {
        for technique in TECHNIQUES {
            let by_class = condition.contains("batch-norm");
            let reason = if technique.contains("packing") {
                Some("packed samples have several classes")
            } else if technique.contains("encoder.kind") {
                Some("finds a sample's noise")
            } else if technique.contains("virtual_batch_norm") && by_class {
                Some("the class or a reference batch")
            } else {
                None
            };
            let said = walk(&[TINY, condition, technique]);
            let expected = reason
                .map_or(said.is_none(), |reason| said.as_ref().is_some_and(|said| said.contains(reason)));
            assert!(expected, "{condition}, {technique}: {said:?}");
        }
    }
    let needless = walk(&[TINY, "condition.discriminator.kind=projection"]);
    assert!(needless.unwrap().contains("that the generator does not get"));
    let unnormalized = walk(&[TINY, "condition.generator=batch-norm"]);
    assert!(unnormalized.unwrap().contains("need batch normalisation in the generator"));
    let energies = "discriminator.kind=autoencoder objective.kind=energy-based codes.categories=3";
    let said = walk(&["data.source=ring8 training.batch=8", energies]);
    assert!(said.unwrap().contains("an auto-encoder only scores"));
}

#[test]
fn classes_need_labels() {
    let said = walk(&[TINY, "data.source=swiss-roll condition.generator=latent"]);
    assert!(said.unwrap().contains("needs labelled data"));
}

#[test]
fn autoencoders_go_with_energies_only() {
    const NETWORK: &str = "discriminator.kind=autoencoder discriminator.code=2 \
        discriminator.encoder.widths=[6] discriminator.decoder.widths=[6]";
    let tiny =
        TINY.replace("discriminator.widths=[6]", "").replace("discriminator.activation=leaky-relu", "");
    for objective in OBJECTIVES.iter().chain(&RECONSTRUCTING[..1]) {
        for penalty in PENALTIES {
            for constraint in CONSTRAINTS {
                let objective_words = format!("objective.kind={objective}");
                let penalty_words = format!("penalty.kind={penalty}");
                let constraint_words = format!("constraint.kind={constraint}");
                let words: [&str; 5] = [&tiny, NETWORK, &penalty_words, &constraint_words, &objective_words];
                let said = walk(&words);
                assert_eq!(said.is_none(), RECONSTRUCTING.contains(objective), "{objective}: {said:?}");
            }
        }
    }
}
