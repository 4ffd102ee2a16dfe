//! Claim: images of label maps show what the maps say, in the colours of the image whose style they are given: by maps that
//! modulate every normalisation, and by an encoder of styles.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use crate::support::{refusal, session, trained};
use brigand::systems::gaugan::{LABEL_ACCURACY, STYLE_ERROR};
use brigand::systems::translation::PAIR_ERROR;

const STEPS: u64 = 200;

/// The error on held-out pairs, the accuracy of their labels by colour, and the difference of labels' colours from those of the
/// image that gave the style, after the last step.
fn measured(words: &str) -> [f64; 3] {
    let words = format!("training.steps={STEPS} held_out.every={STEPS} {words}");
    let last = session("gaugan", &words).unwrap().advance_to(STEPS).unwrap();
    let found = [PAIR_ERROR, LABEL_ACCURACY, STYLE_ERROR].map(|name| last[name]);
    println!("{words}: pair {:.4} accuracy {:.4} style {:.4}", found[0], found[1], found[2]);
    found
}

#[test]
fn translations_show_their_maps_in_the_style_of_an_image() {
    let [pair, accuracy, style] = measured("");
    assert!(pair < 0.06 && accuracy > 0.95 && style < 0.05, "{pair} {accuracy} {style}");
    // The map at the input alone: edges and small objects are lost on the way through the smallest maps.
    let [_, at_input, _] = measured("generator.layout=input");
    assert!(at_input < accuracy - 0.04, "{at_input} {accuracy}");
    // Codes that no image decides: the style of the image is not followed.
    let [_, _, unguided] = measured("encoder.kind=none");
    assert!(unguided > 2.5 * style, "{unguided} {style}");
}

#[test]
fn what_is_no_image_with_a_map_is_refused() {
    for other in ["digits", "scenes", "scene-pairs"] {
        assert!(refusal("gaugan", &format!("data.source={other}")).contains("`label_map`"));
    }
    for system in ["pix2pix", "cyclegan", "gan"] {
        let message = refusal(system, "data.source=label-scenes");
        assert!(message.contains("images with label maps") && message.contains("gaugan"), "{message}");
    }
    assert!(refusal("gaugan", "data.size=36").contains("generator.halvings is 3"));
    assert!(refusal("gaugan", "encoder.halvings=5").contains("encoder.halvings is 5"));
    assert!(refusal("gaugan", "discriminator.scales=3").contains("discriminator.scales is 3"));
    assert!(refusal("gaugan", "losses.divergence=-1").contains("losses.divergence"));
    assert!(refusal("gaugan", "training.batch=1").contains("training.batch is 1"));
    assert!(refusal("gaugan", "generator.layout=x").contains("layout"));
    drop(trained("gaugan", "training.steps=2 training.batch=1 generator.normalization=instance"));
}
