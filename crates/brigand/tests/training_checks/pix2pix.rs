//! Claim: trained on pairs, translations are near their partners, and the discriminator gives them the detail that the
//! distance alone leaves out.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use crate::support::{refusal, session};
use brigand::systems::pix2pix::GRADIENT_ENERGY_RATIO;
use brigand::systems::translation::PAIR_ERROR;

const STEPS: u64 = 1000;

/// The error on held-out pairs, and their gradient energy beside that of the partners, after the last step.
fn measured(words: &str) -> (f64, f64) {
    let words = format!("training.steps={STEPS} held_out.every={STEPS} {words}");
    let last = session("pix2pix", &words).unwrap().advance_to(STEPS).unwrap();
    println!("{words}: pair {:.4} energy {:.3}", last[PAIR_ERROR], last[GRADIENT_ENERGY_RATIO]);
    (last[PAIR_ERROR], last[GRADIENT_ENERGY_RATIO])
}

/// The stars of the night cannot be read off the day: the best translation by the distance has none.
#[test]
fn translations_are_near_their_partners_and_as_detailed() {
    let (error, energy) = measured("");
    let (smooth_error, smooth_energy) = measured("losses.adversarial=0");
    assert!(error < 0.06 && smooth_error < 0.06, "{error} {smooth_error}");
    assert!((0.8..1.2).contains(&energy) && smooth_energy < 0.7, "{energy} {smooth_energy}");
}

#[test]
fn what_is_no_pair_is_refused() {
    let unpaired = refusal("pix2pix", "data.source=scenes");
    assert!(unpaired.contains("give one source of pairs"), "{unpaired}");
    assert!(refusal("pix2pix", "data.source=digits").contains("`second`"));
    assert!(refusal("dcgan", "data.source=scene-pairs").contains("two domains of images"));
    assert!(refusal("pix2pix", "data.size=20").contains("translator.halvings to fewer than 3"));
    assert!(refusal("pix2pix", "losses.distance=0 losses.adversarial=0").contains("nothing to train by"));
    assert!(refusal("pix2pix", "translator.dropout=1").contains("dropout"));
}
