//! Claim: a discriminator of labels beside images leaves fewer found labels that break the data's rules, at the F1 of the same
//! network trained as a plain classifier.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use crate::support::{refusal, session};
use brigand::systems::image_to_label::{MICRO_F1, RULE_VIOLATIONS};

const STEPS: u64 = 1000;

/// Micro F1, and broken rules for each held-out image, after the last step.
fn measured(words: &str) -> [f64; 2] {
    let words = format!("training.steps={STEPS} held_out.every={STEPS} {words}");
    let last = session("image-to-label", &words).unwrap().advance_to(STEPS).unwrap();
    let found = [MICRO_F1, RULE_VIOLATIONS].map(|name| last[name]);
    println!("{words}: F1 {:.4}, broken rules {:.4}", found[0], found[1]);
    found
}

#[test]
fn found_labels_break_fewer_rules_than_those_of_a_plain_classifier() {
    let seeds = ["training.seed=0", "training.seed=1"];
    let both = |words: &str| {
        let of = seeds.map(|seed| measured(&format!("{seed} {words}")));
        [0, 1].map(|place| of.iter().map(|found| found[place]).sum::<f64>() / seeds.len() as f64)
    };
    let ([f1, broken], [plain_f1, plain_broken]) = (both(""), both("losses.adversarial=0"));
    assert!(f1 >= plain_f1, "{f1} {plain_f1}");
    assert!(broken <= 0.8 * plain_broken, "{broken} {plain_broken}");
}

#[test]
fn what_has_not_several_labels_is_refused() {
    for other in ["digits", "scenes", "label-scenes", "tone-discs"] {
        assert!(refusal("image-to-label", &format!("data.source={other}")).contains("`tags`"));
    }
    for system in ["gan", "cyclegan", "gaugan", "classifier"] {
        let message = refusal(system, "data.source=tagged-shapes");
        assert!(message.contains("several labels") && message.contains("image-to-label"), "{message}");
    }
    assert!(refusal("image-to-label", "labels.features=0").contains("labels.features is 0"));
    assert!(refusal("image-to-label", "labels.blur=0.5").contains("labels.blur is 0.5"));
    assert!(
        refusal("image-to-label", "losses.adversarial=0 losses.cross_entropy=0")
            .contains("nothing to train by")
    );
    assert!(refusal("image-to-label", "update.discriminator_steps=0").contains("discriminator_steps is 0"));
    assert!(refusal("image-to-label", "encoder.kind=autoencoder").contains("auto-encoder"));
}
